#include "iqctl/check_command.h"

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "common/status_macros.h"
#include "ims/iqctl/v1/report.pb.h"
#include "iqctl/client/alg_client.h"
#include "iqctl/client/health.h"
#include "iqctl/clock_offset.h"
#include "iqctl/connection_options.h"
#include "iqctl/findings.h"
#include "iqctl/gateways.h"

namespace iqctl {
namespace {

using ims::iqctl::v1::CheckReport;
using ims::iqctl::v1::Finding;

void Ask(const Endpoint& endpoint, AlgAnswer* answer) {
  // This takes the time to connect as well, so that the second call tells of the clock.
  answer->is_serving = IsServing(endpoint);
  if (!answer->is_serving.ok()) return;
  const absl::Time before = absl::Now();
  absl::StatusOr<ims::alg::v1::GetStatusResponse> status = GetAlgStatus(endpoint);
  const absl::Time after = absl::Now();
  if (absl::IsUnimplemented(status.status())) return;  // An older version.
  if (!status.ok()) {
    answer->is_serving = status.status();
    return;
  }
  answer->status = *std::move(status);
  answer->clock = MeasureClock(answer->status.time(), before, after);
}

std::vector<AlgAnswer> AskAlgs(const std::vector<EndpointOrError>& endpoints) {
  std::vector<AlgAnswer> answers;
  for (const EndpointOrError& endpoint : endpoints) {
    answers.push_back({.address = endpoint.address, .is_serving = false});
    if (!endpoint.endpoint.ok()) answers.back().is_serving = endpoint.endpoint.status();
  }
  std::vector<std::thread> threads;
  for (size_t i = 0; i < endpoints.size(); ++i) {
    if (!endpoints[i].endpoint.ok()) continue;
    threads.emplace_back([&, i] { Ask(*endpoints[i].endpoint, &answers[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  return answers;
}

bool HasSeverity(const CheckReport& report, Finding::Severity severity) {
  return std::any_of(report.findings().begin(), report.findings().end(),
                     [severity](const Finding& finding) { return finding.severity() == severity; });
}

absl::StatusOr<ExitCode> Check(const Invocation& invocation, Output& output) {
  ASSIGN_OR_RETURN(const Connector connector, MakeConnector(invocation));
  ASSIGN_OR_RETURN(const std::vector<EndpointOrError> algs, connector.AlgEndpoints());
  ASSIGN_OR_RETURN(const std::vector<EndpointOrError> agws, connector.AgwEndpoints());
  CheckInput input;
  input.is_plaintext = connector.options().ca_file.empty();
  input.algs = AskAlgs(algs);
  input.gateways = AskAll(agws);
  const CheckReport report = Conclude(input);
  if (output.is_table()) {
    output.PrintText(CheckText(report, output.terminal()));
  } else {
    output.PrintMessage(report);
  }
  const bool has_failed =
      HasSeverity(report, Finding::SEVERITY_PROBLEM) ||
      (invocation.Has("strict") && HasSeverity(report, Finding::SEVERITY_WARNING));
  return has_failed ? ExitCode::kProblemsFound : ExitCode::kOk;
}

}  // namespace

Command CheckCommand() {
  Command check;
  check.name = "check";
  check.summary = "Looks whether everything can be reached and fits together.";
  check.description =
      "Asks every address behind --alg and --agw, and says a line for each finding: whether it "
      "answers, with TLS, "
      "and serves; IMS-AGWs that drain, that share an instance id or an announced address, that "
      "have no room, "
      "whose clock or version differs; realms that are nobody's default, or the default of one "
      "side twice; replicas of the IMS-ALG that do not reach an IMS-AGW that answers here.\n"
      "The exit code is 6 if there is a problem; warnings do not count, unless with --strict.";
  check.options = {{"strict", 0, "", "Warnings are problems too."}};
  check.examples = {{"iqctl check", "After an installation, or when something is wrong."},
                    {"iqctl check --alg alg.example:7050 --agw agw.example:7060 --tls-ca ca.crt "
                     "--tls-cert me.crt "
                     "--tls-key me.key",
                     "With mutual TLS; a name stands for all its addresses."}};
  check.run = Check;
  return check;
}

}  // namespace iqctl
