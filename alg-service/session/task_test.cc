#include "alg-service/session/task.h"

#include <memory>
#include <thread>
#include <vector>

#include "alg-service/session/running_procedures.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

template <typename T, typename Done>
void Deliver(Task<T> task, Done done) {
  alg::Deliver(std::make_shared<RunningProcedures>(), nullptr, std::move(task), std::move(done));
}

Task<int> Immediately(int value) { co_return value; }

Task<int> After(Event& event, int value) {
  co_await event;
  co_return value;
}

// The result of a task that has to have ended.
template <typename T>
T ResultOf(Task<T> task) {
  EXPECT_TRUE(task.ended());
  absl::optional<T> result;
  Deliver(std::move(task), [&result](T value) { result.emplace(std::move(value)); });
  return *std::move(result);
}

TEST(Task, WhatNeedNotWaitHasEndedWhenTheCallReturns) {
  EXPECT_TRUE(Immediately(1).ended());
  EXPECT_EQ(ResultOf(Immediately(7)), 7);
}

TEST(Task, WaitsForAnEvent) {
  Event event;
  Task<int> task = After(event, 7);
  EXPECT_FALSE(task.ended());
  event.Set();
  EXPECT_TRUE(task.ended());
  EXPECT_EQ(ResultOf(std::move(task)), 7);
}

TEST(Task, AnEventThatHasHappenedIsNotWaitedFor) {
  Event event;
  event.Set();
  event.Set();
  EXPECT_EQ(ResultOf(After(event, 7)), 7);
}

Task<int> SumOf(Event& first, Event& second) {
  Task<int> one = After(first, 1);
  Task<int> two = After(second, 2);
  co_return co_await one + co_await two;
}

TEST(Task, SeveralAreAwaitedAtOnceInWhateverOrderTheyEnd) {
  for (const bool in_order : {true, false}) {
    Event first, second;
    Task<int> sum = SumOf(first, second);
    (in_order ? first : second).Set();
    EXPECT_FALSE(sum.ended());
    (in_order ? second : first).Set();
    EXPECT_EQ(ResultOf(std::move(sum)), 3);
  }
}

Task<std::thread::id> ThreadAfter(Event& event) {
  co_await event;
  co_return std::this_thread::get_id();
}

TEST(Task, GoesOnOnTheThreadThatEndsTheWait) {
  Event event;
  Task<std::thread::id> task = ThreadAfter(event);
  std::thread other([&event] { event.Set(); });
  const std::thread::id other_id = other.get_id();
  other.join();
  EXPECT_EQ(ResultOf(std::move(task)), other_id);
}

// Where on the stack it runs.
Task<uintptr_t> StackAddress() {
  co_return reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
}

Task<size_t> LargestStackUse(int count, Event& start) {
  co_await start;
  const uintptr_t first = co_await StackAddress();
  size_t largest = 0;
  for (int i = 1; i < count; ++i) {
    const uintptr_t address = co_await StackAddress();
    largest = std::max(largest, address > first ? address - first : first - address);
  }
  co_return largest;
}

TEST(Task, AnswersThatComeAtOnceDoNotPileUpOnTheStack) {
  Event start;
  Task<size_t> task = LargestStackUse(100'000, start);
  start.Set();
  EXPECT_LT(ResultOf(std::move(task)), 1024u);
}

struct Counted {
  explicit Counted(int& count) : count(count) { ++count; }
  ~Counted() { --count; }
  int& count;
};

Task<std::unique_ptr<int>> WithParameter(std::unique_ptr<Counted> /*counted*/, Event& event) {
  co_await event;
  co_return std::make_unique<int>(7);
}

TEST(Task, KeepsItsParametersAndFreesThemWithItself) {
  int count = 0;
  Event event;
  std::unique_ptr<int> result;
  Deliver(WithParameter(std::make_unique<Counted>(count), event),
          [&result](std::unique_ptr<int> value) { result = std::move(value); });
  EXPECT_EQ(count, 1);
  event.Set();
  EXPECT_EQ(count, 0);
  ASSERT_NE(result, nullptr);
  EXPECT_EQ(*result, 7);
}

TEST(Task, ADetachedOneRunsToItsEnd) {
  int count = 0;
  auto event = std::make_shared<Event>();
  Deliver(WithParameter(std::make_unique<Counted>(count), *event), [](auto) {});
  EXPECT_EQ(count, 1);
  event->Set();
  EXPECT_EQ(count, 0);
}

// The event is the coroutine's own, as that of a call is: gone as soon as the coroutine goes on.
Task<int> AwaitAThread(std::vector<std::thread>& threads, int value) {
  Event event;
  int result = 0;
  threads.emplace_back([&event, &result, value] {
    result = value;
    event.Set();
  });
  co_await event;
  co_return result;
}

Task<int> SumOfThreads(std::vector<std::thread>& threads, int count) {
  std::vector<Task<int>> tasks;
  for (int i = 1; i <= count; ++i) tasks.push_back(AwaitAThread(threads, i));
  int sum = 0;
  for (const Task<int>& task : tasks) sum += co_await task;
  co_return sum;
}

TEST(Task, ManyThreadsMayEndWhatIsWaitedFor) {
  for (int round = 0; round < 50; ++round) {
    std::vector<std::thread> threads;
    threads.reserve(8);
    Event ended;
    int sum = 0;
    Deliver(SumOfThreads(threads, 8), [&](int result) {
      sum = result;
      ended.Set();
    });
    for (std::thread& thread : threads) thread.join();
    ASSERT_TRUE(ended.happened());
    EXPECT_EQ(sum, 36);
  }
}

TEST(TaskDeathTest, OneThatIsForgottenWhileItRunsEndsTheProcess) {
  EXPECT_DEATH(
      {
        Event event;
        (void)After(event, 7);
      },
      "CHECK failed");
}

}  // namespace
}  // namespace alg
