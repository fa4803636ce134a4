// The HTTP endpoint of a service, for Prometheus and the kubelet:
//
//   GET /metrics   Prometheus' text format
//   GET /healthz   200 as long as the process answers
//   GET /readyz    200, or 503 with the reason as text

#ifndef COMMON_HTTP_ENDPOINT_H_
#define COMMON_HTTP_ENDPOINT_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ims/config/v1/endpoint.pb.h"

struct mg_connection;
struct mg_context;

namespace prometheus {
class Collectable;
}  // namespace prometheus

namespace common {

// Serves until it is destroyed. Has two threads of its own for requests. Thread-safe.
class HttpEndpoint {
 public:
  struct Sources {
    // What /metrics shows. A prometheus::Registry is one. Each is read by the endpoint's threads.
    std::vector<std::weak_ptr<prometheus::Collectable>> metrics;

    // Ready if OK. Called by the endpoint's threads. Without it: ready.
    std::function<absl::Status()> ready;
  };

  // `config.listen_address` is set. `kInvalidArgument`: it is not an address. `kUnavailable`: it
  // cannot be listened on.
  static absl::StatusOr<std::unique_ptr<HttpEndpoint>> Start(
      const ims::config::v1::HttpEndpoint& config, Sources sources);

  // Waits for the requests under way.
  ~HttpEndpoint();

  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;

  // The port in use, chosen by the system if the configuration says 0.
  int port() const { return port_; }

 private:
  explicit HttpEndpoint(Sources sources);

  // Called by civetweb's threads with the endpoint as second argument.
  static int HandleMetrics(mg_connection* connection, void* endpoint);
  static int HandleHealth(mg_connection* connection, void* endpoint);
  static int HandleReadiness(mg_connection* connection, void* endpoint);

  const Sources sources_;
  mg_context* server_ = nullptr;
  int port_ = 0;
};

}  // namespace common

#endif  // COMMON_HTTP_ENDPOINT_H_
