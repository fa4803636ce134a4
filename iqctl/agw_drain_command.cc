#include "iqctl/agw_drain_command.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/monotonic_time.h"
#include "common/status_macros.h"
#include "ims/iq/v1/media_gateway_service.pb.h"
#include "iqctl/cli/command_line.h"
#include "iqctl/client/call_error.h"
#include "iqctl/connection_options.h"
#include "iqctl/deadline_timer.h"
#include "iqctl/gateways.h"
#include "iqctl/text/human.h"

namespace iqctl {
namespace {

namespace iq = ims::iq::v1;
using common::MonotonicTime;

constexpr absl::Duration kStatusInterval = absl::Seconds(1);

void PrintStatus(const iq::GatewayStatus& status, Output& output) {
  if (!output.is_table()) {
    iq::GetStatusResponse response;
    *response.mutable_status() = status;
    output.PrintMessage(response);
  } else if (status.draining()) {
    output.PrintText(absl::StrCat(
        Printable(status.instance_id()), " takes no new sessions; ",
        status.context_count() == 0 ? "none is left" : Counted(status.context_count(), "session"),
        status.context_count() == 0 ? "" : " left", ".\n"));
  } else {
    output.PrintText(absl::StrCat(Printable(status.instance_id()), " takes new sessions; it has ",
                                  Counted(status.context_count(), "session"), ".\n"));
  }
}

// Follows the status until no session is left. Errors: the stream broke, or the IMS-AGW takes new
// sessions again.
absl::StatusOr<ExitCode> WaitUntilEmpty(const Gateway& gateway, MonotonicTime deadline,
                                        Output& output) {
  const std::shared_ptr<StatusStream> stream = gateway.client->WatchStatus(kStatusInterval);
  const DeadlineTimer timer(deadline, [stream] { stream->Cancel(); });
  iq::WatchStatusResponse response;
  int64_t last_count = -1;
  while (stream->Read(&response)) {
    const iq::GatewayStatus& status = response.status();
    if (!status.draining()) {
      stream->Cancel();
      return absl::AbortedError(absl::StrCat(
          gateway.Name(), " takes new sessions again: somebody else has ended the drain"));
    }
    if (status.context_count() != last_count) {
      last_count = status.context_count();
      if (last_count > 0) output.PrintNote(absl::StrCat(Counted(last_count, "session"), " left"));
    }
    if (status.context_count() == 0) {
      stream->Cancel();
      PrintStatus(status, output);
      return ExitCode::kOk;
    }
  }
  if (timer.has_fired()) {
    output.PrintNote(absl::StrCat(
        "iqctl: the time is up, and ", gateway.Name(), " has ",
        Counted(last_count < 0 ? gateway.status.context_count() : last_count, "session"),
        " left; it goes on draining"));
    return ExitCode::kTimeRanOut;
  }
  const absl::Status error = stream->Finish();
  return Annotate(error.ok() ? absl::UnavailableError("the stream of its status has ended") : error,
                  absl::StrCat(gateway.Name(), " went away while it drained"));
}

absl::StatusOr<ExitCode> Drain(const Invocation& invocation, Output& output) {
  MonotonicTime deadline = MonotonicTime::InfiniteFuture();
  if (invocation.Has("wait-limit")) {
    ASSIGN_OR_RETURN(const absl::Duration limit, DurationValue(invocation, "wait-limit"));
    deadline = MonotonicTime::Now() + limit;
  }
  ASSIGN_OR_RETURN(const Connector connector, MakeConnector(invocation));
  ASSIGN_OR_RETURN(const Gateway gateway, FindGateway(connector, invocation.arguments[0]));
  const absl::Status drained = gateway.client->Drain();
  if (!drained.ok()) return Annotate(drained, gateway.Name());
  if (invocation.Has("wait") || invocation.Has("wait-limit")) {
    return WaitUntilEmpty(gateway, deadline, output);
  }
  ASSIGN_OR_RETURN(const iq::GatewayStatus status, gateway.client->GetStatus());
  PrintStatus(status, output);
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Undrain(const Invocation& invocation, Output& output) {
  ASSIGN_OR_RETURN(const Connector connector, MakeConnector(invocation));
  ASSIGN_OR_RETURN(const Gateway gateway, FindGateway(connector, invocation.arguments[0]));
  const absl::Status undrained = gateway.client->Undrain();
  if (!undrained.ok()) return Annotate(undrained, gateway.Name());
  ASSIGN_OR_RETURN(const iq::GatewayStatus status, gateway.client->GetStatus());
  PrintStatus(status, output);
  return ExitCode::kOk;
}

}  // namespace

Argument InstanceArgument() {
  return {"INSTANCE",
          "The IMS-AGW: its instance id, as \"iqctl agw list\" has it, or HOST:PORT of its Iq."};
}

Command DrainCommand() {
  Command drain;
  drain.group = "agw";
  drain.name = "drain";
  drain.summary = "Makes an IMS-AGW take no new sessions; those it has go on.";
  drain.description =
      "The others get the new sessions. Draining ends with \"iqctl agw undrain\", or when the "
      "IMS-AGW is "
      "started again. Draining one that drains changes nothing.\n"
      "With --wait the program ends when no session is left, with exit code 0; the sessions left "
      "are told on "
      "standard error. If the wait is broken off, the IMS-AGW goes on draining.";
  drain.arguments = {InstanceArgument()};
  drain.options = {{"wait", 0, "", "Wait until no session is left."},
                   {"wait-limit", 0, "TIME",
                    "Wait, but no longer than this: 30s, 10min. Then the exit code is 7."}};
  drain.examples = {{"iqctl agw drain agw-0 --wait",
                     "Before maintenance: returns when nobody is on it any more."},
                    {"iqctl agw drain agw-0 --wait-limit 30min", "The same, but not for ever."}};
  drain.run = Drain;
  return drain;
}

Command UndrainCommand() {
  Command undrain;
  undrain.group = "agw";
  undrain.name = "undrain";
  undrain.summary = "Makes an IMS-AGW that drains take new sessions again.";
  undrain.description =
      "One that has been told to end (SIGTERM) goes on draining, and the command fails. One that "
      "does not "
      "drain is left as it is.";
  undrain.arguments = {InstanceArgument()};
  undrain.examples = {{"iqctl agw undrain agw-0", "Maintenance is over, or has been called off."}};
  undrain.run = Undrain;
  return undrain;
}

}  // namespace iqctl
