#include "alg-service/session/timers.h"

#include <memory>
#include <vector>

#include "alg-service/session/running_procedures.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

template <typename T, typename Done>
void Deliver(Task<T> task, Done done) {
  alg::Deliver(std::make_shared<RunningProcedures>(), nullptr, std::move(task), std::move(done));
}

TEST(ThreadTimers, CallInTheOrderOfTheirTimesAndNotBefore) {
  ThreadTimers timers;
  const common::MonotonicTime start = common::MonotonicTime::Now();
  common::Mutex mutex;
  std::condition_variable_any called;
  std::vector<int> order;
  for (const int delay : {30, 10, 20}) {
    timers.Start(absl::Milliseconds(delay), [&, delay] {
      common::MutexLock lock(mutex);
      order.push_back(delay);
      called.notify_one();
    });
  }
  common::MutexLock lock(mutex);
  while (order.size() < 3) called.wait(mutex);
  EXPECT_EQ(order, (std::vector<int>{10, 20, 30}));
  EXPECT_GE(common::MonotonicTime::Now() - start, absl::Milliseconds(30));
}

TEST(ThreadTimers, StoppingEndsEveryWait) {
  auto timers = std::make_shared<ThreadTimers>();
  Task<bool> sleep = Sleep(timers, absl::Hours(1));
  EXPECT_FALSE(sleep.ended());
  timers->Stop();
  ASSERT_TRUE(sleep.ended());
  bool slept = true;
  Deliver(std::move(sleep), [&slept](bool result) { slept = result; });
  EXPECT_FALSE(slept);
  EXPECT_TRUE(Sleep(timers, absl::Hours(1)).ended());
}

TEST(ThreadTimers, WhatIsDueMayStartMore) {
  auto timers = std::make_shared<ThreadTimers>();
  auto sleeps = [](std::shared_ptr<ThreadTimers> timers) -> Task<int> {
    int count = 0;
    while (count < 3 && co_await Sleep(timers, absl::Milliseconds(1))) ++count;
    co_return count;
  };
  common::Mutex mutex;
  std::condition_variable_any done;
  int count = -1;
  Deliver(sleeps(timers), [&](int result) {
    common::MutexLock lock(mutex);
    count = result;
    done.notify_one();
  });
  common::MutexLock lock(mutex);
  while (count < 0) done.wait(mutex);
  EXPECT_EQ(count, 3);
}

}  // namespace
}  // namespace alg
