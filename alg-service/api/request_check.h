// The constraints that session_service.proto puts on fields. Pure.

#ifndef ALG_SERVICE_API_REQUEST_CHECK_H_
#define ALG_SERVICE_API_REQUEST_CHECK_H_

#include "absl/status/status.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

// OK, or `kInvalidArgument` (FIELD_MISSING, FIELD_INVALID, SDP_TOO_LARGE) that names the first
// field to blame; `kUnimplemented` (DIRECTION_UNSUPPORTED). The SDP itself and the form of session
// ids are the session layer's business.
absl::Status CheckRequest(const ims::alg::v1::ProcessOfferRequest& request);
absl::Status CheckRequest(const ims::alg::v1::ProcessAnswerRequest& request);
absl::Status CheckRequest(const ims::alg::v1::RejectOfferRequest& request);
absl::Status CheckRequest(const ims::alg::v1::ReleaseSessionRequest& request);
absl::Status CheckRequest(const ims::alg::v1::GetSessionRequest& request);

}  // namespace alg

#endif  // ALG_SERVICE_API_REQUEST_CHECK_H_
