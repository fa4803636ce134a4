#include "alg-service/session/gateway_choice.h"

#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "alg-service/session/session_id.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

Gateway MakeGateway(const std::string& instance_id, double load = 0, bool draining = false) {
  return {
      std::make_shared<const GatewayInfo>(GatewayInfo{instance_id, "run-1", draining, load, {}}),
      nullptr};
}

std::vector<Gateway> FourGateways() {
  return {MakeGateway("agw-0"), MakeGateway("agw-1"), MakeGateway("agw-2"), MakeGateway("agw-3")};
}

TEST(ChooseGateways, SpreadsRequestsEvenly) {
  std::map<std::string, int> counts;
  for (int i = 0; i < 4000; ++i) {
    const RequestKey key = MakeRequestKey(absl::StrCat("request-", i));
    ++counts[ChooseGateways(FourGateways(), key.hash, "")[0].info->instance_id];
  }
  ASSERT_EQ(counts.size(), 4u);
  for (const auto& [id, count] : counts) EXPECT_NEAR(count, 1000, 150) << id;
}

TEST(ChooseGateways, ARepeatedRequestGoesTheSameWay) {
  std::vector<Gateway> reversed = FourGateways();
  std::reverse(reversed.begin(), reversed.end());
  const uint64_t hash = MakeRequestKey("request-1").hash;
  EXPECT_EQ(ChooseGateways(FourGateways(), hash, "")[0].info->instance_id,
            ChooseGateways(reversed, hash, "")[0].info->instance_id);
}

TEST(ChooseGateways, OfTwoTheLessLoadedLeads) {
  for (int i = 0; i < 100; ++i) {
    const uint64_t hash = MakeRequestKey(absl::StrCat("request-", i)).hash;
    const std::vector<Gateway> chosen =
        ChooseGateways({MakeGateway("agw-0", 0.5), MakeGateway("agw-1", 0.1)}, hash, "");
    ASSERT_EQ(chosen.size(), 2u);
    EXPECT_EQ(chosen[0].info->instance_id, "agw-1");
  }
}

TEST(ChooseGateways, ADrainingOneIsTakenOnlyForWhatItHasAlready) {
  const std::vector<Gateway> gateways = {MakeGateway("agw-0", 0, true), MakeGateway("agw-1")};
  EXPECT_EQ(ChooseGateways(gateways, 1, "").size(), 1u);
  const std::vector<Gateway> chosen = ChooseGateways(gateways, 1, "agw-0");
  ASSERT_EQ(chosen.size(), 2u);
  EXPECT_EQ(chosen[0].info->instance_id, "agw-0");
}

}  // namespace
}  // namespace alg
