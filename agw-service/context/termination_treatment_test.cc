// What the IMS-ALG may order about the octets that pass a termination: gates, policing, marking, and
// what it is told of them. On real sockets, over TLS and without.

#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>
#include <string>
#include <vector>

#include "agw-service/context/context.h"
#include "agw-service/context/testing/loopback_session.h"
#include "agw-service/net/socket.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using State = Termination::State;
using Direction = MediaInactivityDetection::Direction;

class TerminationTreatmentTest : public testing::TestWithParam<bool> {
 protected:
  void Order(Side side, StreamMode mode) {
    BearerControl control;
    control.stream_mode = mode;
    ASSERT_THAT(session_.Configure(side, control), IsOk());
  }
  // Whether octets from the UE reach the core, and the other way round.
  void ExpectThrough(bool up, bool down) {
    const size_t core_before = session_.core().received().size();
    const size_t ue_before = session_.ue().received().size();
    session_.ue().Send("u");
    session_.core().Send("d");
    ++sent_up_;
    ++sent_down_;
    session_.RunQuietTurns();
    if (up) session_.RunUntil([&] { return session_.core().received().size() == sent_up_; });
    if (down) session_.RunUntil([&] { return session_.ue().received().size() == sent_down_; });
    if (!up) {
      EXPECT_EQ(session_.core().received().size(), core_before);
    }
    if (!down) {
      EXPECT_EQ(session_.ue().received().size(), ue_before);
    }
  }

  LoopbackSession session_{GetParam()};
  size_t sent_up_ = 0;
  size_t sent_down_ = 0;
};

INSTANTIATE_TEST_SUITE_P(TcpAndTls, TerminationTreatmentTest, testing::Bool());

TEST_P(TerminationTreatmentTest, R_AGW_11_AGateHoldsBackWhatMayNotPassAndLosesNothing) {
  session_.Open();
  ExpectThrough(true, true);
  Order(Side::kAccess, StreamMode::kInactive);
  ExpectThrough(false, false);
  Order(Side::kAccess, StreamMode::kReceiveOnly);
  ExpectThrough(true, false);
  Order(Side::kAccess, StreamMode::kSendOnly);
  ExpectThrough(false, true);
  // The gates of both sides hold.
  Order(Side::kCore, StreamMode::kSendOnly);
  ExpectThrough(false, false);
  Order(Side::kAccess, StreamMode::kSendReceive);
  ExpectThrough(true, false);
  Order(Side::kCore, StreamMode::kSendReceive);
  ExpectThrough(true, true);
}

TEST_P(TerminationTreatmentTest, R_AGW_11_AGateThatWasClosedFromTheStartLetsNothingThrough) {
  session_.Reserve(/*triggered=*/true);
  Order(Side::kCore, StreamMode::kInactive);
  session_.ConnectUe();
  session_.AcceptCore();
  session_.RunUntil([&] {
    return session_.Established() && (!session_.tls() || session_.ue().tls()->handshake_done());
  });
  ExpectThrough(false, false);
  Order(Side::kCore, StreamMode::kSendReceive);
  ExpectThrough(true, true);
}

TEST_P(TerminationTreatmentTest, AConnectionThatBreaksBehindAClosedGateEndsTheSession) {
  session_.Open();
  Order(Side::kAccess, StreamMode::kInactive);
  session_.core().Reset();
  session_.RunUntil([&] { return session_.StateOf(Side::kCore) == State::kReleased; });
  EXPECT_EQ(session_.StateOf(Side::kAccess), State::kReleased);
}

TEST_P(TerminationTreatmentTest, AClosedGateDoesNotTurnTheEventLoopInCircles) {
  session_.Open();
  Order(Side::kAccess, StreamMode::kInactive);
  session_.ue().Send("held");
  session_.ue().End();
  session_.core().End();
  session_.RunQuietTurns();
  EXPECT_TRUE(session_.AtRest());
  Order(Side::kAccess, StreamMode::kSendReceive);
  session_.RunUntil([&] { return session_.core().received() == "held"; });
  session_.RunUntil([&] { return session_.StateOf(Side::kCore) == State::kReleased; });
}

TEST_P(TerminationTreatmentTest, R_AGW_14_SilenceIsToldOnceUntilOctetsPassAgain) {
  session_.Open();
  BearerControl control;
  control.media_inactivity = MediaInactivityDetection{absl::Minutes(1), Direction::kFromPeer};
  ASSERT_THAT(session_.Configure(Side::kAccess, control), IsOk());
  const auto told = [&] { return session_.harness().Count<MediaInactivity>(Side::kAccess); };
  const auto skip = [&](absl::Duration time) {
    session_.harness().SkipTime(time);
    session_.RunQuietTurns();
  };
  skip(absl::Seconds(50));
  session_.ue().Send("u");
  session_.RunUntil([&] { return session_.core().received() == "u"; });
  skip(absl::Seconds(50));
  EXPECT_EQ(told(), 0);
  skip(absl::Seconds(20));
  EXPECT_EQ(told(), 1);
  EXPECT_GE(session_.harness().Last<MediaInactivity>()->time, absl::Minutes(1));

  // The other way is not watched.
  session_.core().Send("d");
  session_.RunUntil([&] { return session_.ue().received() == "d"; });
  skip(absl::Minutes(5));
  EXPECT_EQ(told(), 1);
  session_.ue().Send("u");
  session_.RunUntil([&] { return session_.core().received() == "uu"; });
  skip(absl::Minutes(2));
  EXPECT_EQ(told(), 2);

  control.media_inactivity = MediaInactivityDetection{};
  ASSERT_THAT(session_.Configure(Side::kAccess, control), IsOk());
  skip(absl::Hours(1));
  EXPECT_EQ(told(), 2);
  EXPECT_TRUE(session_.Established());
}

TEST_P(TerminationTreatmentTest, R_IQ_13_ATerminationSaysThatItIsThere) {
  session_.Open();
  BearerControl control;
  control.heartbeat_interval = absl::Seconds(30);
  ASSERT_THAT(session_.Configure(Side::kCore, control), IsOk());
  for (int beats = 1; beats <= 3; ++beats) {
    session_.harness().SkipTime(absl::Seconds(31));
    session_.RunQuietTurns();
    EXPECT_EQ(session_.harness().Count<TerminationHeartbeat>(Side::kCore), beats);
  }
  EXPECT_EQ(session_.harness().Count<TerminationHeartbeat>(Side::kAccess), 0);
}

TEST_P(TerminationTreatmentTest, R_AGW_15_PacketsAreMarkedPerTermination) {
  session_.Reserve(/*triggered=*/true);
  BearerControl control;
  control.dscp = 26;
  ASSERT_THAT(session_.Configure(Side::kCore, control), IsOk());
  session_.ConnectUe();
  session_.AcceptCore();
  session_.RunUntil([&] { return session_.Established(); });
  const auto marked = [&](Side side) {
    int traffic_class = 0;
    socklen_t size = sizeof(traffic_class);
    EXPECT_EQ(
        getsockopt(session_.ByteStreamOf(side).fd(), IPPROTO_IP, IP_TOS, &traffic_class, &size), 0);
    return traffic_class >> 2;
  };
  EXPECT_EQ(marked(Side::kCore), 26);
  EXPECT_EQ(marked(Side::kAccess), 0);
  control.dscp = 46;
  ASSERT_THAT(session_.Configure(Side::kAccess, control), IsOk());
  EXPECT_EQ(marked(Side::kAccess), 46);
  EXPECT_EQ(marked(Side::kCore), 26);
}

TEST_P(TerminationTreatmentTest, R_AGW_16_AFastPeerIsHeldToItsRateByNotBeingRead) {
  session_.Open();
  BearerControl control;
  control.policing = TrafficPolicing{.sustained_byte_rate = 10'000, .burst_byte_count = 20'000};
  ASSERT_THAT(session_.Configure(Side::kAccess, control), IsOk());
  const std::string bytes(40'000, 'x');
  session_.ue().Send(bytes);
  // The burst, and what was read at once with it, passes; then its debt is paid in time.
  session_.RunUntil([&] { return session_.core().received().size() >= 20'000; });
  session_.RunQuietTurns();
  session_.ue().Send("y");
  session_.RunQuietTurns();
  EXPECT_EQ(session_.core().received().find('y'), std::string::npos);
  // The other direction is as fast as ever.
  session_.core().Send(std::string(60'000, 'z'));
  session_.RunUntil([&] { return session_.ue().received().size() == 60'000; });
  EXPECT_EQ(session_.core().received().find('y'), std::string::npos);

  session_.harness().SkipTime(absl::Seconds(5));
  session_.RunUntil([&] { return session_.core().received() == bytes + "y"; });
}

TEST_P(TerminationTreatmentTest, DP_13_WhoTakesNothingIsEndedWhenTheMemoryForSuchOctetsIsFull) {
  session_.harness().RenewWith([](ContextLimits& limits) { limits.buffered_byte_limit = 1; });
  session_.Open();
  session_.core().set_reading(false);
  const std::string bytes(64 * 1024, 'x');
  session_.RunUntil([&] {
    if (session_.StateOf(Side::kCore) != State::kReleased &&
        (session_.ue().tls() == nullptr || session_.ue().tls()->unsent_byte_count() == 0)) {
      session_.ue().Send(bytes);
    }
    return session_.StateOf(Side::kCore) == State::kReleased;
  });
  EXPECT_EQ(session_.Released(Side::kCore), BearerReleased::Cause::kBufferLimit);
  EXPECT_EQ(session_.Released(Side::kAccess), BearerReleased::Cause::kOtherSideEnded);
  EXPECT_EQ(session_.harness().resources().buffered_bytes.total(), 0u);
}

using HandshakeLimitTest = TerminationTreatmentTest;
INSTANTIATE_TEST_SUITE_P(Tls, HandshakeLimitTest, testing::Values(true));

TEST_P(HandshakeLimitTest, AHandshakeBeyondTheLimitWaitsForItsTurn) {
  session_.harness().RenewWith([](ContextLimits& limits) { limits.handshake_limit = 1; });
  HandshakeQueue& queue = session_.harness().resources().handshake_queue;
  absl::optional<HandshakeQueue::Place> other = queue.Take();
  session_.Reserve(/*triggered=*/true);
  session_.ConnectUe();
  session_.RunUntil([&] { return queue.waiting_count() == 1; });
  session_.RunQuietTurns();
  EXPECT_EQ(session_.StateOf(Side::kAccess), State::kIdle);
  EXPECT_TRUE(session_.AtRest());
  other.reset();
  session_.AcceptCore();
  session_.RunUntil([&] { return session_.Established(); });
  EXPECT_EQ(queue.under_way_count(), 0u);
}

TEST_P(HandshakeLimitTest, AHandshakeThatNeverGetsItsTurnSaysWhy) {
  session_.harness().RenewWith([](ContextLimits& limits) { limits.handshake_limit = 1; });
  HandshakeQueue& queue = session_.harness().resources().handshake_queue;
  const HandshakeQueue::Place other = queue.Take();
  session_.Reserve(/*triggered=*/true);
  session_.ConnectUe();
  session_.RunUntil([&] { return queue.waiting_count() == 1; });
  session_.harness().SkipTime(absl::Minutes(1));
  session_.RunUntil([&] { return session_.StateOf(Side::kAccess) == State::kFailed; });
  EXPECT_EQ(session_.harness().Last<TcpFailed>()->cause, TcpFailed::Cause::kCongestion);
  EXPECT_EQ(queue.waiting_count(), 0u);
}

TEST_P(TerminationTreatmentTest, TheHistoryHasCallsAndEventsInTheirOrderAndIsBounded) {
  session_.harness().RenewWith([](ContextLimits& limits) { limits.history_limit = 5; });
  session_.Open();
  BearerControl wrong;
  wrong.tls_role = TlsRole::kClient;
  EXPECT_FALSE(session_.Configure(Side::kCore, wrong).ok());
  const History& history = session_.harness().context().history();
  const std::vector<HistoryEntry> entries = history.entries();
  ASSERT_EQ(entries.size(), 5u);
  const auto* failed = absl::get_if<ProcedureCall>(&entries.back().what);
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->procedure, ProcedureCall::Procedure::kConfigure);
  EXPECT_EQ(failed->error_reason, "ROLE_UNSUPPORTED");
  EXPECT_EQ(entries.back().side, Side::kCore);
  // Two reservations and two TCP connections; with TLS its two events, too.
  EXPECT_EQ(history.forgotten_count(), session_.tls() ? 2u : 0u);
  for (size_t i = 1; i < entries.size(); ++i) {
    EXPECT_LE(entries[i - 1].time, entries[i].time);
  }
}

}  // namespace
}  // namespace agw
