#include "iqctl/gateways.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "iqctl/testing/fake_agw.h"

namespace iqctl {
namespace {

using common::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kNobody[] = "127.0.0.1:1";

Connector ConnectorTo(std::vector<std::string> targets) {
  ConnectionOptions options;
  options.agw_targets = std::move(targets);
  options.timeout = absl::Seconds(10);
  return *Connector::Make(std::move(options));
}

std::vector<std::string> Describe(const std::vector<Gateway>& gateways) {
  std::vector<std::string> descriptions;
  for (const Gateway& gateway : gateways) {
    descriptions.push_back(gateway.status.instance_id() + "=" +
                           absl::StrJoin(gateway.addresses, "+"));
  }
  return descriptions;
}

TEST(Gateways, AddressesOfOneRunAreOneAndWhoDoesNotAnswerComesLast) {
  // One of two addresses, as two servers.
  FakeAgw b1("b", "run");
  FakeAgw b2("b", "run");
  FakeAgw a("a", "run");
  FakeAgw other_run("b", "other");
  ASSERT_OK_AND_ASSIGN(
      const std::vector<EndpointOrError> endpoints,
      ConnectorTo({kNobody, b1.address(), b2.address(), a.address(), other_run.address()})
          .AgwEndpoints());
  const std::vector<Gateway> gateways = AskAll(endpoints);
  std::vector<std::string> runs_of_b = {"b=" + b1.address() + "+" + b2.address(),
                                        "b=" + other_run.address()};
  if (other_run.address() < b1.address()) std::swap(runs_of_b[0], runs_of_b[1]);
  EXPECT_THAT(Describe(gateways), ElementsAre("a=" + a.address(), runs_of_b[0], runs_of_b[1],
                                              std::string("=") + kNobody));
  EXPECT_THAT(gateways.back().error, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ToReport(gateways.back()).failure().code(), "UNAVAILABLE");
  EXPECT_FALSE(ToReport(gateways.back()).has_status());
}

// Also where the name has an address of each family.
TEST(FindGateway, ANameOfWhichNoAddressAnswersIsUnavailable) {
  EXPECT_THAT(FindGateway(ConnectorTo({kNobody}), "localhost:1").status(),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(FindGateway, TakesIdsAndAddresses) {
  FakeAgw a("a", "run");
  FakeAgw b("b", "run");
  const Connector connector = ConnectorTo({a.address(), b.address()});
  ASSERT_OK_AND_ASSIGN(const Gateway by_id, FindGateway(connector, "b"));
  EXPECT_EQ(by_id.addresses.front(), b.address());
  ASSERT_OK_AND_ASSIGN(const Gateway by_address, FindGateway(connector, a.address()));
  EXPECT_EQ(by_address.Name(), "a at " + a.address());
  EXPECT_THAT(FindGateway(connector, kNobody), StatusIs(absl::StatusCode::kUnavailable));
}

TEST(FindGateway, TellsWhoIsNotThereFromWhoMayBe) {
  FakeAgw a("a", "run");
  EXPECT_THAT(FindGateway(ConnectorTo({a.address()}), "b"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("there are: a")));
  EXPECT_THAT(FindGateway(ConnectorTo({a.address(), kNobody}), "b"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not all do")));
  EXPECT_THAT(FindGateway(ConnectorTo({a.address(), kNobody}), "a"), common::IsOk());
}

TEST(FindGateway, AnIdThatTwoHaveIsNotEnough) {
  FakeAgw one("a", "one");
  FakeAgw two("a", "two");
  EXPECT_THAT(FindGateway(ConnectorTo({one.address(), two.address()}), "a"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(one.address())));
}

}  // namespace
}  // namespace iqctl
