#include "common/remote_address_guard.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace common {

absl::Status CheckRemoteAddress(const TransportAddress& remote, const IpAddress& local,
                                const std::vector<OwnAddressRange>& own) {
  const auto refuse = [&remote](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("remote address ", remote.ip.ToString(), " ", why));
  };
  const IpAddress& ip = remote.ip;
  if (ip.is_ipv4() != local.is_ipv4()) return refuse("is not of the termination's family");
  if (ip.IsUnspecified()) return refuse("is unspecified");
  if (ip.IsMulticast()) return refuse("is a multicast address");
  if (ip.IsReserved()) return refuse("is reserved");
  if (ip.IsLinkLocal()) return refuse("is link-local");
  if (ip.IsIpv4Mapped()) return refuse("is an IPv4 address in IPv6 form");
  if (ip.IsLoopback() && !local.IsLoopback()) return refuse("is a loopback address");
  for (const OwnAddressRange& range : own) {
    if (ip != range.ip && !(ip.IsLoopback() && range.ip.IsUnspecified())) continue;
    if (!ip.IsLoopback()) return refuse("is one of the IMS-AGW's own");
    if (remote.port >= range.first_port && remote.port <= range.last_port) {
      return refuse("is, with that port, one of the IMS-AGW's own");
    }
  }
  return absl::OkStatus();
}

bool RemotePrefixes::Permit(const IpAddress& ip) const {
  const auto contains = [&ip](const IpPrefix& prefix) { return prefix.Contains(ip); };
  if (std::any_of(denied.begin(), denied.end(), contains)) return false;
  return allowed.empty() || std::any_of(allowed.begin(), allowed.end(), contains);
}

}  // namespace common
