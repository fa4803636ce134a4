// From a session id to the IMS-AGW that has the session.

#ifndef ALG_SERVICE_SESSION_GATEWAY_LOOKUP_H_
#define ALG_SERVICE_SESSION_GATEWAY_LOOKUP_H_

#include "absl/status/statusor.h"
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/session/session_id.h"

namespace alg {

// `kNotFound` (GATEWAY_LOST): it is gone, and the session with it. `kUnavailable` (NO_GATEWAY): it
// is not known yet.
absl::StatusOr<Gateway> FindGateway(const GatewayDirectory& directory, const SessionId& id);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_GATEWAY_LOOKUP_H_
