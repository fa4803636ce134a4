#include "common/http_endpoint.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "civetweb.h"
#include "common/ip_address.h"
#include "common/status_macros.h"
#include "prometheus/collectable.h"
#include "prometheus/text_serializer.h"

namespace common {
namespace {

// Answers the request; returns what civetweb wants to hear, the status code.
int Respond(mg_connection* connection, int code, absl::string_view reason,
            absl::string_view content_type, absl::string_view body) {
  const std::string head =
      absl::StrCat("HTTP/1.1 ", code, " ", reason, "\r\nContent-Type: ", content_type,
                   "\r\nContent-Length: ", body.size(),
                   "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n");
  mg_write(connection, head.data(), head.size());
  if (absl::string_view(mg_get_request_info(connection)->request_method) != "HEAD") {
    mg_write(connection, body.data(), body.size());
  }
  return code;
}

// Whether the request is one we serve; if not, it has been answered.
bool CheckRequest(mg_connection* connection, absl::string_view path, int* code) {
  const mg_request_info& request = *mg_get_request_info(connection);
  // civetweb takes a handler for everything below its path, too.
  if (absl::string_view(request.local_uri) != path) {
    *code = Respond(connection, 404, "Not Found", "text/plain", "not found\n");
    return false;
  }
  const absl::string_view method = request.request_method;
  if (method != "GET" && method != "HEAD") {
    *code = Respond(connection, 405, "Method Not Allowed", "text/plain", "GET only\n");
    return false;
  }
  return true;
}

}  // namespace

HttpEndpoint::HttpEndpoint(Sources sources) : sources_(std::move(sources)) {}

absl::StatusOr<std::unique_ptr<HttpEndpoint>> HttpEndpoint::Start(
    const ims::config::v1::HttpEndpoint& config, Sources sources) {
  // civetweb would also take a list of ports, or a port on every address.
  ASSIGN_OR_RETURN(const TransportAddress address,
                   TransportAddress::Parse(config.listen_address()));
  const std::string listening_port = address.ToString();
  const char* options[] = {"listening_ports",
                           listening_port.c_str(),
                           "num_threads",
                           "2",
                           "request_timeout_ms",
                           "10000",
                           "enable_keep_alive",
                           "no",
                           "enable_directory_listing",
                           "no",
                           nullptr};
  std::unique_ptr<HttpEndpoint> endpoint(new HttpEndpoint(std::move(sources)));
  const mg_callbacks callbacks = {};
  endpoint->server_ = mg_start(&callbacks, nullptr, options);
  mg_server_port port = {};
  if (endpoint->server_ == nullptr || mg_get_server_ports(endpoint->server_, 1, &port) != 1) {
    return absl::UnavailableError(absl::StrCat("cannot listen for HTTP on ", address.ToString()));
  }
  endpoint->port_ = port.port;
  mg_set_request_handler(endpoint->server_, "/metrics", &HttpEndpoint::HandleMetrics,
                         endpoint.get());
  mg_set_request_handler(endpoint->server_, "/healthz", &HttpEndpoint::HandleHealth,
                         endpoint.get());
  mg_set_request_handler(endpoint->server_, "/readyz", &HttpEndpoint::HandleReadiness,
                         endpoint.get());
  return endpoint;
}

HttpEndpoint::~HttpEndpoint() {
  if (server_ != nullptr) mg_stop(server_);
}

int HttpEndpoint::HandleMetrics(mg_connection* connection, void* endpoint) {
  int code = 0;
  if (!CheckRequest(connection, "/metrics", &code)) return code;
  std::vector<prometheus::MetricFamily> families;
  for (const auto& source : static_cast<HttpEndpoint*>(endpoint)->sources_.metrics) {
    const std::shared_ptr<prometheus::Collectable> collectable = source.lock();
    if (collectable == nullptr) continue;
    std::vector<prometheus::MetricFamily> collected = collectable->Collect();
    families.insert(families.end(), std::make_move_iterator(collected.begin()),
                    std::make_move_iterator(collected.end()));
  }
  return Respond(connection, 200, "OK", "text/plain; version=0.0.4; charset=utf-8",
                 prometheus::TextSerializer().Serialize(families));
}

int HttpEndpoint::HandleHealth(mg_connection* connection, void*) {
  int code = 0;
  if (!CheckRequest(connection, "/healthz", &code)) return code;
  return Respond(connection, 200, "OK", "text/plain", "ok\n");
}

int HttpEndpoint::HandleReadiness(mg_connection* connection, void* endpoint) {
  int code = 0;
  if (!CheckRequest(connection, "/readyz", &code)) return code;
  const std::function<absl::Status()>& ready = static_cast<HttpEndpoint*>(endpoint)->sources_.ready;
  const absl::Status status = ready ? ready() : absl::OkStatus();
  if (status.ok()) return Respond(connection, 200, "OK", "text/plain", "ok\n");
  return Respond(connection, 503, "Service Unavailable", "text/plain",
                 absl::StrCat(status.message(), "\n"));
}

}  // namespace common
