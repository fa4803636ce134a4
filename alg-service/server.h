// The service as a whole: makes the parts and introduces them.

#ifndef ALG_SERVICE_SERVER_H_
#define ALG_SERVICE_SERVER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "ims/config/v1/alg_config.pb.h"

namespace common {
class GrpcServer;
class HttpEndpoint;
class ServiceMetrics;
}  // namespace common

namespace alg {

class GatewayPool;
class Metrics;
class SessionControl;
class SessionService;

// Serves from `Start()` on. Ready, for /readyz and for `WaitUntilReady()`, when an IMS-AGW can be
// reached. Thread-safe.
class Server {
 public:
  // `config` is valid (config.h). `kInvalidArgument`: certificates or plaintext (see
  // common/grpc_security.h). `kUnavailable`: an address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const ims::config::v1::AlgConfig& config);

  // Stops at once.
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // The ports in use, chosen by the system where the configuration says 0.
  int api_port() const;
  int http_port() const;

  // True once an IMS-AGW can be reached; false if none is by then.
  bool WaitUntilReady(absl::Duration timeout) const;

  // Not ready any more; takes no new calls, waits up to `grace` for those under way, cancels the
  // rest, and ends what goes on without a caller.
  void Shutdown(absl::Duration grace);

 private:
  Server();

  // In the order they are made; they go in the reverse order, after `Shutdown()`: no call is under
  // way by then, and nothing that one has begun.
  std::shared_ptr<Metrics> metrics_;
  std::shared_ptr<common::ServiceMetrics> service_metrics_;
  std::shared_ptr<GatewayPool> gateways_;
  std::unique_ptr<SessionControl> control_;
  std::unique_ptr<SessionService> service_;
  std::unique_ptr<common::HttpEndpoint> http_;
  std::unique_ptr<common::GrpcServer> grpc_;
};

}  // namespace alg

#endif  // ALG_SERVICE_SERVER_H_
