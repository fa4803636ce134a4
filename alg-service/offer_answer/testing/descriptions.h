// Descriptions and reservations that tests vary: those of scenario TS-01.

#ifndef ALG_SERVICE_OFFER_ANSWER_TESTING_DESCRIPTIONS_H_
#define ALG_SERVICE_OFFER_ANSWER_TESTING_DESCRIPTIONS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "alg-service/offer_answer/media_plan.h"
#include "alg-service/offer_answer/setup_role.h"
#include "alg-service/sdp/session_description.h"

namespace alg {

// Pairs of text and what to put in its place.
using Changes = std::vector<std::pair<std::string, std::string>>;

// The offer of A and the answer of B with changes made. The text to replace must be there, the
// result must parse.
std::string OfferText(const Changes& changes = {});
std::string AnswerText(const Changes& changes = {});
SessionDescription Offer(const Changes& changes = {});
SessionDescription Answer(const Changes& changes = {});
SessionDescription ParseOrDie(absl::string_view text);

// The other direction: an offer of B, the UE, and the answer of A, in the core.
SessionDescription UeOffer(const Changes& changes = {});
SessionDescription CoreAnswer(const Changes& changes = {});

// UE and P-CSCF have e2ae.
OfferFacts BothHaveE2ae(Side offerer = Side::kCore);

// T1 192.0.2.10:40002, T2 203.0.113.10:30002 for stream 1; ports two higher for each further
// stream.
Reservation ReservationFor(uint32_t stream_id);
std::vector<Reservation> Reservations(uint32_t count = 1);

// "a=fingerprint" values: of the IMS-AGW's certificate, and of B's.
extern const char kAgwFingerprint[];
extern const char kUeFingerprint[];

// "a=<rest>" and the line end.
std::string Attribute(absl::string_view rest);

}  // namespace alg

#endif  // ALG_SERVICE_OFFER_ANSWER_TESTING_DESCRIPTIONS_H_
