#include "agw-service/net/host_addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace agw {

std::vector<InterfaceAddress> InterfaceAddresses() {
  std::vector<InterfaceAddress> addresses;
  ifaddrs* interfaces = nullptr;
  if (getifaddrs(&interfaces) != 0) return addresses;
  for (const ifaddrs* each = interfaces; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || (each->ifa_flags & IFF_UP) == 0) continue;
    common::IpAddress ip;
    if (each->ifa_addr->sa_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
      ip = common::IpAddress::FromBytes({reinterpret_cast<const uint8_t*>(&v4->sin_addr), 4});
    } else if (each->ifa_addr->sa_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(each->ifa_addr);
      ip = common::IpAddress::FromBytes({v6->sin6_addr.s6_addr, 16});
    } else {
      continue;
    }
    addresses.push_back({each->ifa_name, ip});
  }
  freeifaddrs(interfaces);
  return addresses;
}

}  // namespace agw
