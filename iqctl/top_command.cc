#include "iqctl/top_command.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/monotonic_time.h"
#include "common/status_macros.h"
#include "ims/iqctl/v1/report.pb.h"
#include "iqctl/cli/command_line.h"
#include "iqctl/connection_options.h"
#include "iqctl/gateway_follower.h"
#include "iqctl/load.h"

namespace iqctl {
namespace {

using common::MonotonicTime;

void Show(const ims::iqctl::v1::LoadReport& report, bool is_first, Output& output) {
  if (!output.is_table()) {
    output.PrintStreamed(report);
    return;
  }
  const std::string text = LoadText(report, output.terminal());
  if (output.terminal().is_terminal) {
    output.PrintText(AsFrame(text, output.terminal()));
  } else {
    output.PrintText(absl::StrCat(is_first ? "" : "\n", text));
  }
}

absl::StatusOr<ExitCode> Top(const Invocation& invocation, Output& output) {
  GatewayFollower::Options follow;
  ASSIGN_OR_RETURN(follow.look_interval, DurationValue(invocation, "interval"));
  const absl::Duration interval = follow.look_interval;
  const bool is_live = output.is_table() && output.terminal().is_terminal;
  int left = is_live ? -1 : 1;
  if (invocation.Has("count")) {
    ASSIGN_OR_RETURN(left, CountValue(invocation, "count"));
  }
  ASSIGN_OR_RETURN(ConnectionOptions options, ConnectionOptionsOf(invocation));
  // One that does not answer must not hold up the others.
  options.timeout = std::min(options.timeout, std::max(interval, absl::Seconds(1)));
  ASSIGN_OR_RETURN(const Connector connector, Connector::Make(std::move(options)));
  GatewayFollower follower(connector, std::move(follow));
  RETURN_IF_ERROR(follower.Start());
  MonotonicTime next = MonotonicTime::Now();
  Load load(next);
  if (!is_live) next += interval;  // The first table has rates already.
  for (bool is_first = true; left != 0 && output.ok(); is_first = false) {
    while (const absl::optional<GatewayNews> news = follower.Next(next)) {
      load.Add(*news, MonotonicTime::Now());
      if (MonotonicTime::Now() >= next) break;
    }
    Show(load.Report(MonotonicTime::Now()), is_first, output);
    if (left > 0) --left;
    next = MonotonicTime::Now() + interval;
  }
  return output.ok() ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace

std::string AsFrame(absl::string_view text, const Terminal& terminal) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (terminal.height > 1 && lines.size() > terminal.height - 1) lines.resize(terminal.height - 1);
  // To the upper left; after each line nothing up to its end, and nothing below the last.
  return absl::StrCat("\033[H", absl::StrJoin(lines, "\033[K\n"), "\033[K\n\033[J");
}

Command TopCommand() {
  Command top;
  top.name = "top";
  top.summary = "Shows what goes on at all IMS-AGWs, again and again.";
  top.description =
      "For each: sessions and the most it takes, ports in use for each realm, notifications for "
      "each second since "
      "the look before, and since the program began: ESTABLISHED, the TLS sessions of UEs that "
      "came about, "
      "FAILED, the connections, TLS sessions and set-ups that failed, and which failure was the "
      "most frequent.\n"
      "On a terminal the table is drawn anew until it is interrupted. Elsewhere it is printed "
      "once, after the "
      "interval, unless --count says how often.";
  top.options = {{"interval", 0, "TIME", "Between two looks.", "2s", ""},
                 {"count", 0, "N", "End after N tables."}};
  top.examples = {{"iqctl top", "Who has how much to do?"},
                  {"iqctl top --interval 10s --count 6 -o json", "A minute of it, for a program."}};
  top.run = Top;
  return top;
}

}  // namespace iqctl
