// Host names to addresses.

#ifndef COMMON_NAME_RESOLVER_H_
#define COMMON_NAME_RESOLVER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ip_address.h"

namespace common {

// "HOST:PORT" or "[IPv6]:PORT" in its parts, without brackets. `kInvalidArgument`: it is neither,
// or the port is not 1 to 65535.
struct HostPort {
  std::string host;
  uint16_t port = 0;
};
absl::StatusOr<HostPort> ParseHostPort(absl::string_view text);

// Every address of a name, without duplicates. `kUnavailable`: the name is unknown, or nobody could
// be asked.
using NameResolver = std::function<absl::StatusOr<std::vector<IpAddress>>(const std::string& host)>;

// Asks the system (hosts file, DNS). Blocks.
absl::StatusOr<std::vector<IpAddress>> ResolveWithSystem(const std::string& host);

}  // namespace common

#endif  // COMMON_NAME_RESOLVER_H_
