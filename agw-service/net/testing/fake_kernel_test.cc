// What the fake kernel does is what the real one does: each test runs on both.

#include "agw-service/net/testing/fake_kernel.h"

#include <poll.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/owned_fd.h"
#include "agw-service/net/socket.h"
#include "agw-service/net/syn_gate.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IpAddress;
using common::IsOk;
using common::StatusIs;
using common::TransportAddress;

class BothKernelsTest : public testing::TestWithParam<bool> {
 protected:
  BothKernelsTest() {
    if (GetParam()) kernel_ = std::make_unique<FakeKernel>();
    listener_ = *BindTcp({*IpAddress::Parse("127.0.0.1"), 0});
    EXPECT_THAT(Listen(listener_.get(), 1), IsOk());
  }

  TransportAddress listens_at() const { return *LocalAddress(listener_.get()); }

  // Time goes by where it does not by itself.
  void Wait() {
    if (kernel_ != nullptr) {
      kernel_->Advance(absl::Milliseconds(1));
    } else {
      absl::SleepFor(absl::Milliseconds(1));
    }
  }

  // What poll(2) says, but for priorities; a fake kernel has no such call of its own.
  uint32_t Poll(int fd) const {
    if (kernel_ != nullptr) return kernel_->Poll(fd);
    pollfd entry{.fd = fd, .events = POLLIN | POLLOUT, .revents = 0};
    poll(&entry, 1, 0);
    return static_cast<uint32_t>(entry.revents);
  }
  bool Becomes(int fd, uint32_t events) {
    for (int i = 0; i < 2000 && Poll(fd) != events; ++i) Wait();
    EXPECT_EQ(Poll(fd), events);
    return Poll(fd) == events;
  }

  static OwnedFd Connect(const TransportAddress& to) {
    OwnedFd fd = *BindTcp({*IpAddress::Parse("127.0.0.2"), 0});
    EXPECT_THAT(StartConnect(fd.get(), to), IsOk());
    return fd;
  }
  OwnedFd AcceptNext() {
    EXPECT_TRUE(Becomes(listener_.get(), POLLIN));
    absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener_.get());
    EXPECT_TRUE(accepted.ok() && accepted->has_value());
    return std::move((*accepted)->fd);
  }
  void ConnectBoth() {
    near_ = Connect(listens_at());
    far_ = AcceptNext();
  }

  std::string ReceiveAll(int fd) {
    std::string all;
    char buffer[4096];
    for (;;) {
      const absl::StatusOr<RecvResult> result = Recv(fd, absl::MakeSpan(buffer));
      if (!result.ok() || result->byte_count == 0) return all;
      all.append(buffer, result->byte_count);
    }
  }
  absl::StatusOr<RecvResult> ReceiveOne(int fd) {
    char octet;
    return Recv(fd, {&octet, 1});
  }
  // Sends until nothing fits, though the other end reads nothing.
  size_t Fill(int fd) {
    const std::string bytes(10'000, 'x');
    size_t count = 0;
    for (;;) {
      const size_t sent = *Send(fd, bytes);
      count += sent;
      if (sent > 0) continue;
      Wait();
      if ((Poll(fd) & POLLOUT) == 0) return count;
    }
  }

  std::unique_ptr<FakeKernel> kernel_;  // Goes last.
  OwnedFd listener_;
  OwnedFd near_;
  OwnedFd far_;
};

INSTANTIATE_TEST_SUITE_P(Kernel, BothKernelsTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Fake" : "Real"; });

TEST_P(BothKernelsTest, PassesOctetsOnInOrder) {
  ConnectBoth();
  ASSERT_TRUE(Becomes(near_.get(), POLLOUT));
  EXPECT_EQ(*Send(near_.get(), {"abc", 3}), 3u);
  EXPECT_EQ(*Send(near_.get(), {"def", 3}), 3u);
  ASSERT_TRUE(Becomes(far_.get(), POLLIN | POLLOUT));
  EXPECT_EQ(ReceiveAll(far_.get()), "abcdef");
  EXPECT_TRUE(ReceiveOne(far_.get())->would_block);
  EXPECT_EQ(AcknowledgedByteCount(near_.get()) & ~1u, 6u);  // The real one may count its SYN.
}

TEST_P(BothKernelsTest, StopsASenderWhoseReceiverDoesNotRead) {
  ConnectBoth();
  const size_t sent = Fill(near_.get());
  EXPECT_TRUE(HasBytesInFlight(near_.get()));
  EXPECT_EQ(Poll(near_.get()), 0u);
  std::string received;
  for (int i = 0; i < 5000 && received.size() < sent; ++i) {
    received += ReceiveAll(far_.get());
    Wait();
  }
  EXPECT_EQ(received.size(), sent);
  EXPECT_TRUE(Becomes(near_.get(), POLLOUT));
}

TEST_P(BothKernelsTest, EndsOneDirectionAndThenTheOther) {
  ConnectBoth();
  ASSERT_TRUE(Becomes(near_.get(), POLLOUT));
  EXPECT_EQ(*Send(near_.get(), {"abc", 3}), 3u);
  EXPECT_THAT(ShutdownWrite(near_.get()), IsOk());
  ASSERT_TRUE(Becomes(far_.get(), POLLIN | POLLOUT));
  EXPECT_EQ(ReceiveAll(far_.get()), "abc");
  EXPECT_TRUE(ReceiveOne(far_.get())->end_of_stream);
  EXPECT_EQ(Poll(far_.get()), uint32_t{POLLIN | POLLOUT});
  EXPECT_THAT(Send(near_.get(), {"x", 1}), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(*Send(far_.get(), {"down", 4}), 4u);
  EXPECT_THAT(ShutdownWrite(far_.get()), IsOk());
  ASSERT_TRUE(Becomes(near_.get(), POLLIN | POLLOUT | POLLHUP));
  EXPECT_EQ(Poll(far_.get()), uint32_t{POLLIN | POLLOUT | POLLHUP});
  EXPECT_EQ(ReceiveAll(near_.get()), "down");
  EXPECT_TRUE(ReceiveOne(near_.get())->end_of_stream);
}

TEST_P(BothKernelsTest, TellsOfAResetBehindWhatArrivedBefore) {
  ConnectBoth();
  ASSERT_TRUE(Becomes(near_.get(), POLLOUT));
  EXPECT_EQ(*Send(near_.get(), {"abc", 3}), 3u);
  ASSERT_TRUE(Becomes(far_.get(), POLLIN | POLLOUT));
  SetResetOnClose(near_.get());
  near_.reset();
  ASSERT_TRUE(Becomes(far_.get(), POLLIN | POLLOUT | POLLERR | POLLHUP));
  EXPECT_EQ(ReceiveAll(far_.get()), "abc");
  EXPECT_TRUE(ReceiveOne(far_.get())->end_of_stream) << "the error has been told";
  EXPECT_THAT(TakeSocketError(far_.get()), IsOk());
  EXPECT_THAT(ShutdownWrite(far_.get()), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(BothKernelsTest, TellsOfAResetOnce) {
  ConnectBoth();
  SetResetOnClose(near_.get());
  near_.reset();
  ASSERT_TRUE(Becomes(far_.get(), POLLIN | POLLOUT | POLLERR | POLLHUP));
  EXPECT_THAT(TakeSocketError(far_.get()), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(TakeSocketError(far_.get()), IsOk());
  EXPECT_EQ(Poll(far_.get()), uint32_t{POLLIN | POLLOUT | POLLHUP});
  EXPECT_THAT(Send(far_.get(), {"x", 1}), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(BothKernelsTest, ResetsAConnectionThatIsClosedBeforeAllIsRead) {
  ConnectBoth();
  ASSERT_TRUE(Becomes(near_.get(), POLLOUT));
  EXPECT_EQ(*Send(near_.get(), {"abc", 3}), 3u);
  ASSERT_TRUE(Becomes(far_.get(), POLLIN | POLLOUT));
  far_.reset();
  EXPECT_TRUE(Becomes(near_.get(), POLLIN | POLLOUT | POLLERR | POLLHUP));
}

TEST_P(BothKernelsTest, ResetsWhoSendsToAnEndThatWasClosed) {
  ConnectBoth();
  far_.reset();
  ASSERT_TRUE(Becomes(near_.get(), POLLIN | POLLOUT));
  EXPECT_TRUE(ReceiveOne(near_.get())->end_of_stream);
  EXPECT_EQ(*Send(near_.get(), {"x", 1}), 1u);
  EXPECT_TRUE(Becomes(near_.get(), POLLIN | POLLOUT | POLLERR | POLLHUP));
  // In CLOSE-WAIT RST is EPIPE.
  EXPECT_TRUE(ReceiveOne(near_.get())->end_of_stream);
  EXPECT_THAT(TakeSocketError(near_.get()), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(BothKernelsTest, SendsTheRestOfAConnectionThatWasClosed) {
  ConnectBoth();
  const size_t sent = Fill(near_.get());
  near_.reset();
  std::string received;
  for (int i = 0; i < 5000 && received.size() < sent; ++i) {
    received += ReceiveAll(far_.get());
    Wait();
  }
  EXPECT_EQ(received.size(), sent);
  ASSERT_TRUE(Becomes(far_.get(), POLLIN | POLLOUT));
  EXPECT_TRUE(ReceiveOne(far_.get())->end_of_stream);
}

TEST_P(BothKernelsTest, RefusesWhereNobodyListens) {
  const TransportAddress nobody = listens_at();
  listener_.reset();
  OwnedFd fd = *BindTcp({*IpAddress::Parse("127.0.0.2"), 0});
  // Loopback is quicker than connect().
  if (StartConnect(fd.get(), nobody).ok()) {
    ASSERT_TRUE(Becomes(fd.get(), POLLIN | POLLOUT | POLLERR | POLLHUP));
    EXPECT_THAT(TakeSocketError(fd.get()), StatusIs(absl::StatusCode::kUnavailable));
  }
}

TEST_P(BothKernelsTest, DropsSynsAtAClosedGateAndCountsThem) {
  ASSERT_THAT(CloseSynGate(listener_.get()), IsOk());
  const OwnedFd fd = Connect(listens_at());
  EXPECT_EQ(Poll(fd.get()) & POLLERR, 0u);
  EXPECT_EQ(Poll(listener_.get()), 0u);
  EXPECT_EQ(DroppedAtSynGate(listener_.get()), 1u);
}

TEST_P(BothKernelsTest, LetsInWhomTheGateIsOpenFor) {
  const IpAddress ip = *IpAddress::Parse("127.0.0.2");
  ASSERT_THAT(OpenSynGateFor(listener_.get(), {{.ip = ip, .prefix_length = 31, .port = 1}}),
              IsOk());
  const OwnedFd other_port = Connect(listens_at());
  EXPECT_EQ(Poll(listener_.get()), 0u);
  const IpAddress others = *IpAddress::Parse("10.0.0.0");
  ASSERT_THAT(OpenSynGateFor(listener_.get(),
                             {{.ip = others, .prefix_length = 8}, {.ip = ip, .prefix_length = 31}}),
              IsOk());
  const OwnedFd fd = Connect(listens_at());
  const OwnedFd accepted = AcceptNext();
  EXPECT_TRUE(Becomes(fd.get(), POLLOUT));
}

TEST_P(BothKernelsTest, DropsAtTheHopGateWhatComesFromAfar) {
  SetHopGate(listener_.get(), true);
  const OwnedFd fd = Connect(listens_at());
  EXPECT_EQ(Poll(listener_.get()), 0u);
  EXPECT_EQ(DroppedAtSynGate(listener_.get()), 1u);
  SetHopGate(listener_.get(), false);
  ConnectBoth();
}

TEST_P(BothKernelsTest, GivesTheGateOfAListenerToItsConnections) {
  near_ = Connect(listens_at());
  ASSERT_TRUE(Becomes(listener_.get(), POLLIN));
  // Cloned before.
  far_ = AcceptNext();
  ASSERT_THAT(OpenSynGateFor(listener_.get(),
                             {{.ip = *IpAddress::Parse("127.0.0.2"), .prefix_length = 32}}),
              IsOk());
  ConnectBoth();
  ASSERT_THAT(CloseSynGate(far_.get()), IsOk());
  EXPECT_EQ(*Send(near_.get(), {"x", 1}), 1u);
  Wait();
  EXPECT_EQ(Poll(far_.get()), uint32_t{POLLOUT});
  ASSERT_THAT(OpenSynGate(far_.get()), IsOk());
  EXPECT_TRUE(Becomes(far_.get(), POLLIN | POLLOUT));
}

TEST_P(BothKernelsTest, QueuesOneConnectionMoreThanTheBacklog) {
  const OwnedFd first = Connect(listens_at());
  const OwnedFd second = Connect(listens_at());
  const OwnedFd third = Connect(listens_at());
  (void)AcceptNext();
  (void)AcceptNext();
  EXPECT_FALSE((*Accept(listener_.get())).has_value());
}

TEST_P(BothKernelsTest, ResetsConnectionsThatWereNotAccepted) {
  near_ = Connect(listens_at());
  ASSERT_TRUE(Becomes(listener_.get(), POLLIN));
  listener_.reset();
  EXPECT_TRUE(Becomes(near_.get(), POLLIN | POLLOUT | POLLERR | POLLHUP));
}

TEST_P(BothKernelsTest, BindsTwiceUnlessSomebodyListensThere) {
  EXPECT_THAT(BindTcp(listens_at()), StatusIs(absl::StatusCode::kAlreadyExists));
  ConnectBoth();
  const TransportAddress address = listens_at();
  listener_.reset();
  EXPECT_THAT(BindTcp(address), IsOk()) << "a connection is not in the way";
}

TEST_P(BothKernelsTest, ConnectsOnceFromOneAddressToAnother) {
  ConnectBoth();
  const OwnedFd second = *BindTcp(*LocalAddress(near_.get()));
  EXPECT_THAT(StartConnect(second.get(), listens_at()), StatusIs(absl::StatusCode::kAlreadyExists));
}

// What an event loop is told.
class Listener : public ReadinessHandler {
 public:
  void OnReady(const Readiness& readiness) override {
    ++count;
    last = readiness;
  }
  int count = 0;
  Readiness last;
};

TEST_P(BothKernelsTest, TellsAnEventLoopAgainAndAgainUntilItIsDone) {
  ConnectBoth();
  ASSERT_TRUE(Becomes(near_.get(), POLLOUT));
  EventLoop loop;
  Listener listener;
  ASSERT_THAT(loop.Add(far_.get(), listener), IsOk());
  loop.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(listener.count, 0);
  EXPECT_EQ(*Send(near_.get(), {"ab", 2}), 2u);
  ASSERT_TRUE(Becomes(far_.get(), POLLIN | POLLOUT));
  loop.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(listener.count, 0) << "nobody is interested";
  loop.SetInterest(far_.get(), /*readable=*/true, /*writable=*/false);
  loop.RunOnce(absl::ZeroDuration());
  loop.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(listener.count, 2);
  EXPECT_TRUE(listener.last.readable && !listener.last.writable && !listener.last.broken);
  EXPECT_EQ(ReceiveAll(far_.get()), "ab");
  loop.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(listener.count, 2);
  loop.SetInterest(far_.get(), /*readable=*/false, /*writable=*/false);
  SetResetOnClose(near_.get());
  near_.reset();
  ASSERT_TRUE(Becomes(far_.get(), POLLIN | POLLOUT | POLLERR | POLLHUP));
  loop.RunOnce(absl::ZeroDuration());
  EXPECT_TRUE(listener.last.broken);
  // It would be reported for ever.
  loop.Mute(far_.get());
  listener.count = 0;
  loop.RunOnce(absl::ZeroDuration());
  loop.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(listener.count, 0);
  Listener next;
  loop.SetHandler(far_.get(), next);
  loop.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(listener.count, 0);
  EXPECT_TRUE(next.last.broken);
  loop.Remove(far_.get());
}

TEST_P(BothKernelsTest, WakesAnEventLoopForWhatIsPosted) {
  EventLoop loop;
  int count = 0;
  loop.Post([&] { ++count; });
  loop.RunOnce(absl::ZeroDuration());
  loop.RunOnce(absl::ZeroDuration());
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace agw
