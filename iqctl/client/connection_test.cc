#include "iqctl/client/connection.h"

#include "common/ip_address.h"
#include "common/testing/status_matchers.h"
#include "common/testing/test_certificates.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace iqctl {
namespace {

using common::IpAddress;
using common::IsOk;
using common::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;

// Knows "agw.example" with two addresses, and literals.
absl::StatusOr<std::vector<IpAddress>> Resolve(const std::string& host) {
  if (host == "agw.example")
    return std::vector<IpAddress>{*IpAddress::Parse("127.0.0.2"), *IpAddress::Parse("::1")};
  const absl::StatusOr<IpAddress> literal = IpAddress::Parse(host);
  if (!literal.ok()) return absl::UnavailableError(host + ": unknown");
  return std::vector<IpAddress>{*literal};
}

ConnectionOptions OptionsWith(std::vector<std::string> targets) {
  ConnectionOptions options;
  options.agw_targets = std::move(targets);
  options.timeout = absl::Seconds(1);
  return options;
}

std::vector<std::string> AddressesOf(const std::vector<EndpointOrError>& endpoints) {
  std::vector<std::string> addresses;
  for (const EndpointOrError& endpoint : endpoints) addresses.push_back(endpoint.address);
  return addresses;
}

TEST(Connector, ANameStandsForEachOfItsAddressesOnce) {
  ConnectionOptions options = OptionsWith({"agw.example:7060", "127.0.0.2:7060", "127.0.0.2:7061"});
  options.allow_plaintext_beyond_loopback = true;
  ASSERT_OK_AND_ASSIGN(const Connector connector, Connector::Make(options, Resolve));
  ASSERT_OK_AND_ASSIGN(const std::vector<EndpointOrError> endpoints, connector.AgwEndpoints());
  EXPECT_THAT(AddressesOf(endpoints),
              ElementsAre("127.0.0.2:7060", "[::1]:7060", "127.0.0.2:7061"));
}

TEST(Connector, AnUnknownNameIsNoObstacleForTheOthers) {
  ConnectionOptions options = OptionsWith({"nobody.example:7060", "127.0.0.1:7060"});
  options.allow_plaintext_beyond_loopback = true;
  ASSERT_OK_AND_ASSIGN(const Connector connector, Connector::Make(options, Resolve));
  ASSERT_OK_AND_ASSIGN(const std::vector<EndpointOrError> endpoints, connector.AgwEndpoints());
  ASSERT_EQ(endpoints.size(), 2u);
  EXPECT_EQ(endpoints[0].address, "nobody.example:7060");
  EXPECT_THAT(endpoints[0].endpoint, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(endpoints[1].endpoint, IsOk());
}

TEST(Connector, PlaintextStaysOnLoopback) {
  ASSERT_OK_AND_ASSIGN(const Connector connector,
                       Connector::Make(OptionsWith({"192.0.2.1:7060"}), Resolve));
  EXPECT_THAT(connector.AgwEndpoints(),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--plaintext")));
  EXPECT_THAT(connector.AgwEndpointsAt("127.0.0.1:7060"), IsOk());
  EXPECT_THAT(connector.AgwEndpointsAt("127.0.0.1"), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Connector, TlsNeedsAllThreeFilesAndNamesThoseThatCannotBeUsed) {
  common::TestAuthority authority(testing::TempDir(), "ca");
  const ims::config::v1::MutualTls tls = authority.Issue("iqctl", {"DNS:iqctl.example"});
  ConnectionOptions options = OptionsWith({"192.0.2.1:7060"});
  options.ca_file = tls.ca_file();
  EXPECT_THAT(Connector::Make(options, Resolve),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--tls-cert, --tls-key")));
  options.certificate_file = tls.certificate_file();
  options.key_file = "/nowhere";
  EXPECT_THAT(Connector::Make(options, Resolve),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("--tls-key: ")));
  options.key_file = tls.key_file();
  ASSERT_OK_AND_ASSIGN(const Connector connector, Connector::Make(options, Resolve));
  EXPECT_THAT(connector.AgwEndpoints(), IsOk());
}

}  // namespace
}  // namespace iqctl
