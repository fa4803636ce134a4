#include "agw-service/net/event_loop.h"

#include <fcntl.h>

#include <array>
#include <thread>
#include <vector>

#include "common/monotonic_time.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

// A pipe whose reading end is registered; calls `on_ready`.
class Pipe : public ReadinessHandler {
 public:
  explicit Pipe(EventLoop& loop) : loop_(loop) {
    std::array<int, 2> ends;
    EXPECT_EQ(pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC), 0);
    read_.reset(ends[0]);
    write_.reset(ends[1]);
    EXPECT_TRUE(loop_.Add(read_.get(), *this).ok());
    loop_.SetInterest(read_.get(), true, false);
  }
  ~Pipe() { Close(); }

  void Close() {
    if (!read_) return;
    loop_.Remove(read_.get());
    read_.reset();
  }
  int fd() const { return read_.get(); }
  void MakeReadable() { EXPECT_EQ(write(write_.get(), "x", 1), 1); }
  void CloseWriter() { write_.reset(); }

  void OnReady(const Readiness& readiness) override {
    last = readiness;
    ++calls;
    if (on_ready) on_ready();
  }

  absl::AnyInvocable<void()> on_ready;
  Readiness last;
  int calls = 0;

 private:
  EventLoop& loop_;
  OwnedFd read_;
  OwnedFd write_;
};

class EventLoopTest : public testing::Test {
 protected:
  common::MonotonicTime now_ = common::MonotonicTime::Now();
  EventLoop loop_{[this] { return now_; }};
};

TEST_F(EventLoopTest, ReportsReadinessForAsLongAsItLasts) {
  Pipe pipe(loop_);
  loop_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(pipe.calls, 0);
  pipe.MakeReadable();
  loop_.RunOnce(absl::ZeroDuration());
  loop_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(pipe.calls, 2);
  EXPECT_TRUE(pipe.last.readable);
}

TEST_F(EventLoopTest, ReportsABrokenDescriptorWithoutAnyInterest) {
  Pipe pipe(loop_);
  pipe.CloseWriter();
  loop_.RunOnce(absl::ZeroDuration());
  EXPECT_TRUE(pipe.last.broken);
}

TEST_F(EventLoopTest, AMutedDescriptorIsSilentUntilThereIsAnInterestAgain) {
  Pipe pipe(loop_);
  pipe.CloseWriter();
  loop_.Mute(pipe.fd());
  loop_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(pipe.calls, 0);
  loop_.SetInterest(pipe.fd(), true, false);
  loop_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(pipe.calls, 1);
}

TEST_F(EventLoopTest, DoesNotCallAHandlerThatAnotherOneRemovedInTheSameTurn) {
  Pipe first(loop_);
  Pipe second(loop_);
  first.on_ready = [&] { second.Close(); };
  second.on_ready = [&] { first.Close(); };
  first.MakeReadable();
  second.MakeReadable();
  loop_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(first.calls + second.calls, 1);
}

TEST_F(EventLoopTest, RunsTimersInOrderWhenTheyAreDue) {
  std::vector<int> fired;
  loop_.AddTimer(now_ + absl::Seconds(2), [&] { fired.push_back(2); });
  loop_.AddTimer(now_ + absl::Seconds(1), [&] { fired.push_back(1); });
  loop_.RunOnce(absl::ZeroDuration());
  EXPECT_TRUE(fired.empty());
  now_ += absl::Seconds(3);
  loop_.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(fired, (std::vector<int>{1, 2}));
}

TEST_F(EventLoopTest, DoesNotRunACancelledTimer) {
  bool fired = false;
  EventLoop::TimerId victim = 0;
  loop_.AddTimer(now_, [&] { loop_.CancelTimer(victim); });
  victim = loop_.AddTimer(now_ + absl::Seconds(1), [&] { fired = true; });
  now_ += absl::Seconds(2);
  loop_.RunOnce(absl::ZeroDuration());
  EXPECT_FALSE(fired);
  EXPECT_EQ(victim, 0u);
}

TEST_F(EventLoopTest, RunsWhatAnotherThreadPosted) {
  bool ran = false;
  std::thread other([&] {
    loop_.Post([&] { ran = true; });
    loop_.Post([&] { loop_.Stop(); });
  });
  loop_.Run();
  other.join();
  EXPECT_TRUE(ran);
}

TEST_F(EventLoopTest, TimeStandsStillDuringATurn) {
  const common::MonotonicTime begin = now_;
  common::MonotonicTime seen;
  loop_.AddTimer(now_, [&] {
    now_ += absl::Seconds(5);
    seen = loop_.Now();
  });
  loop_.RunOnce(absl::ZeroDuration());
  EXPECT_TRUE(seen == begin);
}

}  // namespace
}  // namespace agw
