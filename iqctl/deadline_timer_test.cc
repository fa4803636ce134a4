#include "iqctl/deadline_timer.h"

#include <future>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace iqctl {
namespace {

using common::MonotonicTime;

TEST(DeadlineTimer, ActsWhenTheTimeHasCome) {
  std::promise<void> acted;
  const DeadlineTimer timer(MonotonicTime::Now() + absl::Milliseconds(1),
                            [&acted] { acted.set_value(); });
  acted.get_future().wait();
  EXPECT_TRUE(timer.has_fired());
}

TEST(DeadlineTimer, DoesNothingOnceItIsGone) {
  bool acted = false;
  {
    const DeadlineTimer timer(MonotonicTime::InfiniteFuture(), [&acted] { acted = true; });
    EXPECT_FALSE(timer.has_fired());
  }
  EXPECT_FALSE(acted);
}

}  // namespace
}  // namespace iqctl
