#include "alg-service/config.h"

#include <fstream>
#include <string>

#include "absl/strings/string_view.h"
#include "common/config_check.h"
#include "common/name_resolver.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

using common::ToDuration;
using ims::config::v1::AlgConfig;
using testing::HasSubstr;

// Loads `yaml` from a file.
absl::StatusOr<AlgConfig> Load(absl::string_view yaml, const ConfigOverrides& overrides = {}) {
  const std::string file_name = testing::TempDir() + "/alg.yaml";
  std::ofstream(file_name) << yaml;
  return LoadConfig(file_name, overrides);
}

TEST(Config, AnEmptyFileGivesTheDefaults) {
  ASSERT_OK_AND_ASSIGN(const AlgConfig config, Load(""));
  EXPECT_EQ(config.api().listen_address(), "127.0.0.1:7050");
  EXPECT_EQ(config.http().listen_address(), "127.0.0.1:9050");
  const std::vector<common::HostPort> targets = MakeGatewayTargets(config);
  ASSERT_EQ(targets.size(), 1u);
  EXPECT_EQ(targets[0].host, "127.0.0.1");
  EXPECT_EQ(targets[0].port, 7060);
  EXPECT_EQ(ToDuration(config.gateways().resolve_interval()), absl::Seconds(10));
  EXPECT_EQ(ToDuration(config.gateways().call_timeout()), absl::Seconds(5));
  EXPECT_EQ(ToDuration(config.gateways().status_interval()), absl::Seconds(2));
  EXPECT_EQ(ToDuration(config.gateways().lost_after()), absl::Minutes(1));
  const SessionPolicy policy = MakeSessionPolicy(config);
  EXPECT_EQ(policy.attempt_timeout, absl::Milliseconds(200));
  EXPECT_EQ(policy.core_connect, ims::alg::v1::CORE_CONNECT_TRIGGERED);
  EXPECT_EQ(policy.early_syn, ims::alg::v1::EARLY_SYN_DROP);
  EXPECT_FALSE(policy.allow_sha1_fingerprints);
}

TEST(Config, ReadsEveryField) {
  ASSERT_OK_AND_ASSIGN(const AlgConfig config, Load(R"(
api:
  listen_address: "[::1]:1"
http:
  listen_address: "127.0.0.1:2"
gateways:
  targets: ["agw.example.net:7060", "[2001:db8::1]:7061"]
  resolve_interval: 1min
  call_timeout: 300ms
  attempt_timeout: 50ms
  status_interval: 3s
  lost_after: 10min
policy:
  core_connect: alg_ordered
  early_syn: latch
  allow_sha1_fingerprints: true
  access_realm: gm
  core_realm: mw
)"));
  const std::vector<common::HostPort> targets = MakeGatewayTargets(config);
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[0].host, "agw.example.net");
  EXPECT_EQ(targets[1].host, "2001:db8::1");
  EXPECT_EQ(ToDuration(config.gateways().resolve_interval()), absl::Minutes(1));
  EXPECT_EQ(ToDuration(config.gateways().call_timeout()), absl::Milliseconds(300));
  EXPECT_EQ(ToDuration(config.gateways().status_interval()), absl::Seconds(3));
  EXPECT_EQ(ToDuration(config.gateways().lost_after()), absl::Minutes(10));
  const SessionPolicy policy = MakeSessionPolicy(config);
  EXPECT_EQ(policy.attempt_timeout, absl::Milliseconds(50));
  EXPECT_EQ(policy.core_connect, ims::alg::v1::CORE_CONNECT_ALG_ORDERED);
  EXPECT_EQ(policy.early_syn, ims::alg::v1::EARLY_SYN_LATCH);
  EXPECT_TRUE(policy.allow_sha1_fingerprints);
  EXPECT_EQ(policy.access_realm, "gm");
  EXPECT_EQ(policy.core_realm, "mw");
}

TEST(Config, FlagsOverrideTheFile) {
  ASSERT_OK_AND_ASSIGN(
      const AlgConfig config,
      Load("api: {listen_address: \"127.0.0.1:1\"}\ngateways: {targets: [\"a:1\"]}",
           {"127.0.0.1:2", "127.0.0.1:3", {"b:4", "c:5"}}));
  EXPECT_EQ(config.api().listen_address(), "127.0.0.1:2");
  EXPECT_EQ(config.http().listen_address(), "127.0.0.1:3");
  const std::vector<common::HostPort> targets = MakeGatewayTargets(config);
  ASSERT_EQ(targets.size(), 2u);
  EXPECT_EQ(targets[0].host, "b");
}

TEST(Config, ReportsAllMistakesAtOnce) {
  const absl::StatusOr<AlgConfig> config = Load(R"(
api:
  listen_address: localhost
  tls: {certificate_file: a.pem, server_name: b}
gateways:
  targets: ["host", "host:0", "2001:db8::1:7060"]
  tls: {allowed_client_names: [c]}
  resolve_interval: 10ms
  call_timeout: 2h
  attempt_timeout: 1ms
  status_interval: 100ms
  lost_after: 1s
policy:
  core_connect: sometimes
  early_syn: ignore
nonsense: 1
)");
  ASSERT_FALSE(config.ok());
  for (const char* path :
       {"nonsense", "api.listen_address", "api.tls.key_file", "api.tls.ca_file",
        "api.tls.server_name", "gateways.targets[0]", "gateways.targets[1]", "gateways.targets[2]",
        "gateways.tls.certificate_file", "gateways.tls.allowed_client_names",
        "gateways.resolve_interval", "gateways.call_timeout", "gateways.attempt_timeout",
        "gateways.status_interval", "gateways.lost_after", "policy.core_connect",
        "policy.early_syn"}) {
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(path));
  }
}

}  // namespace
}  // namespace alg
