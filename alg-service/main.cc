// alg-service: flags to configuration to server, until a signal says stop.

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "alg-service/config.h"
#include "alg-service/server.h"
#include "common/grpc_lifetime.h"
#include "common/log.h"
#include "common/monotonic_time.h"
#include "common/program_usage.h"
#include "common/stop_signal.h"

ABSL_FLAG(std::string, config, "", "Configuration file (YAML); without one the defaults hold.");
ABSL_FLAG(
    bool, check_config, false,
    "Only says whether the configuration has mistakes; what depends on the host is not looked at.");
ABSL_FLAG(std::string, api_address, "", "Overrides api.listen_address, e.g. 127.0.0.1:7050.");
ABSL_FLAG(std::string, http_address, "", "Overrides http.listen_address, e.g. 127.0.0.1:9050.");
ABSL_FLAG(std::vector<std::string>, gateway_targets, {},
          "Overrides gateways.targets: HOST:PORT, separated by commas.");
ABSL_FLAG(std::string, log_level, "info", "debug, info, warning or error.");

namespace {

// How long SIGTERM lets calls under way go on; longer than most deadlines.
constexpr absl::Duration kGrace = absl::Seconds(10);

// And how long everything else may take to end, most of all a name that is being looked up.
constexpr absl::Duration kStopTime = absl::Seconds(30);

bool SetLogLevel(const std::string& level) {
  using common::Severity;
  if (level == "debug") {
    common::SetMinimumSeverity(Severity::kDebug);
  } else if (level == "info") {
    common::SetMinimumSeverity(Severity::kInfo);
  } else if (level == "warning") {
    common::SetMinimumSeverity(Severity::kWarning);
  } else if (level == "error") {
    common::SetMinimumSeverity(Severity::kError);
  } else {
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  common::SetProgramUsage("The IMS-ALG. See alg-service/README.md.");
  absl::ParseCommandLine(argc, argv);
  if (!SetLogLevel(absl::GetFlag(FLAGS_log_level))) {
    std::fprintf(stderr, "--log_level must be debug, info, warning or error\n");
    return 2;
  }
  alg::ConfigOverrides overrides;
  overrides.api_address = absl::GetFlag(FLAGS_api_address);
  overrides.http_address = absl::GetFlag(FLAGS_http_address);
  overrides.gateway_targets = absl::GetFlag(FLAGS_gateway_targets);
  const absl::StatusOr<ims::config::v1::AlgConfig> config =
      alg::LoadConfig(absl::GetFlag(FLAGS_config), overrides);
  if (!config.ok()) {
    std::fprintf(stderr, "%s\n", std::string(config.status().message()).c_str());
    return 2;
  }

  if (absl::GetFlag(FLAGS_check_config)) {
    std::puts("ok");
    return 0;
  }
  common::StopSignal stop_signal;
  const common::GrpcLifetime grpc_lifetime;
  absl::StatusOr<std::unique_ptr<alg::Server>> server = alg::Server::Start(*config);
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", std::string(server.status().message()).c_str());
    return 1;
  }
  stop_signal.Wait(common::MonotonicTime::InfiniteFuture());
  common::Log(common::Severity::kInfo, "stopping");
  // A second signal does not wait for the calls under way.
  common::EndProcessAtOnceAfter(kGrace + kStopTime);
  (*server)->Shutdown(kGrace);
  server->reset();
  common::Log(common::Severity::kInfo, "stopped");
  return 0;
}
