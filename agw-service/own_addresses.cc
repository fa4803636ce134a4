#include "agw-service/own_addresses.h"

#include "common/ip_address.h"

namespace agw {

std::vector<common::OwnAddressRange> OwnAddresses(
    const ims::config::v1::AgwConfig& config, const RealmTable& realms,
    const std::vector<InterfaceAddress>& host_addresses) {
  std::vector<common::OwnAddressRange> own;
  const auto add = [&own, &host_addresses](const common::OwnAddressRange& range) {
    // The unspecified address itself stands for all loopback addresses.
    own.push_back(range);
    if (!range.ip.IsUnspecified()) return;
    for (const InterfaceAddress& each : host_addresses) {
      own.push_back({each.ip, range.first_port, range.last_port});
    }
  };
  for (const common::OwnAddressRange& range : realms.OwnAddresses()) add(range);
  for (const std::string& text : {config.iq().listen_address(), config.http().listen_address()}) {
    const common::TransportAddress listener = *common::TransportAddress::Parse(text);
    if (listener.port != 0) add({listener.ip, listener.port, listener.port});
  }
  return own;
}

}  // namespace agw
