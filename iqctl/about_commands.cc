#include "iqctl/about_commands.h"

#include "common/version.h"
#include "iqctl/cli/completion.h"
#include "iqctl/cli/man_page.h"

namespace iqctl {
namespace {

absl::StatusOr<ExitCode> Completion(const Invocation& invocation, Output& output) {
  output.PrintText(invocation.arguments[0] == "zsh" ? ZshCompletion(*invocation.table)
                                                    : BashCompletion(*invocation.table));
  return ExitCode::kOk;
}

absl::StatusOr<ExitCode> Man(const Invocation& invocation, Output& output) {
  output.PrintText(ManPage(*invocation.table, common::kVersion));
  return ExitCode::kOk;
}

}  // namespace

std::vector<Command> AboutCommands() {
  Command completion;
  completion.name = "completion";
  completion.summary = "Prints what a shell needs to complete command lines of this program.";
  completion.arguments = {{"SHELL", "The shell.", true, false, {"bash", "zsh"}}};
  completion.examples = {
      {"source <(iqctl completion bash)", "For this shell; in ~/.bashrc for all."},
      {"source <(iqctl completion zsh)", "The same for zsh, after compinit."}};
  completion.run = Completion;

  Command man;
  man.name = "man";
  man.summary = "Prints the man page of this program.";
  man.examples = {{"iqctl man | man -l -", "Shows it."},
                  {"iqctl man > /usr/local/share/man/man1/iqctl.1", "Installs it."}};
  man.run = Man;
  return {completion, man};
}

}  // namespace iqctl
