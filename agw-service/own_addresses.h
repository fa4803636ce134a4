// Where this IMS-AGW itself can be reached: no peer of a termination can be there.

#ifndef AGW_SERVICE_OWN_ADDRESSES_H_
#define AGW_SERVICE_OWN_ADDRESSES_H_

#include <vector>

#include "agw-service/net/host_addresses.h"
#include "agw-service/realm/ip_realm.h"
#include "common/remote_address_guard.h"
#include "ims/config/v1/agw_config.pb.h"

namespace agw {

// The realms' addresses, and those Iq and HTTP listen on; where one of them is the unspecified
// address, that is all of `host_addresses`, the interfaces' of this host. A valid `config`. A listener whose port the system
// chooses is not known yet.
std::vector<common::OwnAddressRange> OwnAddresses(
    const ims::config::v1::AgwConfig& config, const RealmTable& realms,
    const std::vector<InterfaceAddress>& host_addresses);

}  // namespace agw

#endif  // AGW_SERVICE_OWN_ADDRESSES_H_
