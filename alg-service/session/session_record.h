// The record of a session that its context carries. Pure.

#ifndef ALG_SERVICE_SESSION_SESSION_RECORD_H_
#define ALG_SERVICE_SESSION_SESSION_RECORD_H_

#include "absl/status/status.h"
#include "alg-service/session/session_policy.h"
#include "ims/alg/v1/session_record.pb.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

// The record of a session at its offer. What the request leaves open is taken from `policy`.
ims::alg::v1::SessionRecord MakeRecord(const ims::alg::v1::ProcessOfferRequest& request,
                                       bool ue_supports_e2ae, bool p_cscf_supports_e2ae,
                                       const SessionPolicy& policy);

// The same with the answer.
ims::alg::v1::SessionRecord WithAnswer(const ims::alg::v1::SessionRecord& offered,
                                       const ims::alg::v1::ProcessAnswerRequest& request);

// Both come from the same offer, whatever became of it.
bool IsSameOffer(const ims::alg::v1::SessionRecord& a, const ims::alg::v1::SessionRecord& b);

// OK if a context can carry the record, which for an offer leaves room for an answer, else
// `kInvalidArgument` (SDP_TOO_LARGE).
absl::Status CheckRecordSize(const ims::alg::v1::SessionRecord& record);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_SESSION_RECORD_H_
