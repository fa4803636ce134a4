#include "agw-service/realm/ip_realm.h"

namespace agw {

const RealmAddress* IpRealm::FindAddress(bool ipv4) const {
  for (const RealmAddress& address : addresses) {
    if (address.bind.is_ipv4() == ipv4) return &address;
  }
  return nullptr;
}

const IpRealm* RealmTable::Find(absl::string_view name, Side side) const {
  for (const IpRealm& realm : realms_) {
    const bool is_default = side == Side::kAccess ? realm.access_default : realm.core_default;
    if (name.empty() ? is_default : realm.name == name) return &realm;
  }
  return nullptr;
}

std::vector<common::OwnAddressRange> RealmTable::OwnAddresses() const {
  std::vector<common::OwnAddressRange> own;
  for (const IpRealm& realm : realms_) {
    for (const RealmAddress& address : realm.addresses) {
      own.push_back({address.bind, realm.first_port, realm.last_port});
      if (address.advertised != address.bind) {
        own.push_back({address.advertised, realm.first_port, realm.last_port});
      }
    }
  }
  return own;
}

}  // namespace agw
