#include "iqctl/run.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/version.h"
#include "iqctl/cli/command.h"
#include "iqctl/cli/help.h"
#include "iqctl/command_table.h"
#include "iqctl/error_report.h"
#include "iqctl/text/output.h"

namespace iqctl {
namespace {

// Where nothing is known of the width, and where lines would be too long to read.
constexpr size_t kHelpWidth = 100;

Format FormatOf(const Invocation& invocation) {
  const std::string& name = invocation.Value("output");
  if (name == "json") return Format::kJson;
  return name == "yaml" ? Format::kYaml : Format::kTable;
}

// The help that belongs to the words of a command line that could not be read.
std::string HelpHint(const CommandTable& table, const std::vector<std::string>& arguments) {
  std::string group;
  for (const std::string& word : arguments) {
    const Command* command = table.Find(group, word);
    if (command != nullptr) return absl::StrCat(command->FullName(), " ");
    if (group.empty() && table.FindGroup(word) != nullptr) group = word;
  }
  return group.empty() ? "" : absl::StrCat(group, " ");
}

ExitCode Fail(const absl::Status& error, const std::string& help_hint, std::ostream& messages) {
  messages << ErrorReport(error);
  if (absl::IsInvalidArgument(error) && common::ErrorReasonOf(error).empty()) {
    messages << "  see: iqctl " << help_hint << "--help\n";
  }
  messages << std::flush;
  return ExitCodeOf(error);
}

}  // namespace

ExitCode Run(const std::vector<std::string>& arguments, const Environment& environment,
             std::ostream& results, std::ostream& messages, const Terminal& terminal) {
  const CommandTable table = MakeCommandTable();
  const std::string help_hint = HelpHint(table, arguments);
  const absl::StatusOr<Invocation> invocation = ReadCommandLine(table, arguments, environment);
  if (!invocation.ok()) return Fail(invocation.status(), help_hint, messages);
  Output output(results, messages, terminal);
  if (invocation->wants_help) {
    output.PrintText(HelpText(
        *invocation, terminal.width == 0 ? kHelpWidth : std::min(terminal.width, kHelpWidth)));
    return ExitCode::kOk;
  }
  if (invocation->wants_version) {
    output.PrintText(absl::StrCat("iqctl ", common::kVersion, "\n"));
    return ExitCode::kOk;
  }
  output.set_format(FormatOf(*invocation));
  const absl::StatusOr<ExitCode> code = invocation->command->run(*invocation, output);
  if (!code.ok()) return Fail(code.status(), help_hint, messages);
  if (!output.ok()) {
    return Fail(absl::InternalError("the results could not be written"), help_hint, messages);
  }
  return *code;
}

}  // namespace iqctl
