// Help, made from the table.

#ifndef IQCTL_CLI_HELP_H_
#define IQCTL_CLI_HELP_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "iqctl/cli/command.h"

namespace iqctl {

// What `invocation` asks help for: the program, a group or a command. Lines are at most `width` columns
// long where words allow it.
std::string HelpText(const Invocation& invocation, size_t width);

// "iqctl agw drain INSTANCE [OPTION...]"
std::string UsageOf(const CommandTable& table, const Command& command);

// "-o, --output FORMAT"
std::string OptionSyntax(const Option& option);

// What an option means, with choices, default and environment variable.
std::string OptionMeaning(const Option& option);

// The same for an argument.
std::string ArgumentMeaning(const Argument& argument);

// `text`, broken at spaces; every line but the first begins with `indent` spaces.
std::string Wrap(absl::string_view text, size_t indent, size_t width);

}  // namespace iqctl

#endif  // IQCTL_CLI_HELP_H_
