// Calls of gRPC methods without generated code, for tests of what does not depend on the service.

#ifndef COMMON_TESTING_GENERIC_CALL_H_
#define COMMON_TESTING_GENERIC_CALL_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/channel.h"

namespace common {

constexpr char kHealthCheckMethod[] = "/grpc.health.v1.Health/Check";

// Calls `method` ("/package.Service/Method") with `request`, a serialized message, and returns the
// serialized response. Waits up to 10 s for the server to be reachable and to answer, unless
// `fail_fast`.
absl::StatusOr<std::string> CallMethod(const std::shared_ptr<grpc::Channel>& channel,
                                       const std::string& method, const std::string& request,
                                       bool fail_fast = false);

}  // namespace common

#endif  // COMMON_TESTING_GENERIC_CALL_H_
