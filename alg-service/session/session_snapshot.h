// A session at one moment, as any replica can reconstruct it.

#ifndef ALG_SERVICE_SESSION_SESSION_SNAPSHOT_H_
#define ALG_SERVICE_SESSION_SESSION_SNAPSHOT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/gateway/media_gateway.h"
#include "alg-service/offer_answer/media_plan.h"
#include "alg-service/sdp/session_description.h"
#include "alg-service/session/session_id.h"
#include "alg-service/session/task.h"
#include "ims/alg/v1/session_record.pb.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace alg {

// Where a session stands at a revision of its record. It may be old; what is done on its behalf
// names the revision, so that the IMS-AGW refuses it then. Immutable once made.
struct SessionSnapshot {
  Gateway gateway;
  std::string context_id;
  ims::alg::v1::SessionRecord record;
  uint64_t revision = 0;

  // What the current offer is and what becomes of it: functions of the record and of what the
  // IMS-AGW has reserved. The current offer is the one that awaits its answer, else the last one
  // answered.
  SessionDescription offer;
  OfferPlan plan;
  std::vector<Reservation> reservations;  // Of every stream that is kE2ae in `plan`.

  std::string session_id() const;
};

// The IMS-AGW of a session. `kNotFound` (GATEWAY_LOST): it is gone, and the session with it.
// `kUnavailable` (NO_GATEWAY): whether it is gone is not known.
absl::StatusOr<Gateway> FindGateway(const GatewayDirectory& directory, const SessionId& id);

// Everything `gateway` knows of a context. Errors are those of Iq.
Task<absl::StatusOr<ims::iq::v1::AuditContextResponse>> Audit(Gateway gateway,
                                                              std::string context_id,
                                                              CallScope scope);

// The termination in `audit`, or null. Valid while `audit` is.
const ims::iq::v1::TerminationAudit* FindTermination(const ims::iq::v1::AuditContextResponse& audit,
                                                     uint32_t stream_id, ims::iq::v1::Side side);

// From an audit. A stream whose terminations have been released has a reservation without
// addresses. Errors: those of ParseRecord(); `kInternal` (GATEWAY_REFUSED) if the record does not
// fit the context.
absl::StatusOr<SessionSnapshot> FromAudit(const Gateway& gateway,
                                          const ims::iq::v1::AuditContextResponse& audit);

// What PlanOffer() needs, from the record and the IMS-AGW.
OfferFacts OfferFactsOf(const ims::alg::v1::SessionRecord& record, const GatewayInfo& gateway);

// From what the IMS-AGW gave. `kInternal` (GATEWAY_REFUSED) if that cannot go into SDP.
absl::StatusOr<Reservation> MakeReservation(
    uint32_t stream_id, const ims::iq::v1::TransportAddress& access,
    const google::protobuf::RepeatedPtrField<ims::iq::v1::Fingerprint>& access_fingerprints,
    const ims::iq::v1::TransportAddress& core);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_SESSION_SNAPSHOT_H_
