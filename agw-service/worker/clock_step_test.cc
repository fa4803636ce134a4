// The system's wall clock is set while timers run. Nothing may happen earlier or later for it.

#include <chrono>
#include <memory>
#include <thread>

#include "absl/time/time.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/realm/port_pool.h"
#include "common/testing/wall_clock.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using SteadyClock = std::chrono::steady_clock;
using WallClock = std::chrono::system_clock;

class ClockStepTest : public testing::Test {
 protected:
  ~ClockStepTest() override { Step(-stepped_); }

  void Step(absl::Duration step) {
    common::StepWallClock(step);
    stepped_ += step;
  }

 private:
  absl::Duration stepped_;
};

TEST_F(ClockStepTest, TheStepIsOfTheWallClockAlone) {
  // Not absl::Now(), which looks at the system's clock now and then only.
  const WallClock::time_point wall = WallClock::now();
  const SteadyClock::time_point monotonic = SteadyClock::now();
  Step(absl::Hours(10));
  EXPECT_GE(WallClock::now() - wall, std::chrono::hours(10));
  EXPECT_LT(SteadyClock::now() - monotonic, std::chrono::hours(1));
  Step(-absl::Hours(20));
  EXPECT_LT(WallClock::now(), wall);
}

TEST_F(ClockStepTest, AStepForwardFiresNoTimer) {
  EventLoop loop;
  bool fired = false;
  loop.AddTimer(loop.Now() + absl::Hours(1), [&] { fired = true; });
  Step(absl::Hours(2));
  loop.RunOnce(absl::ZeroDuration());
  EXPECT_FALSE(fired);
}

TEST_F(ClockStepTest, AStepBackDelaysNoTimer) {
  EventLoop loop;
  bool fired = false;
  loop.AddTimer(loop.Now() + absl::Milliseconds(20), [&] { fired = true; });
  Step(-absl::Hours(2));
  const SteadyClock::time_point begin = SteadyClock::now();
  while (!fired && SteadyClock::now() - begin < std::chrono::seconds(10)) {
    loop.RunOnce(absl::Milliseconds(100));
  }
  EXPECT_TRUE(fired);
}

TEST_F(ClockStepTest, APortRestsForItsWholeQuarantineAndNoLonger) {
  PortPool long_rest(5000, 5000, absl::Hours(1));
  PortPool short_rest(5000, 5000, absl::Milliseconds(20));
  long_rest.Lease();  // Returned at once.
  short_rest.Lease();
  Step(absl::Hours(2));
  EXPECT_FALSE(long_rest.Lease().has_value());
  Step(-absl::Hours(4));
  const SteadyClock::time_point begin = SteadyClock::now();
  while (short_rest.in_use() > 0 && SteadyClock::now() - begin < std::chrono::seconds(10)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(short_rest.in_use(), 0u);
}

}  // namespace
}  // namespace agw
