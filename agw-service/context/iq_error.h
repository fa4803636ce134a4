// Errors of Iq calls, with a reason of ims.iq.v1.ErrorReason by its name without prefix.

#ifndef AGW_SERVICE_CONTEXT_IQ_ERROR_H_
#define AGW_SERVICE_CONTEXT_IQ_ERROR_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace agw {

// `field` is the path of the field to blame, e.g. "remote.address"; empty where none is.
absl::Status IqError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                     absl::string_view field = "");

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_IQ_ERROR_H_
