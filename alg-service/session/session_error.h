// The errors of ims.alg.v1, and those of Iq as an IMS-ALG passes them on.

#ifndef ALG_SERVICE_SESSION_SESSION_ERROR_H_
#define ALG_SERVICE_SESSION_SESSION_ERROR_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "ims/alg/v1/session.pb.h"

namespace alg {

// An error with the status code that session.proto gives `reason`, and ErrorInfo of "alg.ims".
absl::Status SessionError(ims::alg::v1::ErrorReason reason, absl::string_view message,
                          std::vector<std::pair<std::string, std::string>> metadata = {});

// The same for a field of the request: "`field` `problem`".
absl::Status FieldError(ims::alg::v1::ErrorReason reason, absl::string_view field,
                        absl::string_view problem);

// What a network function is told when a call of an IMS-AGW failed with `status`. Status codes of
// the transport stay, refusals that should not have been become INTERNAL (GATEWAY_REFUSED). An
// error of ims.alg.v1 stays what it is.
absl::Status FromIqError(const absl::Status& status);

// After these nobody knows whether the IMS-AGW did what it was asked: it, the connection to it, the
// deadline or the caller was lost.
bool IsUncertain(const absl::Status& iq_status);

// Another IMS-AGW may be able to do it.
bool IsWorthAnotherGateway(const absl::Status& iq_status);

// `status` has that reason of ims.iq.v1, given without prefix.
bool HasIqReason(const absl::Status& status, absl::string_view reason);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_SESSION_ERROR_H_
