#include "agw-service/own_addresses.h"

#include <string>
#include <vector>

#include "agw-service/config.h"
#include "agw-service/net/host_addresses.h"
#include "agw-service/realm_addresses.h"
#include "common/ip_address.h"
#include "common/remote_address_guard.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IpAddress;
using common::TransportAddress;

// A host with two interfaces, of which a realm uses neither.
const std::vector<InterfaceAddress>& Host() {
  static const auto& host =
      *new std::vector<InterfaceAddress>{{"lo", *IpAddress::Parse("127.0.0.1")},
                                         {"eth0", *IpAddress::Parse("192.0.2.1")},
                                         {"eth0", *IpAddress::Parse("2001:db8::1")}};
  return host;
}

// Whether a termination at `local` may have `remote` for its peer.
bool IsAllowed(const std::string& iq, const std::string& http, absl::string_view remote,
               absl::string_view local) {
  ims::config::v1::AgwConfig config;
  config.mutable_iq()->set_listen_address(iq);
  config.mutable_http()->set_listen_address(http);
  SetDefaults(&config);
  EXPECT_THAT(ResolveRealmAddresses(Host(), &config), common::IsOk());
  const RealmTable realms(MakeRealms(config));
  return common::CheckRemoteAddress(*TransportAddress::Parse(remote), *IpAddress::Parse(local),
                                    OwnAddresses(config, realms, Host()))
      .ok();
}

TEST(OwnAddresses, NobodyIsConnectedToTheIqOrHttpListener) {
  const char* const iq = "127.0.0.1:7060";
  const char* const http = "192.0.2.1:9060";
  EXPECT_FALSE(IsAllowed(iq, http, "127.0.0.1:7060", "127.0.0.20"));
  EXPECT_TRUE(IsAllowed(iq, http, "127.0.0.1:7061", "127.0.0.20"));
  EXPECT_TRUE(IsAllowed(iq, http, "127.0.0.2:7060", "127.0.0.20"));
  // An address that is ours and no loopback is none of a peer, whatever the port.
  EXPECT_FALSE(IsAllowed(iq, http, "192.0.2.1:9060", "198.51.100.1"));
  EXPECT_FALSE(IsAllowed(iq, http, "192.0.2.1:22", "198.51.100.1"));
  EXPECT_TRUE(IsAllowed(iq, http, "192.0.2.2:9060", "198.51.100.1"));
}

TEST(OwnAddresses, AListenerOnAllAddressesIsOnEachOfThem) {
  for (const char* wildcard : {"0.0.0.0:7060", "[::]:7060"}) {
    EXPECT_FALSE(IsAllowed(wildcard, "127.0.0.1:0", "192.0.2.1:7060", "198.51.100.1")) << wildcard;
    EXPECT_FALSE(IsAllowed(wildcard, "127.0.0.1:0", "[2001:db8::1]:7060", "2001:db8::9"))
        << wildcard;
    EXPECT_TRUE(IsAllowed(wildcard, "127.0.0.1:0", "192.0.2.2:7060", "198.51.100.1")) << wildcard;
    // Loopback is a whole prefix of addresses.
    EXPECT_FALSE(IsAllowed(wildcard, "127.0.0.1:0", "127.0.0.77:7060", "127.0.0.20")) << wildcard;
    EXPECT_FALSE(IsAllowed(wildcard, "127.0.0.1:0", "[::1]:7060", "::1")) << wildcard;
    EXPECT_TRUE(IsAllowed(wildcard, "127.0.0.1:0", "127.0.0.77:7061", "127.0.0.20")) << wildcard;
  }
}

TEST(OwnAddresses, ARealmOnAllAddressesIsOnEachOfThem) {
  ims::config::v1::AgwConfig config;
  ims::config::v1::RealmConfig* realm = config.add_realms();
  realm->set_name("all");
  realm->add_default_for("access");
  realm->add_default_for("core");
  realm->add_addresses()->set_bind("0.0.0.0");
  realm->mutable_addresses(0)->set_advertised("203.0.113.1");
  realm->set_first_port(20000);
  realm->set_last_port(20999);
  SetDefaults(&config);
  EXPECT_THAT(ResolveRealmAddresses(Host(), &config), common::IsOk());
  const RealmTable realms(MakeRealms(config));
  const auto is_allowed = [&](absl::string_view remote) {
    return common::CheckRemoteAddress(*TransportAddress::Parse(remote),
                                      *IpAddress::Parse("0.0.0.0"),
                                      OwnAddresses(config, realms, Host()))
        .ok();
  };
  EXPECT_FALSE(is_allowed("192.0.2.1:20500"));
  EXPECT_FALSE(is_allowed("203.0.113.1:20500"));
  EXPECT_TRUE(is_allowed("192.0.2.2:20500"));
}

TEST(OwnAddresses, APortThatTheSystemChoosesForbidsNothing) {
  EXPECT_TRUE(IsAllowed("0.0.0.0:0", "0.0.0.0:0", "192.0.2.1:7060", "198.51.100.1"));
  EXPECT_TRUE(IsAllowed("0.0.0.0:0", "0.0.0.0:0", "127.0.0.1:7060", "127.0.0.20"));
}

}  // namespace
}  // namespace agw
