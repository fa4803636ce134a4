// What the program can do, as a table: names, arguments, options, prose and examples of each command. The
// command line is read with it, and help, completion and the man page are made from it.

#ifndef IQCTL_CLI_COMMAND_H_
#define IQCTL_CLI_COMMAND_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "iqctl/cli/exit_code.h"
#include "iqctl/text/output.h"

namespace iqctl {

// Text in these tables is plain: no markup, one paragraph a line.

struct Argument {
  std::string name;  // "INSTANCE"
  std::string meaning;
  bool is_required = true;
  bool is_repeated = false;               // Only the last one.
  std::vector<std::string> choices = {};  // Empty: anything.
};

struct Option {
  std::string name;   // "output", of "--output"
  char letter = 0;    // 'o', of "-o"; 0 if it has none
  std::string value;  // "FORMAT"; empty for a switch
  std::string meaning;
  std::string default_value = {};  // Empty if it has none.
  std::string environment = {};    // The variable that stands in for it; empty if none does.
  std::vector<std::string> choices = {};
  bool is_file = false;  // For completion.
};

struct Example {
  std::string command;  // "iqctl session get ID"
  std::string meaning;
};

struct Invocation;
using CommandFunction =
    std::function<absl::StatusOr<ExitCode>(const Invocation& invocation, Output& output)>;

struct Command {
  std::string group;  // "agw"; empty for a command by itself
  std::string name;   // "drain"
  std::string summary;
  std::string description;
  std::vector<Argument> arguments = {};
  std::vector<Option> options = {};  // Beside those that all commands have.
  std::vector<Example> examples = {};
  CommandFunction run;

  // "agw drain"
  std::string FullName() const { return group.empty() ? name : group + " " + name; }
};

struct CommandGroup {
  std::string name;
  std::string summary;
};

struct CommandTable {
  std::string program;
  std::string summary;
  std::string description;
  std::vector<CommandGroup> groups;
  std::vector<Command> commands;
  std::vector<Option> common_options;
  std::vector<Example> examples;

  const Command* Find(absl::string_view group, absl::string_view name) const;
  const CommandGroup* FindGroup(absl::string_view name) const;
};

// A command line that has been read. Options have their value from the command line, else from the
// environment, else the default.
struct Invocation {
  const CommandTable* table = nullptr;

  // Null where help of the program or of a group is wanted.
  const Command* command = nullptr;
  std::string group;

  std::vector<std::string> arguments;
  absl::flat_hash_map<std::string, std::string> options;
  absl::flat_hash_map<std::string, bool> given;  // By name: said on the command line itself.
  bool wants_help = false;
  bool wants_version = false;

  bool Has(absl::string_view option) const { return options.contains(option); }
  bool IsGiven(absl::string_view option) const { return given.contains(option); }

  // "" if it is neither given nor has a default.
  const std::string& Value(absl::string_view option) const;
};

}  // namespace iqctl

#endif  // IQCTL_CLI_COMMAND_H_
