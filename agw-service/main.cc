// agw-service: flags to configuration to server, until a signal says stop.

#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/time.h"
#include "agw-service/config.h"
#include "agw-service/server.h"
#include "common/grpc_lifetime.h"
#include "common/log.h"
#include "common/monotonic_time.h"
#include "common/program_usage.h"
#include "common/stop_signal.h"

ABSL_FLAG(std::string, config, "", "Configuration file (YAML); without one the defaults hold.");
ABSL_FLAG(
    bool, check_config, false,
    "Only says whether the configuration has mistakes; what depends on the host is not looked at.");
ABSL_FLAG(std::string, instance_id, "", "Overrides instance_id.");
ABSL_FLAG(std::string, iq_address, "", "Overrides iq.listen_address, e.g. 127.0.0.1:7060.");
ABSL_FLAG(std::string, http_address, "", "Overrides http.listen_address, e.g. 127.0.0.1:9060.");

namespace {

// How often a drain looks whether the last session has gone.
constexpr absl::Duration kDrainLook = absl::Milliseconds(200);

// What closing the sessions that are left may take beyond its time.
constexpr absl::Duration kCloseReserve = absl::Seconds(2);

// More than it takes to stop when the sessions have ended.
constexpr absl::Duration kStopTime = absl::Seconds(20);

// Waits until the last context has gone, for as long as that. True: a second signal has come, which
// ends the sessions that are left.
bool AwaitLastContext(const agw::Server& server, absl::Duration patience,
                      common::StopSignal& stop_signal) {
  const common::MonotonicTime end = common::MonotonicTime::Now() + patience;
  while (server.context_count() > 0 && common::MonotonicTime::Now() < end) {
    if (stop_signal.Wait(std::min(end, common::MonotonicTime::Now() + kDrainLook))) return true;
  }
  return false;
}

int Fail(int exit_code, const absl::Status& status) {
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  common::SetProgramUsage("The IMS-AGW. See agw-service/README.md.");
  absl::ParseCommandLine(argc, argv);
  const absl::StatusOr<ims::config::v1::AgwConfig> config =
      agw::LoadConfig(absl::GetFlag(FLAGS_config),
                      {absl::GetFlag(FLAGS_instance_id), absl::GetFlag(FLAGS_iq_address),
                       absl::GetFlag(FLAGS_http_address)});
  if (!config.ok()) return Fail(2, config.status());
  if (absl::GetFlag(FLAGS_check_config)) {
    std::puts("ok");
    return 0;
  }
  common::StopSignal stop_signal;
  const common::GrpcLifetime grpc_lifetime;
  absl::StatusOr<std::unique_ptr<agw::Server>> server = agw::Server::Start(*config);
  if (!server.ok()) return Fail(1, server.status());

  stop_signal.Wait(common::MonotonicTime::InfiniteFuture());
  common::Log(common::Severity::kInfo, "draining", {{"context_count", (*server)->context_count()}});
  (*server)->DrainToStop();
  if (!AwaitLastContext(**server, (*server)->drain_time(), stop_signal) &&
      (*server)->context_count() > 0) {
    common::Log(common::Severity::kWarning, "drain_deadline",
                {{"context_count", (*server)->context_count()}});
    (*server)->CloseContexts();
    const bool stopped =
        AwaitLastContext(**server, (*server)->drain_close_time() + kCloseReserve, stop_signal);
    // Those who watch still hear of the last ones.
    if (!stopped) stop_signal.Wait(common::MonotonicTime::Now() + kDrainLook);
  }
  common::EndProcessAtOnceAfter(kStopTime);
  return 0;
}
