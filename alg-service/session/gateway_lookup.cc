#include "alg-service/session/gateway_lookup.h"

#include "alg-service/session/session_error.h"

namespace alg {

absl::StatusOr<Gateway> FindGateway(const GatewayDirectory& directory, const SessionId& id) {
  absl::StatusOr<Gateway> gateway = directory.Find(id.instance_id, id.incarnation);
  if (gateway.ok()) return gateway;
  return SessionError(gateway.status().code() == absl::StatusCode::kNotFound
                          ? ims::alg::v1::ERROR_REASON_GATEWAY_LOST
                          : ims::alg::v1::ERROR_REASON_NO_GATEWAY,
                      gateway.status().message());
}

}  // namespace alg
