// A gRPC server as both of our services run it: the configured address and credentials, the health
// service, reflection, limits and keepalive.

#ifndef COMMON_GRPC_SERVER_H_
#define COMMON_GRPC_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/impl/service_type.h"
#include "grpcpp/server.h"
#include "ims/config/v1/endpoint.pb.h"

namespace common {

// A service to serve, with its full name, which the health service answers for:
// `{ims::iq::v1::MediaGatewayService::service_full_name(), &service}`.
struct ServedService {
  std::string name;
  grpc::Service* service;
};

struct GrpcServerOptions {
  // The largest request message taken, octets.
  int request_size_limit = 4 * 1024 * 1024;

  // The largest number of threads for synchronous services.
  int thread_limit = 64;

  // Called, by gRPC's threads, for each call that is refused because the client's certificate has
  // none of `tls.allowed_client_names`. Outlives the server.
  std::function<void()> client_refused = [] {};
};

// Serves from `Start()` on. Thread-safe. gRPC's own messages, those of clients too, go to the log
// of log.h once one has been started.
class GrpcServer {
 public:
  // `services` are those to serve, and must outlive the server; `config.listen_address` is set.
  // `kInvalidArgument`: the configuration (see grpc_security.h). `kUnavailable`: the address cannot
  // be listened on.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const ims::config::v1::GrpcServer& config, const std::vector<ServedService>& services,
      const GrpcServerOptions& options = {});

  // Stops at once, as `Shutdown(absl::ZeroDuration())`.
  ~GrpcServer();

  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  // The port in use, chosen by the system if the configuration says 0.
  int port() const { return port_; }

  // What the health service says: of the server ("") and of every service.
  void SetServing(bool serving);

  // Takes no new calls, waits up to `grace` for those under way, cancels the rest and returns when
  // all have ended. May be called more than once.
  void Shutdown(absl::Duration grace);

 private:
  GrpcServer() = default;

  std::unique_ptr<grpc::Server> server_;
  std::vector<std::string> service_names_;
  int port_ = 0;
};

}  // namespace common

#endif  // COMMON_GRPC_SERVER_H_
