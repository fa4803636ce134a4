#include "agw-service/realm_addresses.h"

#include <string>
#include <vector>

#include "agw-service/config.h"
#include "agw-service/net/host_addresses.h"
#include "common/config_file.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IpAddress;
using common::IsOk;
using common::StatusIs;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// A pod with a second network: net1 has two addresses of each family beside those of its link.
const std::vector<InterfaceAddress>& Pod() {
  static const auto& pod = *new std::vector<InterfaceAddress>{
      {"lo", *IpAddress::Parse("127.0.0.1")},     {"eth0", *IpAddress::Parse("10.1.0.7")},
      {"net1", *IpAddress::Parse("169.254.3.4")}, {"net1", *IpAddress::Parse("192.0.2.7")},
      {"net1", *IpAddress::Parse("192.0.2.8")},   {"net1", *IpAddress::Parse("fe80::1")},
      {"net1", *IpAddress::Parse("2001:db8::7")}, {"net1", *IpAddress::Parse("2001:db8::8")},
      {"link0", *IpAddress::Parse("fe80::2")},
  };
  return pod;
}

// A configuration whose access realm has these addresses, in YAML.
ims::config::v1::AgwConfig ConfigWith(const std::string& access_addresses) {
  ims::config::v1::AgwConfig config;
  EXPECT_THAT(
      common::LoadYaml("node_name: worker-2\n"
                       "realms:\n"
                       "- {name: access, default_for: [access], addresses: " +
                           access_addresses +
                           "}\n"
                           "- {name: core, default_for: [core], addresses: [{bind: 10.1.0.7}]}\n",
                       "agw.yaml", &config),
      IsOk());
  SetDefaults(&config);
  common::ConfigErrors errors;
  Validate(config, &errors);
  EXPECT_THAT(errors.ToStatus("agw.yaml"), IsOk());
  return config;
}

// "BIND as ADVERTISED" for each address of the access realm.
std::vector<std::string> Resolved(const std::string& access_addresses) {
  ims::config::v1::AgwConfig config = ConfigWith(access_addresses);
  EXPECT_THAT(ResolveRealmAddresses(Pod(), &config), IsOk());
  std::vector<std::string> texts;
  for (const auto& address : config.realms(0).addresses()) {
    texts.push_back(address.bind() + " as " + address.advertised());
  }
  return texts;
}

absl::Status Mistakes(const std::string& access_addresses) {
  ims::config::v1::AgwConfig config = ConfigWith(access_addresses);
  return ResolveRealmAddresses(Pod(), &config);
}

TEST(RealmAddresses, AnInterfaceStandsForItsFirstAddressOfEachFamilyBeyondTheLink) {
  EXPECT_THAT(Resolved("[{interface: net1}]"),
              ElementsAre("192.0.2.7 as 192.0.2.7", "2001:db8::7 as 2001:db8::7"));
  EXPECT_THAT(Resolved("[{interface: eth0}]"), ElementsAre("10.1.0.7 as 10.1.0.7"));
}

TEST(RealmAddresses, AFamilyOrAnAdvertisedAddressChoosesAmongThem) {
  EXPECT_THAT(Resolved("[{interface: net1, family: ipv6}]"),
              ElementsAre("2001:db8::7 as 2001:db8::7"));
  EXPECT_THAT(Resolved("[{interface: net1, advertised: 203.0.113.1}]"),
              ElementsAre("192.0.2.7 as 203.0.113.1"));
  EXPECT_THAT(Resolved("[{interface: eth0}, {interface: net1, family: ipv6}]"),
              ElementsAre("10.1.0.7 as 10.1.0.7", "2001:db8::7 as 2001:db8::7"));
}

TEST(RealmAddresses, WhatIsAdvertisedMayDependOnTheNode) {
  const std::string nodes =
      "advertised_by_node: [{node: worker-1, address: 203.0.113.1}, "
      "{node: worker-2, address: 203.0.113.2}]";
  EXPECT_THAT(Resolved("[{interface: net1, " + nodes + "}]"),
              ElementsAre("192.0.2.7 as 203.0.113.2"));
  EXPECT_THAT(Resolved("[{bind: 192.0.2.8, " + nodes + "}]"),
              ElementsAre("192.0.2.8 as 203.0.113.2"));
}

TEST(RealmAddresses, WhatIsMissingIsNamed) {
  EXPECT_THAT(Mistakes("[{interface: net7}]"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("realms[0].addresses[0].interface"), HasSubstr("\"net7\""),
                             HasSubstr("lo, eth0, net1, link0"))));
  EXPECT_THAT(Mistakes("[{interface: link0}]"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("link0 has no address")));
  EXPECT_THAT(Mistakes("[{interface: eth0, family: ipv6}]"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("eth0 has no ipv6 address")));
  EXPECT_THAT(
      Mistakes("[{bind: 10.1.0.7, advertised_by_node: [{node: other, address: 203.0.113.1}]}]"),
      StatusIs(absl::StatusCode::kInvalidArgument,
               HasSubstr("advertised_by_node: has no address for node_name \"worker-2\"")));
  EXPECT_THAT(Mistakes("[{interface: net1}, {bind: 10.1.0.7}]"),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("realms[0].addresses[1]: is the second one of its family")));
}

TEST(RealmAddresses, AMistakeChangesNothing) {
  ims::config::v1::AgwConfig config = ConfigWith("[{interface: net7}]");
  EXPECT_FALSE(ResolveRealmAddresses(Pod(), &config).ok());
  EXPECT_EQ(config.realms(0).addresses(0).interface(), "net7");
  EXPECT_EQ(config.realms(1).addresses_size(), 1);
}

TEST(RealmAddresses, AnAddressThatIsNotOfThisHostIsAMistake) {
  ims::config::v1::AgwConfig config = ConfigWith("[{bind: 192.0.2.200}, {bind: \"::1\"}]");
  EXPECT_THAT(CheckRealmAddresses(config),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("realms[0].addresses[0].bind: cannot be used on this host"),
                             HasSubstr("192.0.2.200"))));
  ims::config::v1::AgwConfig defaults;
  SetDefaults(&defaults);
  EXPECT_THAT(CheckRealmAddresses(defaults), IsOk());
}

// The loopback interface has no address but 127.0.0.1 and ::1, which tests can have.
TEST(RealmAddresses, ThisHostsInterfacesHaveTheirAddresses) {
  bool found = false;
  for (const InterfaceAddress& each : InterfaceAddresses()) {
    if (each.interface == "lo" && each.ip == *IpAddress::Parse("127.0.0.1")) found = true;
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace agw
