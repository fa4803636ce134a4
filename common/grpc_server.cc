#include "common/grpc_server.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "common/grpc_security.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "grpc/grpc.h"
#include "grpc/support/log.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/impl/server_builder_option.h"
#include "grpcpp/impl/server_builder_plugin.h"
#include "grpcpp/resource_quota.h"
#include "grpcpp/server_builder.h"

namespace common {
namespace {

using grpc::ServerBuilderPlugin;

constexpr absl::string_view kReflectionPlugin = "proto_server_reflection";

// The reflection service adds itself to every server of the program; this takes it out of one.
class WithoutReflection : public grpc::ServerBuilderOption {
 public:
  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<ServerBuilderPlugin>>* plugins) override {
    plugins->erase(std::remove_if(plugins->begin(), plugins->end(),
                                  [](const std::unique_ptr<ServerBuilderPlugin>& plugin) {
                                    return plugin->name() == kReflectionPlugin;
                                  }),
                   plugins->end());
  }
};

void LogForGrpc(gpr_log_func_args* args) {
  Log(args->severity == GPR_LOG_SEVERITY_ERROR ? Severity::kWarning : Severity::kDebug,
      "grpc_message", {{"message", args->message}, {"file", args->file}, {"line", args->line}});
}

void SetConnectionOptions(grpc::ServerBuilder* builder) {
  // A client that has gone without a word is noticed after 40 s.
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 30000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000);
  builder->AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  // What clients may do in turn: gRPC's default of 5 min would cut off those that watch.
  builder->AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  // A second process on our port is a mistake to report, not one to share calls with.
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const ims::config::v1::GrpcServer& config, const std::vector<ServedService>& services,
    const GrpcServerOptions& options) {
  gpr_set_log_function(&LogForGrpc);
  // Debian's Abseil is built with the search for lock cycles on, which costs gRPC, the only user of
  // its mutex here, a graph look-up for every lock it takes.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                   MakeServerCredentials(config, options.client_refused));
  std::unique_ptr<GrpcServer> server(new GrpcServer);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(config.listen_address(), credentials, &server->port_);
  for (const ServedService& served : services) {
    builder.RegisterService(served.service);
    server->service_names_.push_back(served.name);
  }
  if (config.reflection() == ims::config::v1::SWITCH_OFF) {
    builder.SetOption(std::make_unique<WithoutReflection>());
  }
  builder.SetMaxReceiveMessageSize(options.request_size_limit);
  builder.SetResourceQuota(grpc::ResourceQuota().SetMaxThreads(options.thread_limit));
  SetConnectionOptions(&builder);
  server->server_ = builder.BuildAndStart();
  if (server->server_ == nullptr || server->port_ == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen for gRPC on ", config.listen_address()));
  }
  server->SetServing(true);
  return server;
}

GrpcServer::~GrpcServer() {
  if (server_ != nullptr) Shutdown(absl::ZeroDuration());
}

void GrpcServer::SetServing(bool serving) {
  grpc::HealthCheckServiceInterface* health = server_->GetHealthCheckService();
  for (const std::string& name : service_names_) health->SetServingStatus(name, serving);
  health->SetServingStatus("", serving);
}

void GrpcServer::Shutdown(absl::Duration grace) {
  SetServing(false);
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(grace));
}

}  // namespace common
