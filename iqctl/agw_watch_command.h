// "iqctl agw watch".

#ifndef IQCTL_AGW_WATCH_COMMAND_H_
#define IQCTL_AGW_WATCH_COMMAND_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "iqctl/cli/command.h"
#include "iqctl/gateway_follower.h"

namespace iqctl {

Command WatchCommand();

// "INCARNATION:NUMBER". `kInvalidArgument`: it is not.
absl::StatusOr<NotificationPosition> ReadPosition(absl::string_view text);

}  // namespace iqctl

#endif  // IQCTL_AGW_WATCH_COMMAND_H_
