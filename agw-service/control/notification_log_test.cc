#include "agw-service/control/notification_log.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/mutex.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using ims::iq::v1::Notification;

constexpr absl::Duration kPatience = absl::Seconds(20);

Event EventOf(const std::string& context_id) {
  return Event{absl::UnixEpoch(), context_id, 0, absl::nullopt, HangingTermination{}};
}

// Counts how often it is called, and can be waited for.
class CountingWatcher : public NotificationLog::Watcher {
 public:
  void OnAppended() override {
    common::MutexLock lock(mutex_);
    ++call_count_;
    called_.notify_all();
  }

  int call_count() const {
    common::MutexLock lock(mutex_);
    return call_count_;
  }

  // Waits, at every call anew, until `condition` holds.
  template <typename Condition>
  void WaitUntil(Condition condition) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    common::MutexLock lock(mutex_);
    ASSERT_TRUE(called_.wait_for(mutex_, absl::ToChronoSeconds(kPatience), condition));
  }

 private:
  mutable common::Mutex mutex_;
  std::condition_variable_any called_;
  int call_count_ ABSL_GUARDED_BY(mutex_) = 0;
};

class NotificationLogTest : public testing::Test {
 protected:
  static constexpr size_t kCapacity = 4;

  NotificationLogTest() { log_->AddWatcher(watcher_); }
  ~NotificationLogTest() override {
    if (log_ != nullptr) log_->RemoveWatcher(watcher_);
  }

  void AppendAndWait(int count) {
    const uint64_t last = log_->last_sequence_number() + count;
    for (int i = 0; i < count; ++i) log_->Append(EventOf(absl::StrCat("c", i)));
    watcher_.WaitUntil([&] { return log_->last_sequence_number() == last; });
  }

  // What a client that has seen `sequence_number` is sent.
  std::vector<uint64_t> NumbersAfter(uint64_t sequence_number) {
    std::vector<uint64_t> numbers;
    while (const absl::optional<Notification> entry = log_->After(sequence_number)) {
      sequence_number = entry->sequence_number();
      numbers.push_back(sequence_number);
    }
    return numbers;
  }

  std::vector<Notification> observed_;  // Written by the log's thread; read when it has ended.
  CountingWatcher watcher_;
  std::unique_ptr<NotificationLog> log_ = std::make_unique<NotificationLog>(
      kCapacity, [this](const Notification& notification) { observed_.push_back(notification); });
};

TEST_F(NotificationLogTest, HasNothingAtFirst) {
  EXPECT_EQ(log_->last_sequence_number(), 0u);
  EXPECT_EQ(log_->After(0), absl::nullopt);
  EXPECT_EQ(log_->After(7), absl::nullopt);
}

TEST_F(NotificationLogTest, NumbersFromOneWithoutGapsInTheOrderOfAppending) {
  AppendAndWait(3);
  EXPECT_EQ(NumbersAfter(0), (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(log_->After(0)->termination().context_id(), "c0");
  EXPECT_EQ(log_->After(2)->termination().context_id(), "c2");
}

TEST_F(NotificationLogTest, EventsThatComeTogetherCostOneWakeUp) {
  for (int i = 1; i < 40; ++i) {
    log_->Append(EventOf("c"));
    absl::SleepFor(absl::Microseconds(50));  // Time enough for each to have one of its own.
  }
  log_->Append(EventOf("last"));
  watcher_.WaitUntil([&] { return log_->last_sequence_number() == 40; });
  EXPECT_LT(watcher_.call_count(), 20);  // Two at best; the test may be held up amid the events.
}

TEST_F(NotificationLogTest, ResumesBehindANumber) {
  AppendAndWait(4);
  EXPECT_EQ(NumbersAfter(2), (std::vector<uint64_t>{3, 4}));
  EXPECT_EQ(log_->After(4), absl::nullopt);
  EXPECT_EQ(log_->After(5), absl::nullopt);
}

TEST_F(NotificationLogTest, KeepsTheLastOnesAndShowsAGapToWhoAsksForOlder) {
  AppendAndWait(10);
  EXPECT_EQ(NumbersAfter(0), (std::vector<uint64_t>{7, 8, 9, 10}));
  EXPECT_EQ(NumbersAfter(6), (std::vector<uint64_t>{7, 8, 9, 10}));
  EXPECT_EQ(NumbersAfter(9), (std::vector<uint64_t>{10}));
}

TEST_F(NotificationLogTest, KeepsManyAndAnswersForEachOfThem) {
  constexpr size_t kMany = 300;
  NotificationLog log(kMany, [](const Notification&) {});
  log.AddWatcher(watcher_);
  for (size_t i = 1; i <= 2 * kMany; ++i) {
    Event event = EventOf(absl::StrCat("c", i));
    event.stream_id = i % 2;  // Only every other one has it.
    log.Append(std::move(event));
  }
  watcher_.WaitUntil([&] { return log.last_sequence_number() == 2 * kMany; });
  for (uint64_t number = 0; number < 2 * kMany; ++number) {
    const absl::optional<Notification> next = log.After(number);
    ASSERT_TRUE(next.has_value());
    EXPECT_EQ(next->sequence_number(), std::max<uint64_t>(number, kMany) + 1);
    EXPECT_EQ(next->termination().context_id(), absl::StrCat("c", next->sequence_number()));
    EXPECT_EQ(next->termination().stream_id(), next->sequence_number() % 2);
  }
  EXPECT_EQ(log.After(2 * kMany), absl::nullopt);
  log.RemoveWatcher(watcher_);
}

TEST_F(NotificationLogTest, ARemovedWatcherIsNotCalledAnyMore) {
  CountingWatcher other;
  log_->AddWatcher(other);
  AppendAndWait(1);
  other.WaitUntil([] { return true; });
  log_->RemoveWatcher(other);
  const int calls = other.call_count();
  AppendAndWait(3);
  EXPECT_EQ(other.call_count(), calls);
}

TEST_F(NotificationLogTest, TheObserverHasSeenEveryNotificationOnceWhenTheLogIsGone) {
  for (int i = 0; i < 1000; ++i) log_->Append(EventOf(absl::StrCat("c", i)));
  log_->RemoveWatcher(watcher_);
  log_.reset();
  ASSERT_EQ(observed_.size(), 1000u);
  for (size_t i = 0; i < observed_.size(); ++i) {
    EXPECT_EQ(observed_[i].sequence_number(), i + 1);
    EXPECT_EQ(observed_[i].termination().context_id(), absl::StrCat("c", i));
  }
}

TEST_F(NotificationLogTest, AnObserverThatStallsGrowsNoMemoryAndTheGapIsSeenAndCounted) {
  constexpr uint64_t kLimit = 16384;
  constexpr uint64_t kTooMany = 100;
  common::Mutex stall;
  std::atomic<uint64_t> observed_count{0};
  stall.Lock();
  NotificationLog log(kCapacity, [&](const Notification&) {
    ++observed_count;
    common::MutexLock lock(stall);
  });
  log.AddWatcher(watcher_);
  log.Append(EventOf("first"));
  while (observed_count == 0) std::this_thread::yield();
  for (uint64_t i = 0; i < kLimit + kTooMany; ++i) log.Append(EventOf("c"));
  stall.Unlock();

  const uint64_t last = 1 + kLimit + kTooMany;
  watcher_.WaitUntil([&] { return log.last_sequence_number() == last; });
  EXPECT_EQ(log.dropped_count(), kTooMany);
  EXPECT_EQ(observed_count, 1 + kLimit);
  EXPECT_EQ(log.After(0)->sequence_number(), last - kCapacity + 1);
  log.RemoveWatcher(watcher_);
}

TEST_F(NotificationLogTest, LosesNothingOfManyThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < kEach; ++i) log_->Append(EventOf(absl::StrCat("c", t)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  watcher_.WaitUntil([&] { return log_->last_sequence_number() == kThreads * kEach; });
  log_->RemoveWatcher(watcher_);
  log_.reset();
  EXPECT_EQ(observed_.size(), size_t{kThreads * kEach});
}

}  // namespace
}  // namespace agw
