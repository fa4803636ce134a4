// The options that all commands have, and the connections they describe.

#ifndef IQCTL_CONNECTION_OPTIONS_H_
#define IQCTL_CONNECTION_OPTIONS_H_

#include <vector>

#include "absl/status/statusor.h"
#include "iqctl/cli/command.h"
#include "iqctl/client/connection.h"

namespace iqctl {

std::vector<Option> CommonOptions();

// `kInvalidArgument`: as they stand, they do not fit together.
absl::StatusOr<ConnectionOptions> ConnectionOptionsOf(const Invocation& invocation);

// Connector::Make() of those.
absl::StatusOr<Connector> MakeConnector(const Invocation& invocation);

}  // namespace iqctl

#endif  // IQCTL_CONNECTION_OPTIONS_H_
