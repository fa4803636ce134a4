#include "alg-service/server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alg-service/api/session_service.h"
#include "alg-service/gateway/gateway_pool.h"
#include "alg-service/gateway/grpc_media_gateway.h"
#include "alg-service/metrics.h"
#include "alg-service/session/session_control.h"
#include "common/grpc_security.h"
#include "common/grpc_server.h"
#include "common/http_endpoint.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "grpcpp/create_channel.h"

namespace alg {
namespace {

// Larger than any request the API allows: SDP of 64 KiB, headers of twice 32 KiB.
constexpr int kRequestSizeLimit = 256 * 1024;

std::string TargetOf(const HostPort& target) {
  const bool is_ipv6 = target.host.find(':') != std::string::npos;
  return is_ipv6 ? absl::StrCat("[", target.host, "]:", target.port)
                 : absl::StrCat(target.host, ":", target.port);
}

absl::StatusOr<common::ChannelSecurity> SecurityFor(const ims::config::v1::GatewayConfig& gateways,
                                                    const HostPort& target) {
  return common::MakeChannelSecurity(gateways.has_tls() ? &gateways.tls() : nullptr,
                                     TargetOf(target), gateways.allow_plaintext_beyond_loopback());
}

GatewayPool::ChannelFactory MakeChannelFactory(ims::config::v1::GatewayConfig gateways) {
  return [gateways = std::move(gateways)](const HostPort& target,
                                          const common::TransportAddress& address)
             -> absl::StatusOr<std::shared_ptr<grpc::Channel>> {
    ASSIGN_OR_RETURN(common::ChannelSecurity security, SecurityFor(gateways, target));
    grpc::ChannelArguments arguments = MediaGatewayChannelArguments();
    if (gateways.has_tls()) {
      // The channel is to an address, the certificate is for a name.
      const std::string& name = security.server_name.empty() ? target.host : security.server_name;
      arguments.SetSslTargetNameOverride(name);
    }
    const char* scheme = address.ip.is_ipv4() ? "ipv4:" : "ipv6:";
    return grpc::CreateCustomChannel(absl::StrCat(scheme, address.ToString()), security.credentials,
                                     arguments);
  };
}

}  // namespace

Server::Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Config& config) {
  // A mistake in the security of the way to the IMS-AGWs is one of the configuration: it must not
  // wait for the first look-up.
  for (const HostPort& target : config.gateway_targets) {
    RETURN_IF_ERROR(SecurityFor(config.file.gateways(), target).status());
  }
  std::unique_ptr<Server> server(new Server);
  server->metrics_ = std::make_shared<Metrics>();
  server->gateways_ = std::make_shared<GatewayPool>(
      GatewayPool::Options{config.gateway_targets, config.resolve_interval}, ResolveWithSystem,
      MakeChannelFactory(config.file.gateways()), server->metrics_);
  server->control_ =
      std::make_unique<SessionControl>(server->gateways_, config.policy, server->metrics_);
  server->service_ = std::make_unique<SessionService>(*server->control_, config.call_timeout);
  common::HttpEndpoint::Sources sources;
  sources.metrics = {server->metrics_->registry()};
  sources.ready = [gateways = server->gateways_.get()] { return gateways->Ready(); };
  ASSIGN_OR_RETURN(server->http_,
                   common::HttpEndpoint::Start(config.file.http(), std::move(sources)));
  common::GrpcServerLimits limits;
  limits.request_size_limit = kRequestSizeLimit;
  ASSIGN_OR_RETURN(
      server->grpc_,
      common::GrpcServer::Start(
          config.file.api(),
          {{ims::alg::v1::SessionService::service_full_name(), server->service_.get()}}, limits));
  server->grpc_->SetServing(true);
  common::Log(common::Severity::kInfo, "started",
              {{"api_address", config.file.api().listen_address()},
               {"api_port", server->api_port()},
               {"http_address", config.file.http().listen_address()},
               {"http_port", server->http_port()}});
  return server;
}

Server::~Server() {
  if (grpc_ != nullptr) Shutdown(absl::ZeroDuration());
}

int Server::api_port() const { return grpc_->port(); }

int Server::http_port() const { return http_->port(); }

bool Server::WaitUntilReady(absl::Duration timeout) const {
  return gateways_->WaitUntilReady(absl::Now() + timeout);
}

void Server::Shutdown(absl::Duration grace) {
  grpc_->SetServing(false);
  grpc_->Shutdown(grace);
}

}  // namespace alg
