// Which addresses the realms have on this host, where the configuration names interfaces and nodes
// instead: one configuration then serves all pods.

#ifndef AGW_SERVICE_REALM_ADDRESSES_H_
#define AGW_SERVICE_REALM_ADDRESSES_H_

#include <vector>

#include "absl/status/status.h"
#include "agw-service/net/host_addresses.h"
#include "ims/config/v1/agw_config.pb.h"

namespace agw {

// Replaces `interface` and `advertised_by_node` of a valid `config` by `bind` and `advertised`, which all
// addresses have afterwards. `interface_addresses` are those of this host.
//
// `kInvalidArgument`: all that is missing, with the fields' names: an interface that is not there or
// has no address of the family, a node that is not in the list, a second address of a family.
absl::Status ResolveRealmAddresses(const std::vector<InterfaceAddress>& interface_addresses,
                                   ims::config::v1::AgwConfig* config);

// Whether this host has the addresses that the realms of a resolved `config` bind to;
// `kInvalidArgument` names those it has not. Loopback addresses are not looked at: a host without IPv6
// has no ::1, which the defaults have.
absl::Status CheckRealmAddresses(const ims::config::v1::AgwConfig& config);

}  // namespace agw

#endif  // AGW_SERVICE_REALM_ADDRESSES_H_
