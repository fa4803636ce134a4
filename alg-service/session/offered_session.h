// A session between its offer and its end, as any replica can reconstruct it.

#ifndef ALG_SERVICE_SESSION_OFFERED_SESSION_H_
#define ALG_SERVICE_SESSION_OFFERED_SESSION_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/offer_answer/media_plan.h"
#include "alg-service/sdp/session_description.h"
#include "ims/alg/v1/session_record.pb.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace alg {

// Immutable once made.
struct OfferedSession {
  Gateway gateway;
  std::string context_id;
  ims::alg::v1::SessionRecord record;
  uint64_t revision = 0;  // Of the record, in the context.
  SessionDescription offer;
  OfferPlan plan;
  std::vector<Reservation> reservations;  // Of every stream that is kE2ae in `plan`.

  std::string session_id() const;
};

// What PlanOffer() needs, from the record and the IMS-AGW.
OfferFacts OfferFactsOf(const ims::alg::v1::SessionRecord& record, const GatewayInfo& gateway);

// From what the IMS-AGW gave. `kInternal` (GATEWAY_REFUSED) if that cannot go into SDP.
absl::StatusOr<Reservation> MakeReservation(
    uint32_t stream_id, const ims::iq::v1::TransportAddress& access,
    const google::protobuf::RepeatedPtrField<ims::iq::v1::Fingerprint>& access_fingerprints,
    const ims::iq::v1::TransportAddress& core);

// The termination in `audit`, or null. Valid while `audit` is.
const ims::iq::v1::TerminationAudit* FindTermination(const ims::iq::v1::AuditContextResponse& audit,
                                                     uint32_t stream_id, ims::iq::v1::Side side);

// From an audit. A stream whose terminations have been released has a reservation without
// addresses. `kInternal` (GATEWAY_REFUSED) if the context is none of ours.
absl::StatusOr<OfferedSession> FromAudit(const Gateway& gateway,
                                         const ims::iq::v1::AuditContextResponse& audit);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_OFFERED_SESSION_H_
