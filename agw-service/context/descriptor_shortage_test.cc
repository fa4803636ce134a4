// What happens at a connection point when the process has no file descriptor left.

#include <fcntl.h>
#include <sys/resource.h>

#include "agw-service/context/context.h"
#include "agw-service/context/testing/loopback_session.h"
#include "common/check.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using State = Termination::State;

// While it lives, only `count` more descriptors can be opened.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t count) {
    CHECK(getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const OwnedFd lowest(open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit limit = before_;
    limit.rlim_cur = lowest.get() + count;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  ~DescriptorLimit() { CHECK(setrlimit(RLIMIT_NOFILE, &before_) == 0); }

 private:
  rlimit before_;
};

int ShortageCount(LoopbackSession& session) {
  int count = 0;
  for (const Event& event : session.harness().events()) {
    count += absl::holds_alternative<DescriptorShortage>(event.kind);
  }
  return count;
}

TEST(DescriptorShortageTest, DelaysAConnectionAndFailsNothing) {
  LoopbackSession session(/*tls=*/true);
  session.Reserve(/*triggered=*/true);
  session.ConnectUe();
  {
    const DescriptorLimit limit(0);
    session.RunUntil([&] { return ShortageCount(session) > 0; });
    EXPECT_TRUE(session.AtRest());
    // It tries again, and again, and says so once.
    for (int i = 0; i < 5; ++i) {
      session.harness().SkipTime(absl::Seconds(1));
      session.RunQuietTurns();
    }
    EXPECT_TRUE(session.AtRest());
    EXPECT_EQ(ShortageCount(session), 1);
    EXPECT_EQ(session.harness().Last<TcpFailed>(), nullptr);
    EXPECT_EQ(session.StateOf(Side::kAccess), State::kIdle);
  }
  session.harness().SkipTime(absl::Seconds(3));
  session.AcceptCore();
  session.RunUntil([&] {
    return session.StateOf(Side::kAccess) == State::kEstablished &&
           session.StateOf(Side::kCore) == State::kEstablished;
  });
}

TEST(DescriptorShortageTest, OfASurplusConnectionDoesNotTouchTheEstablishedOne) {
  LoopbackSession session(/*tls=*/false);
  session.Reserve(/*triggered=*/true);
  session.ConnectUe();
  // Both wait before either is accepted.
  const OwnedFd surplus = ContextHarness::Connect(ContextHarness::kUeAddress,
                                                  session.harness().LocalAddressOf(Side::kAccess));
  {
    const DescriptorLimit limit(1);
    session.RunUntil([&] {
      return ShortageCount(session) > 0 && session.StateOf(Side::kAccess) == State::kEstablished &&
             session.StateOf(Side::kCore) == State::kEstablished;
    });
    for (int i = 0; i < 5; ++i) {
      session.harness().SkipTime(absl::Seconds(1));
      session.RunQuietTurns();
    }
    EXPECT_EQ(session.StateOf(Side::kAccess), State::kEstablished);
    EXPECT_EQ(session.harness().Last<TcpFailed>(), nullptr);
  }
  session.harness().SkipTime(absl::Seconds(3));
  session.RunUntil([&] {
    char octet;
    return !Recv(surplus.get(), {&octet, 1}).ok();  // Reset.
  });
  session.AcceptCore();
  session.ue().Send("hello");
  session.RunUntil([&] { return session.core().received() == "hello"; });
}

}  // namespace
}  // namespace agw
