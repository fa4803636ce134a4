// Plan and reserved addresses to the description that is sent on. Everything that is not ours keeps
// its bytes and its place; "o=" is kept as received. Pure.

#ifndef ALG_SERVICE_OFFER_ANSWER_REWRITE_H_
#define ALG_SERVICE_OFFER_ANSWER_REWRITE_H_

#include <string>

#include "absl/types/span.h"
#include "alg-service/offer_answer/media_plan.h"
#include "alg-service/sdp/session_description.h"

namespace alg {

// The offer for the answerer, with the address of the termination on its side: for a UE, TLS, the
// fingerprints of T1 and "a=3ge2ae:applied" (TS 23.334 clause 6.2.10.3.1.2, step 8); for the core,
// nothing of all that (clause 6.2.10.3.1.1). `plan` is PlanOffer()'s and does not reject the whole;
// `reservations` has every stream that is kE2ae there.
std::string RewriteOffer(const SessionDescription& offer, const OfferPlan& plan,
                         absl::Span<const Reservation> reservations);

// The answer for the offerer, likewise: for the core no TLS and no fingerprint (step 17), for a UE
// TLS and the fingerprints of T1. `plan` is
// PlanAnswer()'s of the same arguments and does not reject the whole.
std::string RewriteAnswer(const SessionDescription& offer, const OfferPlan& offer_plan,
                          const SessionDescription& answer, const AnswerPlan& plan,
                          absl::Span<const Reservation> reservations);

}  // namespace alg

#endif  // ALG_SERVICE_OFFER_ANSWER_REWRITE_H_
