#include "alg-service/offer_answer/setup_role.h"

#include <ostream>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace alg {
namespace {

using OptionalSetup = absl::optional<Setup>;
constexpr OptionalSetup kAbsent = absl::nullopt;
constexpr OptionalSetup kSetups[] = {kAbsent, Setup::kActive, Setup::kPassive, Setup::kActpass,
                                     Setup::kHoldconn};

enum class Outcome { kUeConnects, kCorePeerConnects, kIllegal };

struct RoleCase {
  std::string name;
  OptionalSetup offer;
  OptionalSetup answer;
  Outcome outcome;
};

void PrintTo(const RoleCase& test, std::ostream* out) { *out << test.name; }

class RolesTest : public testing::TestWithParam<RoleCase> {};

TEST_P(RolesTest, FollowFromOfferAndAnswer) {
  const absl::optional<StreamRoles> roles = RolesOf(GetParam().offer, GetParam().answer);
  if (GetParam().outcome == Outcome::kIllegal) {
    EXPECT_EQ(roles, absl::nullopt);
    return;
  }
  ASSERT_TRUE(roles.has_value());
  if (GetParam().outcome == Outcome::kUeConnects) {
    EXPECT_EQ(roles->access_tcp, ConnectionRole::kServer);
    EXPECT_EQ(roles->access_tls, ConnectionRole::kServer);
    EXPECT_EQ(roles->core_tcp, ConnectionRole::kClient);
    EXPECT_EQ(roles->interlinkage, InterlinkageDirection::kAccessToCore);
    EXPECT_EQ(roles->setup_to_core, Setup::kActive);
  } else {
    EXPECT_EQ(roles->access_tcp, ConnectionRole::kClient);
    EXPECT_EQ(roles->access_tls, ConnectionRole::kClient);
    EXPECT_EQ(roles->core_tcp, ConnectionRole::kServer);
    EXPECT_EQ(roles->interlinkage, InterlinkageDirection::kCoreToAccess);
    EXPECT_EQ(roles->setup_to_core, Setup::kPassive);
  }
}

INSTANTIATE_TEST_SUITE_P(
    R_ALG_21, RolesTest,
    testing::ValuesIn(std::vector<RoleCase>{
        {"TS_01_ActpassActive", Setup::kActpass, Setup::kActive, Outcome::kUeConnects},
        {"TS_03_ActpassPassive", Setup::kActpass, Setup::kPassive, Outcome::kCorePeerConnects},
        {"R_SDP_20_ActpassAbsent", Setup::kActpass, kAbsent, Outcome::kCorePeerConnects},
        {"R_SDP_31_ActpassHoldconn", Setup::kActpass, Setup::kHoldconn, Outcome::kCorePeerConnects},
        {"TS_33_ActpassActpass", Setup::kActpass, Setup::kActpass, Outcome::kIllegal},
        {"TS_04_ActivePassive", Setup::kActive, Setup::kPassive, Outcome::kCorePeerConnects},
        {"ActiveAbsent", Setup::kActive, kAbsent, Outcome::kCorePeerConnects},
        {"R_ALG_25_ActiveActive", Setup::kActive, Setup::kActive, Outcome::kIllegal},
        {"ActiveActpass", Setup::kActive, Setup::kActpass, Outcome::kIllegal},
        {"R_SDP_20_AbsentPassive", kAbsent, Setup::kPassive, Outcome::kCorePeerConnects},
        {"AbsentAbsent", kAbsent, kAbsent, Outcome::kCorePeerConnects},
        {"R_ALG_25_AbsentActive", kAbsent, Setup::kActive, Outcome::kIllegal},
        {"A_04_PassiveActive", Setup::kPassive, Setup::kActive, Outcome::kUeConnects},
        {"R_ALG_26_PassivePassive", Setup::kPassive, Setup::kPassive, Outcome::kIllegal},
        {"R_ALG_26_PassiveAbsent", Setup::kPassive, kAbsent, Outcome::kIllegal},
        {"PassiveActpass", Setup::kPassive, Setup::kActpass, Outcome::kIllegal},
        {"R_SDP_31_HoldconnPassive", Setup::kHoldconn, Setup::kPassive, Outcome::kCorePeerConnects},
        {"R_SDP_31_HoldconnActive", Setup::kHoldconn, Setup::kActive, Outcome::kIllegal},
    }),
    [](const testing::TestParamInfo<RoleCase>& info) { return info.param.name; });

TEST(Roles, R_ALG_26_TheImsAgwNeverConnectsOnBothSides) {
  for (const OptionalSetup& offer : kSetups) {
    for (const OptionalSetup& answer : kSetups) {
      const absl::optional<StreamRoles> roles = RolesOf(offer, answer);
      if (!roles.has_value()) continue;
      EXPECT_NE(roles->access_tcp, roles->core_tcp);
      EXPECT_EQ(roles->access_tcp, roles->access_tls);  // R-TLS-08
    }
  }
}

TEST(Interlinkage, R_ALG_23_MayBeArmedOnlyIfTheUeMayConnect) {
  EXPECT_TRUE(MayArmAccessToCore(Setup::kActpass));
  EXPECT_TRUE(MayArmAccessToCore(Setup::kPassive));
  EXPECT_FALSE(MayArmAccessToCore(Setup::kActive));
  EXPECT_FALSE(MayArmAccessToCore(Setup::kHoldconn));
  EXPECT_FALSE(MayArmAccessToCore(kAbsent));
}

}  // namespace
}  // namespace alg
