// What a failed gRPC call means to an operator.

#ifndef IQCTL_CLIENT_CALL_ERROR_H_
#define IQCTL_CLIENT_CALL_ERROR_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "grpcpp/support/status.h"

namespace iqctl {

// As common::FromGrpcStatus(), but what gRPC calls UNAVAILABLE because TLS failed, or because the server
// hung up before the first call, is `kUnauthenticated`. Its reason, of the domain "iqctl", is
// TLS_FAILED, CERTIFICATE_REFUSED (after our certificate was sent) or TLS_WANTED (we spoke plaintext).
absl::Status ToCallStatus(const grpc::Status& status, bool is_plaintext);

// `status` with `what` and a colon before its message. Its details stay.
absl::Status Annotate(const absl::Status& status, absl::string_view what);

}  // namespace iqctl

#endif  // IQCTL_CLIENT_CALL_ERROR_H_
