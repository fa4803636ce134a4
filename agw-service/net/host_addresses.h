// The addresses of this host.

#ifndef AGW_SERVICE_NET_HOST_ADDRESSES_H_
#define AGW_SERVICE_NET_HOST_ADDRESSES_H_

#include <vector>

#include "common/ip_address.h"

namespace agw {

// Of all interfaces that are up, as they are now, each once. Thread-safe.
std::vector<common::IpAddress> HostAddresses();

}  // namespace agw

#endif  // AGW_SERVICE_NET_HOST_ADDRESSES_H_
