#include "iqctl/agw_watch_command.h"

#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/monotonic_time.h"
#include "common/status_macros.h"
#include "ims/iqctl/v1/report.pb.h"
#include "iqctl/agw_drain_command.h"
#include "iqctl/agw_text.h"
#include "iqctl/cli/command_line.h"
#include "iqctl/connection_options.h"
#include "iqctl/text/human.h"

namespace iqctl {
namespace {

using ims::iqctl::v1::GatewayEvent;

absl::StatusOr<GatewayFollower::Options> OptionsOf(const Invocation& invocation) {
  GatewayFollower::Options options;
  if (!invocation.arguments.empty()) options.instance = invocation.arguments[0];
  options.from_the_oldest = invocation.Has("kept");
  if (!invocation.Has("after")) return options;
  if (options.from_the_oldest) {
    return absl::InvalidArgumentError("--kept and --after exclude each other");
  }
  if (options.instance.empty()) {
    return absl::InvalidArgumentError("--after is for one IMS-AGW: INSTANCE is missing");
  }
  ASSIGN_OR_RETURN(options.position, ReadPosition(invocation.Value("after")));
  return options;
}

// Prints what is no notification.
void PrintNews(const GatewayNews& news, bool is_again, Output& output) {
  if (news.kind == GatewayNews::Kind::kEnded) {
    if (common::ErrorReasonOf(news.error) == "INCARNATION_MISMATCH") {
      output.PrintNote(absl::StrCat("iqctl: ", news.instance_id,
                                    " has started again since; all of its present run follows"));
    } else {
      output.PrintNote(absl::StrCat("iqctl: ", news.instance_id, " is lost (", news.error.message(),
                                    "); looking for it"));
    }
  } else if (news.kind == GatewayNews::Kind::kFollowed && is_again) {
    output.PrintNote(
        absl::StrCat("iqctl: ", news.instance_id, " is followed, run ", news.incarnation));
  }
}

absl::StatusOr<ExitCode> Watch(const Invocation& invocation, Output& output) {
  ASSIGN_OR_RETURN(GatewayFollower::Options options, OptionsOf(invocation));
  int left = -1;
  if (invocation.Has("count")) {
    ASSIGN_OR_RETURN(left, CountValue(invocation, "count"));
  }
  ASSIGN_OR_RETURN(const Connector connector, MakeConnector(invocation));
  GatewayFollower follower(connector, std::move(options));
  RETURN_IF_ERROR(follower.Start());
  bool is_first_look_over = false;
  while (left != 0 && output.ok()) {
    const absl::optional<GatewayNews> news = follower.Next(common::MonotonicTime::InfiniteFuture());
    if (news->kind == GatewayNews::Kind::kLook) {
      for (const Gateway& gateway : news->gateways) {
        if (!is_first_look_over && !gateway.has_answered()) {
          output.PrintNote(absl::StrCat("iqctl: ", gateway.Name(), " does not answer (",
                                        gateway.error.message(), ")"));
        }
      }
      is_first_look_over = true;
    }
    if (news->kind != GatewayNews::Kind::kNotification) {
      PrintNews(*news, is_first_look_over, output);
      continue;
    }
    if (news->missed_count > 0) {
      output.PrintNote(absl::StrCat("iqctl: ", Counted(news->missed_count, "notification"), " of ",
                                    news->instance_id, " missed"));
    }
    if (invocation.Has("context") &&
        news->notification.termination().context_id() != invocation.Value("context")) {
      continue;
    }
    GatewayEvent event;
    event.set_instance_id(news->instance_id);
    event.set_incarnation(news->incarnation);
    *event.mutable_notification() = news->notification;
    if (output.is_table()) {
      output.PrintText(EventText(event, output.terminal()));
    } else {
      output.PrintStreamed(event);
    }
    if (left > 0) --left;
  }
  return output.ok() ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace

absl::StatusOr<NotificationPosition> ReadPosition(absl::string_view text) {
  NotificationPosition position;
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0 ||
      !absl::SimpleAtoi(text.substr(colon + 1), &position.sequence_number)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--after is \"", text, "\" and must be INCARNATION:NUMBER"));
  }
  position.incarnation = std::string(text.substr(0, colon));
  return position;
}

Command WatchCommand() {
  Command watch;
  watch.group = "agw";
  watch.name = "watch";
  watch.summary = "Prints what happens at IMS-AGWs, as it happens, until it is interrupted.";
  watch.description =
      "One line, JSON object or YAML document for each notification: connections, TLS, "
      "fingerprints, what failed "
      "and why, what ended. Without INSTANCE, of all IMS-AGWs behind --agw, those that come later "
      "included. A "
      "line has the time, the instance with the number of the notification, kind and cause, "
      "context and stream, "
      "and particulars.\n"
      "One that is lost is looked for, and its notifications go on where they have stopped; those "
      "that it "
      "has not kept are counted on standard error. --after takes up where an earlier run of this "
      "program "
      "has stopped.";
  Argument instance = InstanceArgument();
  instance.is_required = false;
  watch.arguments = {instance};
  watch.options = {
      {"kept", 0, "", "Begin with the oldest notification that is kept, not with the next."},
      {"after", 0, "INCARNATION:NUMBER",
       "Begin behind this notification of INSTANCE; \"-o json\" has both with each, "
       "\"agw get\" the "
       "present incarnation."},
      {"context", 0, "CONTEXT", "Only what concerns this context."},
      {"count", 0, "N", "End after N notifications."}};
  watch.examples = {
      {"iqctl agw watch", "What happens, everywhere, from now on."},
      {"iqctl agw watch agw-0 --kept -o json | jq -c 'select(.notification.tls_failed)'",
       "Which UEs have failed TLS at this IMS-AGW lately?"},
      {"iqctl agw watch agw-0 --after INCARNATION:4711", "Go on behind number 4711 of that run."}};
  watch.run = Watch;
  return watch;
}

}  // namespace iqctl
