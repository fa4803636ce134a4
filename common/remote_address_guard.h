// Which addresses of peers are refused, so that nobody makes the IMS-AGW talk to itself, to the
// services of its host or to a group (RFC 4975 clause 14.5).

#ifndef COMMON_REMOTE_ADDRESS_GUARD_H_
#define COMMON_REMOTE_ADDRESS_GUARD_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "common/ip_address.h"
#include "common/ip_prefix.h"

namespace common {

// Where an IMS-AGW itself can be reached. The unspecified address stands for every loopback
// address.
struct OwnAddressRange {
  IpAddress ip;
  uint16_t first_port = 0;
  uint16_t last_port = 0;
};

// OK if a termination at `local` may have `remote` for its peer, else `kInvalidArgument` with the
// reason in words. Refused are unspecified, multicast, reserved, link-local and IPv4-mapped
// addresses; an address of the other family; an address in `own`, whatever the port; and loopback
// addresses. A termination on loopback itself may have peers there, if their port is none of `own`.
absl::Status CheckRemoteAddress(const TransportAddress& remote, const IpAddress& local,
                                const std::vector<OwnAddressRange>& own);

// Which addresses the peers of a realm may have, by the operator's word.
struct RemotePrefixes {
  std::vector<IpPrefix> allowed;  // Empty: all.
  std::vector<IpPrefix> denied;   // Also of those that are allowed.

  bool Permit(const IpAddress& ip) const;
};

}  // namespace common

#endif  // COMMON_REMOTE_ADDRESS_GUARD_H_
