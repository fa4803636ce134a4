#include "agw-service/ephemeral_ports.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/log.h"

namespace agw {
namespace {

std::string ReadFile(const char* name) {
  std::ifstream in(name);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

bool HasEphemeralPort(uint32_t first_port, uint32_t last_port, absl::string_view ephemeral_range,
                      absl::string_view reserved_ports) {
  const std::vector<absl::string_view> bounds =
      absl::StrSplit(ephemeral_range, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
  uint32_t first_ephemeral, last_ephemeral;
  if (bounds.size() != 2 || !absl::SimpleAtoi(bounds[0], &first_ephemeral) ||
      !absl::SimpleAtoi(bounds[1], &last_ephemeral)) {
    return false;
  }
  // The kernel writes its ranges in order.
  uint32_t port = std::max(first_port, first_ephemeral);
  for (absl::string_view range :
       absl::StrSplit(reserved_ports, absl::ByAnyChar(",\n"), absl::SkipEmpty())) {
    const std::pair<absl::string_view, absl::string_view> ends =
        absl::StrSplit(range, absl::MaxSplits('-', 1));
    uint32_t first, last;
    if (!absl::SimpleAtoi(ends.first, &first)) return false;
    if (!absl::SimpleAtoi(ends.second, &last)) last = first;
    if (first <= port && port <= last) port = last + 1;
  }
  return port <= std::min(last_port, last_ephemeral);
}

void WarnOfEphemeralPorts(const ims::config::v1::AgwConfig& config) {
  const std::string range = ReadFile("/proc/sys/net/ipv4/ip_local_port_range");
  const std::string reserved = ReadFile("/proc/sys/net/ipv4/ip_local_reserved_ports");
  for (const ims::config::v1::RealmConfig& realm : config.realms()) {
    if (!HasEphemeralPort(realm.first_port(), realm.last_port(), range, reserved)) continue;
    common::Log(common::Severity::kWarning, "realm_ports_are_ephemeral",
                {{"realm", realm.name()},
                 {"first_port", realm.first_port()},
                 {"last_port", realm.last_port()},
                 {"detail", absl::StrCat("other programs may take them: choose other ports, or add "
                                         "to what is reserved: sysctl -w "
                                         "net.ipv4.ip_local_reserved_ports=",
                                         realm.first_port(), "-", realm.last_port())}});
  }
}

}  // namespace agw
