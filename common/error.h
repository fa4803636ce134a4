// Errors with a typed reason: an absl::Status that carries what google.rpc.ErrorInfo needs. Made
// here, turned into a gRPC status in one place (grpc_status.h), read back by clients of our own
// with the functions below.

#ifndef COMMON_ERROR_H_
#define COMMON_ERROR_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace common {

// The reason of an error and what else a program may want to know of it.
struct ErrorInfo {
  std::string reason;  // UPPER_SNAKE_CASE, e.g. "FIELD_MISSING".
  std::string domain;  // "iq.ims" or "alg.ims".
  std::vector<std::pair<std::string, std::string>> metadata;
};

// An error of `code` with that information. `code` is not kOk.
absl::Status MakeError(absl::StatusCode code, absl::string_view message, const ErrorInfo& info);

// The information in `status`; with empty strings if it has none.
ErrorInfo GetErrorInfo(const absl::Status& status);

// Shorthand for the usual question of a caller.
std::string ErrorReasonOf(const absl::Status& status);

// The value in the metadata of `status`, or "".
std::string ErrorMetadata(const absl::Status& status, absl::string_view key);

}  // namespace common

#endif  // COMMON_ERROR_H_
