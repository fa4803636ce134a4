#include "common/monotonic_time.h"

#include "gtest/gtest.h"

namespace common {
namespace {

TEST(MonotonicTime, IsOrderedAndMeasures) {
  const MonotonicTime now = MonotonicTime::Now();
  EXPECT_LT(now, now + absl::Nanoseconds(1));
  EXPECT_EQ((now + absl::Seconds(3)) - now, absl::Seconds(3));
  EXPECT_EQ(now - absl::Seconds(3) + absl::Seconds(3), now);
  EXPECT_GE(MonotonicTime::Now(), now);
}

TEST(MonotonicTime, InfinityStaysInfinite) {
  const MonotonicTime never = MonotonicTime::InfiniteFuture();
  EXPECT_EQ(never - absl::Hours(1), never);
  EXPECT_EQ(MonotonicTime() + absl::Hours(1), MonotonicTime::InfinitePast());
  EXPECT_EQ(never - MonotonicTime::Now(), absl::InfiniteDuration());
}

TEST(MonotonicTime, InfinityCanBeWaitedFor) {
  using Clock = std::chrono::steady_clock;
  EXPECT_GT(MonotonicTime::InfiniteFuture().ToChrono(),
            Clock::now() + std::chrono::hours(24 * 365));
  EXPECT_LT(MonotonicTime::InfinitePast().ToChrono(), Clock::now() - std::chrono::hours(24 * 365));
}

}  // namespace
}  // namespace common
