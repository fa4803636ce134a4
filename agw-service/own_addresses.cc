#include "agw-service/own_addresses.h"

namespace agw {

std::vector<common::OwnAddressRange> OwnAddresses(
    const ims::config::v1::AgwConfig& config, const RealmTable& realms,
    const std::vector<common::IpAddress>& host_addresses) {
  std::vector<common::OwnAddressRange> own = realms.OwnAddresses();
  for (const std::string& text : {config.iq().listen_address(), config.http().listen_address()}) {
    const common::TransportAddress listener = *common::TransportAddress::Parse(text);
    if (listener.port == 0) continue;
    // The unspecified address itself stands for all loopback addresses.
    own.push_back({listener.ip, listener.port, listener.port});
    if (!listener.ip.IsUnspecified()) continue;
    for (const common::IpAddress& ip : host_addresses) {
      own.push_back({ip, listener.port, listener.port});
    }
  }
  return own;
}

}  // namespace agw
