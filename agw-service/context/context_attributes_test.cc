// Emergency calls and priority: which terminations may use what is kept for them.

#include "absl/types/optional.h"
#include "agw-service/context/context.h"
#include "agw-service/context/testing/context_harness.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::ErrorReasonOf;
using common::IsOk;

constexpr ContextAttributes kEmergency{.emergency_call = true, .priority = 0};
constexpr ContextAttributes kUrgent{.emergency_call = false, .priority = 1};

class ContextAttributesTest : public testing::Test {
 protected:
  ContextAttributesTest() {
    // All that is left of the ports is kept.
    for (const IpRealm& realm : harness_.resources().realms.realms()) {
      PortPool& ports = *realm.addresses[0].ports;
      ports.SetShares({.kept_count = ports.total()});
    }
  }

  absl::Status Reserve(Side side, const absl::optional<ContextAttributes>& attributes) {
    return harness_.context().ReserveConnectionPoint({1, side}, {}, absl::nullopt, {},
                                                     absl::nullopt, attributes);
  }

  ContextHarness harness_;
};

TEST_F(ContextAttributesTest, KeptPortsAreForEmergencyCallsAndForAnyPriority) {
  EXPECT_EQ(ErrorReasonOf(Reserve(Side::kAccess, absl::nullopt)), "NO_FREE_PORT");
  EXPECT_EQ(ErrorReasonOf(Reserve(Side::kAccess, ContextAttributes())), "NO_FREE_PORT");
  EXPECT_THAT(Reserve(Side::kAccess, kEmergency), IsOk());
  harness_.Renew();
  EXPECT_THAT(Reserve(Side::kAccess, kUrgent), IsOk());
}

TEST_F(ContextAttributesTest, LaterTerminationsOfSuchAContextMayUseThemToo) {
  ASSERT_THAT(Reserve(Side::kAccess, kUrgent), IsOk());
  EXPECT_THAT(Reserve(Side::kCore, absl::nullopt), IsOk());
  EXPECT_EQ(harness_.context().attributes().priority, 1u);
}

TEST_F(ContextAttributesTest, AContextThatHasLostThemMayNot) {
  ASSERT_THAT(Reserve(Side::kAccess, kUrgent), IsOk());
  ASSERT_THAT(harness_.context().ConfigureConnectionPoint({1, Side::kAccess}, {}, {}, absl::nullopt,
                                                          ContextAttributes()),
              IsOk());
  EXPECT_EQ(ErrorReasonOf(Reserve(Side::kCore, absl::nullopt)), "NO_FREE_PORT");
}

TEST_F(ContextAttributesTest, ACallThatFailsLeavesThemAsTheyAre) {
  ASSERT_THAT(Reserve(Side::kAccess, kUrgent), IsOk());
  EXPECT_EQ(ErrorReasonOf(Reserve(Side::kAccess, kEmergency)), "TERMINATION_EXISTS");
  EXPECT_EQ(ErrorReasonOf(Reserve(Side::kCore, ContextAttributes())), "NO_FREE_PORT");
  EXPECT_FALSE(harness_.context().attributes().emergency_call);
  EXPECT_EQ(harness_.context().attributes().priority, 1u);
}

}  // namespace
}  // namespace agw
