// Peers that go without a word, and peers that are merely slow.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "agw-service/context/context.h"
#include "agw-service/context/testing/loopback_session.h"
#include "agw-service/net/socket.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

int Option(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

class PeerLossTest : public testing::TestWithParam<bool> {
 protected:
  LoopbackSession session_{/*tls=*/GetParam()};
};

INSTANTIATE_TEST_SUITE_P(All, PeerLossTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "Plain"; });

TEST_P(PeerLossTest, EveryEstablishedConnectionIsWatched) {
  session_.harness().limits().peer_loss_times = {.keep_alive_idle = absl::Minutes(7),
                                                 .keep_alive_interval = absl::Seconds(20),
                                                 .loss_time = absl::Minutes(9)};
  session_.Open();
  for (Side side : {Side::kAccess, Side::kCore}) {
    const int fd = session_.ByteStreamOf(side).fd();
    EXPECT_EQ(Option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(Option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 420);
    EXPECT_EQ(Option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 20);
    EXPECT_EQ(Option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 540'000);
  }
}

TEST_P(PeerLossTest, ASessionAtRestEndsWhenItsUeHasVanished) {
  session_.harness().limits().peer_loss_times = {.keep_alive_idle = absl::Seconds(1),
                                                 .keep_alive_interval = absl::Seconds(1),
                                                 .loss_time = absl::Seconds(2)};
  session_.Open();
  session_.ue().FallSilent();
  session_.RunUntil([&] { return session_.Released(Side::kAccess).has_value(); });
  EXPECT_EQ(session_.Released(Side::kAccess), BearerReleased::Cause::kPeerVanished);
  EXPECT_EQ(session_.Released(Side::kCore), BearerReleased::Cause::kOtherSideEnded);
  session_.RunUntil([&] { return session_.core().sees() == Sees::kReset; });
}

TEST(SlowTakerTest, IsNoSilenceOfAHalfClosedSession) {
  LoopbackSession session(/*tls=*/false);
  session.Open();
  session.ue().End();
  session.RunUntil([&] { return session.core().sees() == Sees::kEnd; });
  session.Fill(session.core(), session.ue(), Side::kAccess);
  const auto received = [&] {
    return session.harness()
        .context()
        .media_streams()
        .at(1)
        ->Statistics(Side::kCore)
        .received_byte_count;
  };
  const uint64_t received_before = received();
  for (int i = 0; i < 4; ++i) {
    const int fd = session.ByteStreamOf(Side::kAccess).fd();
    const uint64_t taken_before = AcknowledgedByteCount(fd);
    session.RunUntil([&] {
      session.ue().Take(4096);
      return AcknowledgedByteCount(fd) > taken_before;
    });
    session.harness().SkipTime(session.harness().limits().half_close_time + absl::Seconds(1));
    session.harness().Turn();
    ASSERT_EQ(session.Released(Side::kAccess), absl::nullopt);
  }
  // All that time nothing came in that could have counted.
  EXPECT_EQ(received(), received_before);

  session.ue().set_reading(true);
  session.core().End();
  session.RunUntil([&] { return session.ue().sees() == Sees::kEnd; });
  EXPECT_EQ(session.ue().received().size(), session.core().sent_byte_count());
}

}  // namespace
}  // namespace agw
