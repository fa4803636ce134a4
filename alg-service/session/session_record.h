// The record of a session that its context carries. Pure.

#ifndef ALG_SERVICE_SESSION_SESSION_RECORD_H_
#define ALG_SERVICE_SESSION_SESSION_RECORD_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "alg-service/session/session_policy.h"
#include "ims/alg/v1/session_record.pb.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

// The newest format this replica reads, and the one it writes.
inline constexpr uint32_t kRecordFormatVersion = 1;

// The record of a session at its first offer. What the request leaves open is taken from `policy`;
// `reserved_by` names the run that makes the reservations.
ims::alg::v1::SessionRecord MakeRecord(const ims::alg::v1::ProcessOfferRequest& request,
                                       const SessionPolicy& policy, std::string reserved_by);

// The same with an answer to the offer that awaited one: from then on it is agreed.
ims::alg::v1::SessionRecord WithAnswer(const ims::alg::v1::SessionRecord& offered,
                                       const ims::alg::v1::ProcessAnswerRequest& request);

// From the `controller_state` of a context. `kUnavailable` (RECORD_TOO_NEW) if a newer version of
// the IMS-ALG has written it, `kInternal` (GATEWAY_REFUSED) if it is none of ours.
absl::StatusOr<ims::alg::v1::SessionRecord> ParseRecord(const std::string& controller_state);

// Offered if an offer awaits its answer, else answered.
ims::alg::v1::SessionState StateOf(const ims::alg::v1::SessionRecord& record);

// The exchange that is under way, else the one agreed.
const ims::alg::v1::Exchange& CurrentExchange(const ims::alg::v1::SessionRecord& record);

// Both come from the same offer, whatever became of it and whichever run it was.
bool IsSameOffer(const ims::alg::v1::SessionRecord& a, const ims::alg::v1::SessionRecord& b);

// OK if a context can carry the record, which for an offer leaves room for an answer, else
// `kInvalidArgument` (SDP_TOO_LARGE).
absl::Status CheckRecordSize(const ims::alg::v1::SessionRecord& record);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_SESSION_RECORD_H_
