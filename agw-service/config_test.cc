#include "agw-service/config.h"

#include <cstdio>
#include <fstream>
#include <string>

#include "agw-service/realm_addresses.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using common::StatusIs;
using testing::AllOf;
using testing::HasSubstr;

std::string WriteFile(const std::string& text) {
  const std::string name = testing::TempDir() + "/agw.yaml";
  std::ofstream(name) << text;
  return name;
}

TEST(ConfigTest, NothingGivesAServiceOnLoopback) {
  absl::StatusOr<ims::config::v1::AgwConfig> config = LoadConfig("", {});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->iq().listen_address(), "127.0.0.1:7060");
  ASSERT_THAT(ResolveRealmAddresses({}, &*config), IsOk());
  const std::vector<IpRealm> realms = MakeRealms(*config);
  ASSERT_EQ(realms.size(), 2u);
  EXPECT_TRUE(realms[0].access_default);
  EXPECT_EQ(realms[0].addresses[0].bind.ToString(), "127.0.0.10");
  EXPECT_TRUE(realms[1].core_default);
  const ContextLimits limits = MakeContextLimits(*config);
  EXPECT_EQ(limits.setup_timers.await_configuration, absl::Seconds(180));
  EXPECT_EQ(limits.setup_timers.tcp_establishment, absl::Seconds(30));
  EXPECT_EQ(limits.setup_timers.tls_establishment, absl::Seconds(10));
  EXPECT_EQ(limits.attempt_limit, 3u);
  EXPECT_EQ(config->tls().handshake_limit(), 2000u);
  EXPECT_EQ(config->buffered_byte_limit(), 256u << 20);
  EXPECT_EQ(limits.history_limit, 32u);
  EXPECT_EQ(config->priority_share(), 5u);
  EXPECT_EQ(config->port_pool_low_share(), 20u);
  EXPECT_EQ(config->drain_close_time().seconds(), 5);
}

TEST(ConfigTest, ZeroIsSaidWhereItHasAMeaning) {
  const std::string file = WriteFile("priority_share: 0\nhistory_limit: 0\ndrain_close_time: 0s\n");
  const absl::StatusOr<ims::config::v1::AgwConfig> config = LoadConfig(file, {});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->priority_share(), 0u);
  EXPECT_EQ(MakeContextLimits(*config).history_limit, 0u);
  EXPECT_EQ(config->drain_close_time().seconds(), 0);
}

TEST(ConfigTest, BoundsAreThoseOfTheFile) {
  const std::string file = WriteFile(
      "worker_count: 4\ntls: {handshake_limit: 100}\nbuffered_byte_limit: 1048576\n"
      "history_limit: 256\n");
  const absl::StatusOr<ims::config::v1::AgwConfig> config = LoadConfig(file, {});
  ASSERT_THAT(config, IsOk());
  const ContextLimits limits = MakeContextLimits(*config);
  // Each worker has its share.
  EXPECT_EQ(limits.handshake_limit, 25u);
  EXPECT_EQ(limits.buffered_byte_limit, 262144u);
  EXPECT_EQ(limits.history_limit, 256u);
}

TEST(ConfigTest, FlagsOverrideTheFile) {
  const std::string file =
      WriteFile("instance_id: from-file\niq: {listen_address: \"127.0.0.1:1\"}\n");
  absl::StatusOr<ims::config::v1::AgwConfig> config =
      LoadConfig(file, {.instance_id = "from-flag", .iq_address = "", .http_address = ""});
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->instance_id(), "from-flag");
  EXPECT_EQ(config->iq().listen_address(), "127.0.0.1:1");
}

TEST(ConfigTest, WhatARealmSaysOfItsConnectionsHoldsForEachOfItsAddresses) {
  const std::string file = WriteFile(R"(
realms:
  - name: both
    addresses: [{bind: 192.0.2.1}, {bind: "2001:db8::1"}]
    default_for: [access, core]
    allowed_remotes: [10.0.0.0/8]
    denied_remotes: [10.1.0.0/16]
    dscp: 0
)");
  absl::StatusOr<ims::config::v1::AgwConfig> config = LoadConfig(file, {});
  ASSERT_THAT(config, IsOk());
  ASSERT_THAT(ResolveRealmAddresses({}, &*config), IsOk());
  const std::vector<IpRealm> realms = MakeRealms(*config);
  ASSERT_EQ(realms[0].addresses.size(), 2u);
  for (const RealmAddress& address : realms[0].addresses) {
    EXPECT_EQ(address.socket_options.dscp, 0);
    EXPECT_TRUE(address.remote_prefixes.Permit(*common::IpAddress::Parse("10.2.0.1")));
    EXPECT_FALSE(address.remote_prefixes.Permit(*common::IpAddress::Parse("10.1.0.1")));
    EXPECT_FALSE(address.remote_prefixes.Permit(*common::IpAddress::Parse("192.0.2.9")));
  }
}

TEST(ConfigTest, OfEachAddressAShareOfThePortsIsKeptAndOneTellsThatFewAreLeft) {
  const std::string file = WriteFile(R"(
priority_share: 10
port_pool_low_share: 30
realms:
  - name: both
    addresses: [{bind: 192.0.2.1}, {bind: "2001:db8::1"}]
    default_for: [access, core]
    first_port: 20000
    last_port: 20019
)");
  absl::StatusOr<ims::config::v1::AgwConfig> config = LoadConfig(file, {});
  ASSERT_THAT(config, IsOk());
  ASSERT_THAT(ResolveRealmAddresses({}, &*config), IsOk());
  std::vector<PortPoolLow> told;
  const std::vector<IpRealm> realms =
      MakeRealms(*config, [&](PortPoolLow low) { told.push_back(std::move(low)); });
  for (const RealmAddress& address : realms[0].addresses) {
    told.clear();
    std::vector<PortLease> leases;
    while (absl::optional<PortLease> lease = address.ports->Lease()) {
      leases.push_back(*std::move(lease));
    }
    EXPECT_EQ(leases.size(), 18u);
    EXPECT_TRUE(address.ports->Lease(/*privileged=*/true).has_value());
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].ip_realm, "both");
    EXPECT_EQ(told[0].ports_in_use, 15u);
    EXPECT_EQ(told[0].ports_total, 20u);
  }
}

TEST(ConfigTest, WithoutDscpARealmHasTheSystems) {
  absl::StatusOr<ims::config::v1::AgwConfig> config = LoadConfig("", {});
  ASSERT_THAT(config, IsOk());
  ASSERT_THAT(ResolveRealmAddresses({}, &*config), IsOk());
  EXPECT_FALSE(MakeRealms(*config)[0].addresses[0].socket_options.dscp.has_value());
}

TEST(ConfigTest, AnAddressIsNamedOnceByItselfOrByItsInterface) {
  const std::string file = WriteFile(R"(
realms:
  - name: access
    default_for: [access]
    addresses:
    - {advertised: 192.0.2.9}
    - {bind: 192.0.2.1, interface: net1}
    - {bind: 192.0.2.1, family: ipv4}
    - {interface: an-interface-name-that-is-too-long}
    - {interface: net1, family: ipx}
    - {interface: net1, family: ipv6, advertised: 192.0.2.9}
    - interface: net1
      advertised: 192.0.2.9
      advertised_by_node: [{node: a, address: 192.0.2.9}, {node: a, address: nowhere}, {address: 192.0.2.8}]
  - {name: core, default_for: [core], addresses: [{interface: net2}]}
)");
  EXPECT_THAT(LoadConfig(file, {}).status(),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("addresses[0]: needs either bind or interface"),
                             HasSubstr("addresses[1]: needs either bind or interface"),
                             HasSubstr("addresses[2].family: is only for an interface"),
                             HasSubstr("addresses[3].interface: is not the name"),
                             HasSubstr("addresses[4].family: must be \"ipv4\" or \"ipv6\""),
                             HasSubstr("addresses[5].advertised: is not of the family"),
                             HasSubstr("addresses[6].advertised_by_node: is instead of"),
                             HasSubstr("addresses[6].advertised_by_node[1].node: stands twice"),
                             HasSubstr("addresses[6].advertised_by_node[1].address"),
                             HasSubstr("addresses[6].advertised_by_node[2].node: is required"))));
}

TEST(ConfigTest, ReportsAllMistakesAtOnceWithTheirPaths) {
  const std::string file = WriteFile(R"(
instance_id: "not a name"
iq: {listen_address: "localhost:7060", tls: {certificate_file: tls.crt, server_name: agw}}
http: {listen_address: "9060"}
realms:
  - name: access
    addresses: [{bind: 192.0.2.1, advertised: "2001:db8::1"}, {bind: 192.0.2.2}]
    first_port: 80
    default_for: [access, coer]
    allowed_remotes: [10.0.0.0/8, 10.0.0.1/8]
    denied_remotes: [everybody]
    dscp: 64
  - name: access
    default_for: [access]
worker_count: 1000
setup: {attempt_limit: 11, tls_establishment: 1h}
peer_loss: {keep_alive_idle: 5min, loss_time: 6min}
drain_close_time: 2h
priority_share: 51
history_limit: 257
buffered_byte_limit: 1048575
port_pool_low_share: 91
tls: {handshake_limit: 15}
nonsense: 1
)");
  EXPECT_THAT(
      LoadConfig(file, {}),
      StatusIs(
          absl::StatusCode::kInvalidArgument,
          AllOf(HasSubstr("instance_id"), HasSubstr("iq.listen_address"),
                HasSubstr("iq.tls.key_file"), HasSubstr("iq.tls.ca_file"),
                HasSubstr("iq.tls.server_name"), HasSubstr("http.listen_address"),
                HasSubstr("realms[0].addresses[0].advertised"), HasSubstr("realms[0].addresses[1]"),
                HasSubstr("realms[0].first_port"), HasSubstr("realms[0].default_for[1]"),
                HasSubstr("realms[0].allowed_remotes[1]"), HasSubstr("realms[0].denied_remotes[0]"),
                HasSubstr("realms[0].dscp"), HasSubstr("realms[1].name"),
                HasSubstr("realms[1].addresses"), HasSubstr("worker_count"),
                HasSubstr("setup.attempt_limit"), HasSubstr("setup.tls_establishment"),
                HasSubstr("peer_loss.loss_time"), HasSubstr("drain_close_time"),
                HasSubstr("priority_share"), HasSubstr("history_limit"),
                HasSubstr("buffered_byte_limit"), HasSubstr("port_pool_low_share"),
                HasSubstr("tls.handshake_limit"), HasSubstr("nonsense"),
                HasSubstr("exactly one that is default_for \"core\""))));
}

}  // namespace
}  // namespace agw
