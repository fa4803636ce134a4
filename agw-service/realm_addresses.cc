#include "agw-service/realm_addresses.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "agw-service/net/socket.h"
#include "common/config_file.h"
#include "common/ip_address.h"

namespace agw {
namespace {

using common::IpAddress;
using ims::config::v1::AgwConfig;
using ims::config::v1::RealmAddress;
using ims::config::v1::RealmConfig;

const char* NameOfFamily(bool is_ipv4) { return is_ipv4 ? "ipv4" : "ipv6"; }

std::string PathOf(int realm, int address) {
  return absl::StrCat("realms[", realm, "].addresses[", address, "]");
}

// Works on one realm's addresses.
class Resolver {
 public:
  Resolver(const std::vector<InterfaceAddress>& interface_addresses, const std::string& node_name,
           common::ConfigErrors* errors)
      : interface_addresses_(interface_addresses), node_name_(node_name), errors_(errors) {}

  // Adds what `address` stands for to `out`, which has both `bind` and `advertised`.
  void Resolve(const RealmAddress& address, const std::string& path, RealmConfig* out) {
    const absl::optional<std::string> advertised = Advertised(address, path);
    if (!advertised.has_value()) return;
    for (const std::string& bind : BoundTo(address, *advertised, path)) {
      for (const RealmAddress& earlier : out->addresses()) {
        if (IsIpv4(earlier.bind()) == IsIpv4(bind)) {
          errors_->Add(path, absl::StrCat("is the second one of its family: ", bind));
        }
      }
      RealmAddress* const resolved = out->add_addresses();
      resolved->set_bind(bind);
      resolved->set_advertised(advertised->empty() ? bind : *advertised);
    }
  }

 private:
  static bool IsIpv4(const std::string& ip) { return IpAddress::Parse(ip)->is_ipv4(); }

  // Empty if it is what is bound to; nullopt after a mistake.
  absl::optional<std::string> Advertised(const RealmAddress& address, const std::string& path) {
    if (address.advertised_by_node().empty()) return address.advertised();
    for (const ims::config::v1::NodeAddress& each : address.advertised_by_node()) {
      if (each.node() == node_name_) return each.address();
    }
    errors_->Add(path + ".advertised_by_node",
                 absl::StrCat("has no address for node_name \"", node_name_, "\""));
    return absl::nullopt;
  }

  std::vector<std::string> BoundTo(const RealmAddress& address, const std::string& advertised,
                                   const std::string& path) {
    if (address.interface().empty()) return {address.bind()};
    std::string family = address.family();
    if (family.empty() && !advertised.empty()) family = NameOfFamily(IsIpv4(advertised));
    std::vector<std::string> found;
    bool have[2] = {false, false};
    bool interface_exists = false;
    for (const InterfaceAddress& each : interface_addresses_) {
      if (each.interface != address.interface()) continue;
      interface_exists = true;
      const bool is_ipv4 = each.ip.is_ipv4();
      if (each.ip.IsLinkLocal() || have[is_ipv4]) continue;
      if (!family.empty() && family != NameOfFamily(is_ipv4)) continue;
      have[is_ipv4] = true;
      found.push_back(each.ip.ToString());
    }
    if (!interface_exists) {
      errors_->Add(path + ".interface",
                   absl::StrCat("there is no interface \"", address.interface(),
                                "\" with an address; there are: ", InterfaceNames()));
    } else if (found.empty()) {
      errors_->Add(path + ".interface",
                   absl::StrCat(address.interface(), " has no ", family, family.empty() ? "" : " ",
                                "address beyond its own link"));
    }
    return found;
  }

  std::string InterfaceNames() const {
    std::vector<std::string> names;
    for (const InterfaceAddress& each : interface_addresses_) {
      if (std::find(names.begin(), names.end(), each.interface) == names.end()) {
        names.push_back(each.interface);
      }
    }
    return absl::StrJoin(names, ", ");
  }

  const std::vector<InterfaceAddress>& interface_addresses_;
  const std::string& node_name_;
  common::ConfigErrors* errors_;
};

}  // namespace

absl::Status ResolveRealmAddresses(const std::vector<InterfaceAddress>& interface_addresses,
                                   AgwConfig* config) {
  common::ConfigErrors errors;
  Resolver resolver(interface_addresses, config->node_name(), &errors);
  AgwConfig resolved = *config;
  for (int i = 0; i < config->realms_size(); ++i) {
    RealmConfig* const realm = resolved.mutable_realms(i);
    realm->clear_addresses();
    for (int j = 0; j < config->realms(i).addresses_size(); ++j) {
      resolver.Resolve(config->realms(i).addresses(j), PathOf(i, j), realm);
    }
  }
  if (errors.empty()) *config = std::move(resolved);
  return errors.ToStatus("configuration");
}

absl::Status CheckRealmAddresses(const AgwConfig& config) {
  common::ConfigErrors errors;
  for (int i = 0; i < config.realms_size(); ++i) {
    for (int j = 0; j < config.realms(i).addresses_size(); ++j) {
      const std::string& bind = config.realms(i).addresses(j).bind();
      const IpAddress ip = *IpAddress::Parse(bind);
      if (ip.IsLoopback()) continue;
      const absl::Status bound = BindTcp({ip, 0}).status();
      if (bound.ok()) continue;
      errors.Add(PathOf(i, j) + ".bind",
                 absl::StrCat("cannot be used on this host: ", bound.message()));
    }
  }
  return errors.ToStatus("configuration");
}

}  // namespace agw
