// The addresses of this host.

#ifndef AGW_SERVICE_NET_HOST_ADDRESSES_H_
#define AGW_SERVICE_NET_HOST_ADDRESSES_H_

#include <string>
#include <vector>

#include "common/ip_address.h"

namespace agw {

struct InterfaceAddress {
  std::string interface;  // Its name: "eth0".
  common::IpAddress ip;
};

// Of all interfaces that are up, as they are now and in the kernel's order. Thread-safe.
std::vector<InterfaceAddress> InterfaceAddresses();

}  // namespace agw

#endif  // AGW_SERVICE_NET_HOST_ADDRESSES_H_
