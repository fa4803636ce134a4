// IP realms (TS 23.334 clause 5.3): address spaces the IMS-AGW has addresses in.

#ifndef AGW_SERVICE_REALM_IP_REALM_H_
#define AGW_SERVICE_REALM_IP_REALM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "agw-service/bearer/side.h"
#include "agw-service/net/socket.h"
#include "agw-service/realm/port_pool.h"
#include "common/ip_address.h"
#include "common/remote_address_guard.h"

namespace agw {

// An address of a realm with its ports, and what the realm says of connections there.
struct RealmAddress {
  common::IpAddress bind;
  common::IpAddress advertised;  // What peers are told.
  std::unique_ptr<PortPool> ports;
  common::RemotePrefixes remote_prefixes = {};  // Where peers may be.
  SocketOptions socket_options = {};            // Of listeners and connections.
};

// Immutable, but for its port pools, which are thread-safe.
struct IpRealm {
  std::string name;
  uint16_t first_port = 0;
  uint16_t last_port = 0;
  std::vector<RealmAddress> addresses;  // At most one of each family.
  bool access_default = false;
  bool core_default = false;

  // nullptr if the realm has none of the family.
  const RealmAddress* FindAddress(bool ipv4) const;
};

// Immutable.
class RealmTable {
 public:
  // Each side has exactly one default.
  explicit RealmTable(std::vector<IpRealm> realms) : realms_(std::move(realms)) {}

  const std::vector<IpRealm>& realms() const { return realms_; }

  // With an empty name the default of `side`; nullptr if there is none of that name.
  const IpRealm* Find(absl::string_view name, Side side) const;

  // Where our own terminations are, as bound and as advertised: no peer can be there.
  std::vector<common::OwnAddressRange> OwnAddresses() const;

 private:
  const std::vector<IpRealm> realms_;
};

}  // namespace agw

#endif  // AGW_SERVICE_REALM_IP_REALM_H_
