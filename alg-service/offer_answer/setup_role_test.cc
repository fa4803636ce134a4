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

enum class Outcome { kAnswererConnects, kOffererConnects, kIllegal };

struct RoleCase {
  std::string name;
  OptionalSetup offer;
  OptionalSetup answer;
  Outcome outcome;
};

void PrintTo(const RoleCase& test, std::ostream* out) { *out << test.name; }

class RolesTest : public testing::TestWithParam<RoleCase> {};

// Every row, with the offerer on either side: what the answerer's connection is to T1 if the UE
// answers, it is to T2 if the core does.
TEST_P(RolesTest, FollowFromOfferAndAnswerOfMsrp) {
  for (Side offerer : {Side::kCore, Side::kAccess}) {
    SCOPED_TRACE(offerer == Side::kCore ? "terminating" : "originating");
    const absl::optional<StreamRoles> roles =
        RolesOf(offerer, MediaKind::kMsrp, GetParam().offer, GetParam().answer);
    if (GetParam().outcome == Outcome::kIllegal) {
      EXPECT_EQ(roles, absl::nullopt);
      continue;
    }
    ASSERT_TRUE(roles.has_value());
    const bool answerer_connects = GetParam().outcome == Outcome::kAnswererConnects;
    const bool ue_connects = answerer_connects == (offerer == Side::kCore);
    const ConnectionRole access = ue_connects ? ConnectionRole::kServer : ConnectionRole::kClient;
    EXPECT_EQ(roles->access_tcp, access);
    EXPECT_EQ(roles->access_tls, access);  // R-TLS-08
    EXPECT_EQ(roles->core_tcp, ue_connects ? ConnectionRole::kClient : ConnectionRole::kServer);
    EXPECT_EQ(roles->setup_to_offerer, answerer_connects ? Setup::kActive : Setup::kPassive);
  }
}

INSTANTIATE_TEST_SUITE_P(
    R_ALG_21, RolesTest,
    testing::ValuesIn(std::vector<RoleCase>{
        {"TS_01_ActpassActive", Setup::kActpass, Setup::kActive, Outcome::kAnswererConnects},
        {"TS_03_ActpassPassive", Setup::kActpass, Setup::kPassive, Outcome::kOffererConnects},
        {"R_SDP_20_ActpassAbsent", Setup::kActpass, kAbsent, Outcome::kOffererConnects},
        {"R_SDP_31_ActpassHoldconn", Setup::kActpass, Setup::kHoldconn, Outcome::kOffererConnects},
        {"TS_33_ActpassActpass", Setup::kActpass, Setup::kActpass, Outcome::kIllegal},
        {"TS_04_ActivePassive", Setup::kActive, Setup::kPassive, Outcome::kOffererConnects},
        {"ActiveAbsent", Setup::kActive, kAbsent, Outcome::kOffererConnects},
        {"R_ALG_25_ActiveActive", Setup::kActive, Setup::kActive, Outcome::kIllegal},
        {"ActiveActpass", Setup::kActive, Setup::kActpass, Outcome::kIllegal},
        {"R_SDP_20_AbsentPassive", kAbsent, Setup::kPassive, Outcome::kOffererConnects},
        {"AbsentAbsent", kAbsent, kAbsent, Outcome::kOffererConnects},
        {"R_ALG_25_AbsentActive", kAbsent, Setup::kActive, Outcome::kIllegal},
        {"A_04_PassiveActive", Setup::kPassive, Setup::kActive, Outcome::kAnswererConnects},
        {"R_ALG_26_PassivePassive", Setup::kPassive, Setup::kPassive, Outcome::kIllegal},
        {"R_ALG_26_PassiveAbsent", Setup::kPassive, kAbsent, Outcome::kIllegal},
        {"PassiveActpass", Setup::kPassive, Setup::kActpass, Outcome::kIllegal},
        {"R_SDP_31_HoldconnPassive", Setup::kHoldconn, Setup::kPassive, Outcome::kOffererConnects},
        {"R_SDP_31_HoldconnActive", Setup::kHoldconn, Setup::kActive, Outcome::kIllegal},
    }),
    [](const testing::TestParamInfo<RoleCase>& info) { return info.param.name; });

struct BfcpCase {
  Side offerer;
  Setup offer;
  Setup answer;
  StreamRoles roles;
};

TEST(Roles, R_BFCP_02_TS_23_TheAnswererIsTheTlsServerWhoeverConnects) {
  constexpr ConnectionRole kServer = ConnectionRole::kServer;
  constexpr ConnectionRole kClient = ConnectionRole::kClient;
  // {T1's TCP, T1's TLS, T2's TCP, "a=setup" to the offerer}. The UE answers: T1 is the TLS client.
  const std::vector<BfcpCase> cases = {
      {Side::kCore, Setup::kActpass, Setup::kActive, {kServer, kClient, kClient, Setup::kActive}},
      {Side::kCore, Setup::kActpass, Setup::kPassive, {kClient, kClient, kServer, Setup::kPassive}},
      {Side::kCore, Setup::kActive, Setup::kPassive, {kClient, kClient, kServer, Setup::kPassive}},
      {Side::kCore, Setup::kPassive, Setup::kActive, {kServer, kClient, kClient, Setup::kActive}},
      {Side::kAccess, Setup::kActpass, Setup::kActive, {kClient, kServer, kServer, Setup::kActive}},
      {Side::kAccess,
       Setup::kActpass,
       Setup::kPassive,
       {kServer, kServer, kClient, Setup::kPassive}},
      {Side::kAccess,
       Setup::kActive,
       Setup::kPassive,
       {kServer, kServer, kClient, Setup::kPassive}},
      {Side::kAccess, Setup::kPassive, Setup::kActive, {kClient, kServer, kServer, Setup::kActive}},
  };
  for (const BfcpCase& test : cases) {
    EXPECT_EQ(RolesOf(test.offerer, MediaKind::kBfcp, test.offer, test.answer), test.roles)
        << ToString(test.offer) << " " << ToString(test.answer);
  }
}

TEST(Roles, HoldconnOfBfcpConnectsNobody) {
  for (Side offerer : {Side::kCore, Side::kAccess}) {
    EXPECT_EQ(RolesOf(offerer, MediaKind::kBfcp, Setup::kHoldconn, Setup::kHoldconn),
              absl::nullopt);
    EXPECT_EQ(RolesOf(offerer, MediaKind::kBfcp, Setup::kActpass, Setup::kHoldconn), absl::nullopt);
    EXPECT_EQ(RolesOf(offerer, MediaKind::kBfcp, kAbsent, kAbsent)->setup_to_offerer,
              Setup::kPassive);
  }
}

TEST(Roles, R_ALG_26_TheImsAgwNeverConnectsOnBothSides) {
  for (Side offerer : {Side::kCore, Side::kAccess}) {
    for (MediaKind kind : {MediaKind::kMsrp, MediaKind::kBfcp}) {
      for (const OptionalSetup& offer : kSetups) {
        for (const OptionalSetup& answer : kSetups) {
          const absl::optional<StreamRoles> roles = RolesOf(offerer, kind, offer, answer);
          if (!roles.has_value()) continue;
          EXPECT_NE(roles->access_tcp, roles->core_tcp);
        }
      }
    }
  }
}

TEST(Interlinkage, R_ALG_23_MayBeArmedOnlyIfTheAnswererMayConnect) {
  for (MediaKind kind : {MediaKind::kMsrp, MediaKind::kBfcp}) {
    EXPECT_TRUE(AnswererMayConnect(kind, Setup::kActpass));
    EXPECT_TRUE(AnswererMayConnect(kind, Setup::kPassive));
    EXPECT_FALSE(AnswererMayConnect(kind, Setup::kActive));
    EXPECT_FALSE(AnswererMayConnect(kind, Setup::kHoldconn));
    EXPECT_FALSE(AnswererMayConnect(kind, kAbsent));
  }
}

}  // namespace
}  // namespace alg
