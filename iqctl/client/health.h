// gRPC's health service.

#ifndef IQCTL_CLIENT_HEALTH_H_
#define IQCTL_CLIENT_HEALTH_H_

#include "absl/status/statusor.h"
#include "iqctl/client/connection.h"

namespace iqctl {

// Whether the server says that it serves. Errors are those of ToCallStatus().
absl::StatusOr<bool> IsServing(const Endpoint& endpoint);

}  // namespace iqctl

#endif  // IQCTL_CLIENT_HEALTH_H_
