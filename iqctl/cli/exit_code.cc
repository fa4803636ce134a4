#include "iqctl/cli/exit_code.h"

namespace iqctl {

absl::Span<const ExitCodeMeaning> ExitCodeMeanings() {
  static constexpr ExitCodeMeaning kMeanings[] = {
      {ExitCode::kOk, "Done."},
      {ExitCode::kFailed, "The service refused or failed."},
      {ExitCode::kUsage, "The command line is wrong, or the service calls an argument malformed."},
      {ExitCode::kNotFound, "There is no such session, context or IMS-AGW (any more)."},
      {ExitCode::kUnreachable, "A service cannot be reached, or did not answer in time."},
      {ExitCode::kNotPermitted,
       "TLS failed, or the service does not allow it with this certificate."},
      {ExitCode::kProblemsFound, "\"check\" has found problems."},
      {ExitCode::kTimeRanOut, "What was waited for did not happen in time."},
  };
  return kMeanings;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return ExitCode::kOk;
    case absl::StatusCode::kInvalidArgument:
      return ExitCode::kUsage;
    case absl::StatusCode::kNotFound:
      return ExitCode::kNotFound;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return ExitCode::kUnreachable;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return ExitCode::kNotPermitted;
    default:
      return ExitCode::kFailed;
  }
}

}  // namespace iqctl
