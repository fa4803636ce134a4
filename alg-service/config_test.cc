#include "alg-service/config.h"

#include <string>

#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

using testing::HasSubstr;

TEST(Config, AnEmptyFileGivesTheDefaults) {
  ASSERT_OK_AND_ASSIGN(Config config, ParseConfig("", "alg.yaml", {}));
  EXPECT_EQ(config.file.api().listen_address(), "127.0.0.1:7050");
  EXPECT_EQ(config.file.http().listen_address(), "127.0.0.1:9050");
  ASSERT_EQ(config.gateway_targets.size(), 1u);
  EXPECT_EQ(config.gateway_targets[0].host, "127.0.0.1");
  EXPECT_EQ(config.gateway_targets[0].port, 7060);
  EXPECT_EQ(config.resolve_interval, absl::Seconds(10));
  EXPECT_EQ(config.call_timeout, absl::Seconds(5));
  EXPECT_EQ(config.policy.core_connect, ims::alg::v1::CORE_CONNECT_TRIGGERED);
  EXPECT_EQ(config.policy.early_syn, ims::alg::v1::EARLY_SYN_DROP);
  EXPECT_FALSE(config.policy.allow_sha1_fingerprints);
}

TEST(Config, ReadsEveryField) {
  ASSERT_OK_AND_ASSIGN(Config config, ParseConfig(R"(
api:
  listen_address: "[::1]:1"
http:
  listen_address: "127.0.0.1:2"
gateways:
  targets: ["agw.example.net:7060", "[2001:db8::1]:7061"]
  resolve_interval: 1min
  call_timeout: 300ms
policy:
  core_connect: alg_ordered
  early_syn: latch
  allow_sha1_fingerprints: true
  access_realm: gm
  core_realm: mw
)",
                                                  "alg.yaml", {}));
  ASSERT_EQ(config.gateway_targets.size(), 2u);
  EXPECT_EQ(config.gateway_targets[0].host, "agw.example.net");
  EXPECT_EQ(config.gateway_targets[1].host, "2001:db8::1");
  EXPECT_EQ(config.resolve_interval, absl::Minutes(1));
  EXPECT_EQ(config.call_timeout, absl::Milliseconds(300));
  EXPECT_EQ(config.policy.core_connect, ims::alg::v1::CORE_CONNECT_ALG_ORDERED);
  EXPECT_EQ(config.policy.early_syn, ims::alg::v1::EARLY_SYN_LATCH);
  EXPECT_TRUE(config.policy.allow_sha1_fingerprints);
  EXPECT_EQ(config.policy.access_realm, "gm");
  EXPECT_EQ(config.policy.core_realm, "mw");
}

TEST(Config, FlagsOverrideTheFile) {
  ASSERT_OK_AND_ASSIGN(
      Config config,
      ParseConfig("api: {listen_address: \"127.0.0.1:1\"}\ngateways: {targets: [\"a:1\"]}",
                  "alg.yaml", {"127.0.0.1:2", "127.0.0.1:3", {"b:4", "c:5"}}));
  EXPECT_EQ(config.file.api().listen_address(), "127.0.0.1:2");
  EXPECT_EQ(config.file.http().listen_address(), "127.0.0.1:3");
  ASSERT_EQ(config.gateway_targets.size(), 2u);
  EXPECT_EQ(config.gateway_targets[0].host, "b");
}

TEST(Config, ReportsAllMistakesAtOnce) {
  absl::StatusOr<Config> config = ParseConfig(R"(
api:
  listen_address: localhost
  tls: {certificate_file: a.pem}
gateways:
  targets: ["host", "host:0", "2001:db8::1:7060"]
  resolve_interval: 10ms
  call_timeout: 2h
policy:
  core_connect: sometimes
  early_syn: ignore
nonsense: 1
)",
                                              "alg.yaml", {});
  ASSERT_FALSE(config.ok());
  for (const char* path : {"nonsense", "api.listen_address", "api.tls.key_file", "api.tls.ca_file",
                           "gateways.targets[0]", "gateways.targets[1]", "gateways.targets[2]",
                           "gateways.resolve_interval", "gateways.call_timeout",
                           "policy.core_connect", "policy.early_syn"}) {
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(path));
  }
}

}  // namespace
}  // namespace alg
