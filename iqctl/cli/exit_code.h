// Exit codes by meaning, for scripts.

#ifndef IQCTL_CLI_EXIT_CODE_H_
#define IQCTL_CLI_EXIT_CODE_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace iqctl {

enum class ExitCode {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kNotFound = 3,
  kUnreachable = 4,
  kNotPermitted = 5,
  kProblemsFound = 6,
  kTimeRanOut = 7,
};

struct ExitCodeMeaning {
  ExitCode code;
  absl::string_view meaning;
};

// All of them, as help and the man page show them.
absl::Span<const ExitCodeMeaning> ExitCodeMeanings();

// What a failed call, or a command line that cannot be followed, ends the program with.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace iqctl

#endif  // IQCTL_CLI_EXIT_CODE_H_
