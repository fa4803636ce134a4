// absl::Status to grpc::Status and back: the only place where this is done.

#ifndef COMMON_GRPC_STATUS_H_
#define COMMON_GRPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace common {

// The same code and message. `ErrorInfo` (error.h) goes into error_details() as a
// google.rpc.Status, which becomes the trailer "grpc-status-details-bin" that clients in every
// language know.
grpc::Status ToGrpcStatus(const absl::Status& status);

// The reverse. Details that are not a google.rpc.Status are ignored.
absl::Status FromGrpcStatus(const grpc::Status& status);

}  // namespace common

#endif  // COMMON_GRPC_STATUS_H_
