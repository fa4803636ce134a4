// A command line to an invocation of the table's commands.

#ifndef IQCTL_CLI_COMMAND_LINE_H_
#define IQCTL_CLI_COMMAND_LINE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "iqctl/cli/command.h"

namespace iqctl {

// The value of an environment variable; nullopt if it is not set.
using Environment = std::function<absl::optional<std::string>(const std::string& name)>;

// Reads `arguments`, those behind the program's name. Options may stand anywhere, as "--name value",
// "--name=value" or "-o value"; "--" ends them. "help" as first word, "-h" and "--help" anywhere ask
// for help.
//
// `kInvalidArgument`: something is unknown, missing or too much; the message says what and what is
// near to it.
absl::StatusOr<Invocation> ReadCommandLine(const CommandTable& table,
                                           const std::vector<std::string>& arguments,
                                           const Environment& environment);

// The values of options. `kInvalidArgument` names the option.
absl::StatusOr<absl::Duration> DurationValue(const Invocation& invocation,
                                             absl::string_view option);
absl::StatusOr<int> CountValue(const Invocation& invocation, absl::string_view option);

// The nearest of `words`, if one is near enough to be what was meant; else "".
std::string NearestWord(absl::string_view word, const std::vector<std::string>& words);

}  // namespace iqctl

#endif  // IQCTL_CLI_COMMAND_LINE_H_
