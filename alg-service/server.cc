#include "alg-service/server.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "alg-service/api/session_service.h"
#include "alg-service/config.h"
#include "alg-service/gateway/gateway_pool.h"
#include "alg-service/gateway/grpc_media_gateway.h"
#include "alg-service/metrics.h"
#include "alg-service/notification_log.h"
#include "alg-service/session/session_control.h"
#include "common/config_check.h"
#include "common/grpc_security.h"
#include "common/grpc_server.h"
#include "common/http_endpoint.h"
#include "common/log.h"
#include "common/monotonic_time.h"
#include "common/name_resolver.h"
#include "common/service_metrics.h"
#include "common/status_macros.h"

namespace alg {
namespace {

// Larger than any request the API allows: SDP of 64 KiB, headers of twice 32 KiB.
constexpr int kRequestSizeLimit = 256 * 1024;

GatewayPool::ChannelFactory MakeChannelFactory(common::ChannelSecurity security) {
  return [security = std::move(security)](const common::HostPort& target,
                                          const common::TransportAddress& address) {
    const char* scheme = address.ip.is_ipv4() ? "ipv4:" : "ipv6:";
    return security.NewChannel(target.host, absl::StrCat(scheme, address.ToString()),
                               MediaGatewayChannelArguments());
  };
}

}  // namespace

Server::Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ims::config::v1::AlgConfig& config) {
  // A mistake in the security of the way to the IMS-AGWs is one of the configuration: it must not
  // wait for the first look-up.
  const ims::config::v1::GatewayConfig& gateways = config.gateways();
  ASSIGN_OR_RETURN(common::ChannelSecurity security,
                   common::ChannelSecurity::Make(gateways.has_tls() ? &gateways.tls() : nullptr,
                                                 gateways.allow_plaintext_beyond_loopback()));
  GatewayPool::Options gateway_options;
  gateway_options.targets = MakeGatewayTargets(config);
  for (const common::HostPort& target : gateway_options.targets) {
    RETURN_IF_ERROR(security.CheckHost(target.host));
  }
  std::unique_ptr<Server> server(new Server);
  server->metrics_ = std::make_shared<Metrics>();
  gateway_options.resolve_interval = common::ToDuration(gateways.resolve_interval());
  gateway_options.status_interval = common::ToDuration(gateways.status_interval());
  gateway_options.lost_after = common::ToDuration(gateways.lost_after());
  server->gateways_ = std::make_shared<GatewayPool>(
      std::move(gateway_options), common::ResolveWithSystem,
      MakeChannelFactory(std::move(security)), std::make_shared<NotificationLog>(server->metrics_),
      server->metrics_);
  server->control_ = std::make_unique<SessionControl>(server->gateways_, MakeSessionPolicy(config),
                                                      server->metrics_);
  server->service_ = std::make_unique<SessionService>(*server->control_,
                                                      common::ToDuration(gateways.call_timeout()));
  common::HttpEndpoint::Sources sources;
  server->service_metrics_ = std::make_shared<common::ServiceMetrics>(
      "alg", std::vector<std::string>{config.api().tls().certificate_file(),
                                      gateways.tls().certificate_file()});
  sources.metrics = {server->metrics_->registry(), server->service_metrics_};
  sources.ready = [gateways = server->gateways_.get()] { return gateways->Ready(); };
  ASSIGN_OR_RETURN(server->http_, common::HttpEndpoint::Start(config.http(), std::move(sources)));
  common::GrpcServerOptions options;
  options.request_size_limit = kRequestSizeLimit;
  options.client_refused = [metrics = server->service_metrics_] { metrics->CountRefusedClient(); };
  ASSIGN_OR_RETURN(
      server->grpc_,
      common::GrpcServer::Start(
          config.api(),
          {{ims::alg::v1::SessionService::service_full_name(), server->service_.get()}}, options));
  common::Log(common::Severity::kInfo, "started",
              {{"api_address", config.api().listen_address()},
               {"api_port", server->api_port()},
               {"http_address", config.http().listen_address()},
               {"http_port", server->http_port()}});
  return server;
}

Server::~Server() {
  if (grpc_ != nullptr) Shutdown(absl::ZeroDuration());
}

int Server::api_port() const { return grpc_->port(); }

int Server::http_port() const { return http_->port(); }

bool Server::WaitUntilReady(absl::Duration timeout) const {
  return gateways_->WaitUntilReady(common::MonotonicTime::Now() + timeout);
}

void Server::Shutdown(absl::Duration grace) {
  grpc_->Shutdown(grace);
  control_->Stop();
}

}  // namespace alg
