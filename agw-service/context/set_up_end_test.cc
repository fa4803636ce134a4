// What ends a connection before both sides are there, or keeps it from coming about. The names of
// the rows are those of docs/half-close.md.

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>

#include "absl/types/optional.h"
#include "agw-service/context/context.h"
#include "agw-service/context/testing/loopback_session.h"
#include "agw-service/net/socket.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using Session = LoopbackSession;
using State = Termination::State;

class SetUpEndTest : public testing::Test {
 protected:
  // T1 is established; T2 waits for its order.
  void AccessWaits(Session& session) {
    session.Reserve(/*triggered=*/false);
    session.ConnectUe();
    session.RunUntil([&] {
      return session.StateOf(Side::kAccess) == State::kEstablished &&
             (!session.tls() || session.ue().tls()->handshake_done());
    });
  }
  // T1 has a TCP connection, T2 is established.
  void HandshakeUnderWay(Session& session) {
    session.Reserve(/*triggered=*/true);
    session.ConnectSilentUe();
    session.AcceptCore();
    session.RunUntil([&] {
      return session.StateOf(Side::kAccess) == State::kTlsHandshake &&
             session.StateOf(Side::kCore) == State::kEstablished;
    });
  }
  void ExpectAttemptFailed(Session& session, TlsFailed::Cause cause) {
    session.RunUntil([&] { return session.harness().Count<TlsFailed>(Side::kAccess) == 1; });
    EXPECT_EQ(session.harness().Last<TlsFailed>()->cause, cause);
    EXPECT_EQ(session.harness().Last<TlsFailed>()->attempts_left, 2u);
    EXPECT_EQ(session.StateOf(Side::kAccess), State::kIdle);
    EXPECT_EQ(session.StateOf(Side::kCore), State::kIdle);
    session.RunUntil([&] { return session.core().sees() == Sees::kReset; });
    EXPECT_EQ(session.Released(Side::kCore), absl::nullopt);
  }
};

TEST_F(SetUpEndTest, S1_FinAmidTheHandshakeFreesTheSlotAndResetsTheCore) {
  Session session(/*tls=*/true);
  HandshakeUnderWay(session);
  session.ue().Truncate();
  ExpectAttemptFailed(session, TlsFailed::Cause::kClosedByPeer);
}

TEST_F(SetUpEndTest, S2_RstAmidTheHandshakeFreesTheSlotAndResetsTheCore) {
  Session session(/*tls=*/true);
  HandshakeUnderWay(session);
  session.ue().Reset();
  ExpectAttemptFailed(session, TlsFailed::Cause::kClosedByPeer);
}

TEST_F(SetUpEndTest, S3_NoTlsAtAllFreesTheSlotAndResetsTheCore) {
  Session session(/*tls=*/true);
  HandshakeUnderWay(session);
  session.ue().Send("MSRP d93kswow SEND\r\n");
  ExpectAttemptFailed(session, TlsFailed::Cause::kNotTls);
  session.RunUntil([&] { return session.ue().sees() != Sees::kNothing; });
}

TEST_F(SetUpEndTest, S3_APeerThatSendsOnIsNotResetBeforeItHasReadTheAlert) {
  Session session(/*tls=*/true);
  HandshakeUnderWay(session);
  session.ue().Send("GET / HTTP/1.1\r\n\r\n");
  ExpectAttemptFailed(session, TlsFailed::Cause::kNotTls);
  for (int i = 0; i < 3; ++i) {
    session.ue().Send("X-More: it does not look at what comes back\r\n");
    session.Turn();
  }
  session.RunUntil([&] { return session.ue().sees() == Sees::kEnd; });
  EXPECT_GE(session.ue().received().size(), 7u);  // An alert in a record.

  // But not for ever.
  session.harness().SkipTime(absl::Seconds(2));
  session.harness().Turn();
  session.ue().Send("X-Even-More: \r\n");
  session.RunUntil([&] { return session.ue().sees() == Sees::kReset; });
}

TEST_F(SetUpEndTest, S4_RstWhileTheHandshakeIsHeldFreesTheSlot) {
  Session session(/*tls=*/true);
  session.Reserve(/*triggered=*/true, /*with_fingerprint=*/false);
  session.ConnectUe();
  session.AcceptCore();
  session.RunUntil([&] { return session.ue().tls()->handshake_done(); });
  session.RunQuietTurns();
  ASSERT_EQ(session.StateOf(Side::kAccess), State::kTlsHandshake);
  session.ue().Reset();
  ExpectAttemptFailed(session, TlsFailed::Cause::kClosedByPeer);
}

TEST_F(SetUpEndTest, S5_RstOfTheCoreAmidTheHandshakeIsTheEnd) {
  Session session(/*tls=*/true);
  HandshakeUnderWay(session);
  session.core().Reset();
  session.RunUntil([&] { return session.ue().sees() == Sees::kReset; });
  EXPECT_EQ(session.Released(Side::kCore), BearerReleased::Cause::kResetByPeer);
  EXPECT_EQ(session.Released(Side::kAccess), absl::nullopt);
  EXPECT_EQ(session.StateOf(Side::kAccess), State::kFailed);
}

TEST_F(SetUpEndTest, S6_ReleaseAmidTheHandshakeResetsTheUe) {
  Session session(/*tls=*/true);
  HandshakeUnderWay(session);
  session.Release(absl::nullopt);
  session.RunUntil(
      [&] { return session.ue().sees() == Sees::kReset && session.core().sees() == Sees::kEnd; });
}

TEST_F(SetUpEndTest, DP_04_S7_ACoreThatRefusesResetsTheUe) {
  for (const bool tls : {true, false}) {
    Session session(tls);
    AccessWaits(session);
    session.RefuseCore();
    session.OrderCore();
    session.RunUntil([&] { return session.ue().sees() == Sees::kReset; });
    EXPECT_EQ(session.harness().Last<TcpFailed>()->cause, TcpFailed::Cause::kRefused);
    EXPECT_EQ(session.Released(Side::kAccess), BearerReleased::Cause::kOtherSideEnded);
  }
}

TEST_F(SetUpEndTest, W1_FinOfASideThatWaitsIsPassedOnWhenTheOtherSideIsThere) {
  for (const bool tls : {true, false}) {
    Session session(tls);
    AccessWaits(session);
    session.ue().Send("first and last");
    session.ue().End();
    session.RunQuietTurns();
    EXPECT_EQ(session.StateOf(Side::kAccess), State::kEstablished);
    session.OrderCore();
    session.AcceptCore();
    session.RunUntil([&] { return session.core().sees() == Sees::kEnd; });
    EXPECT_EQ(session.core().received(), "first and last");
    EXPECT_EQ(session.Released(Side::kAccess), absl::nullopt);
  }
}

TEST_F(SetUpEndTest, W2_RstOfASideThatWaitsIsTheEnd) {
  for (const bool tls : {true, false}) {
    Session session(tls);
    AccessWaits(session);
    session.ue().Reset();
    session.RunUntil([&] { return session.Released(Side::kAccess).has_value(); });
    EXPECT_EQ(session.Released(Side::kAccess), BearerReleased::Cause::kResetByPeer);
    EXPECT_EQ(session.Released(Side::kCore), absl::nullopt);
    EXPECT_EQ(session.StateOf(Side::kCore), State::kFailed);
  }
}

TEST_F(SetUpEndTest, DP_14_W3_ASideWaitsNoLongerThanTheOtherSideMayTake) {
  for (const bool tls : {true, false}) {
    Session session(tls);
    AccessWaits(session);
    session.harness().SkipTime(session.harness().limits().setup_timers.await_configuration +
                               absl::Seconds(1));
    session.RunUntil([&] { return session.ue().sees() == Sees::kReset; });
    EXPECT_EQ(session.Released(Side::kAccess), BearerReleased::Cause::kOtherSideEnded);
    EXPECT_EQ(session.harness().Count<SetupTimedOut>(Side::kCore), 1);
    EXPECT_EQ(session.StateOf(Side::kCore), State::kFailed);
  }
}

TEST_F(SetUpEndTest, DP_14_AfterALatchedStrangerIsDroppedThePeerHasItsTimeFromConfigure) {
  Session session(/*tls=*/true);
  session.Reserve(/*triggered=*/false, /*with_fingerprint=*/false);
  session.ConnectSilentUe();
  session.RunUntil([&] { return session.StateOf(Side::kAccess) == State::kTlsHandshake; });
  BearerControl control;
  control.syn_policy =
      SynPolicy{SynPolicy::Kind::kAcceptFrom, {{.ip = *common::IpAddress::Parse("127.0.0.66")}}};
  ASSERT_THAT(session.harness().context().ConfigureConnectionPoint({1, Side::kAccess}, {}, control,
                                                                   absl::nullopt),
              IsOk());
  EXPECT_EQ(session.StateOf(Side::kAccess), State::kIdle);
  session.harness().SkipTime(absl::Seconds(31));
  session.harness().Turn();
  ASSERT_NE(session.harness().Last<SetupTimedOut>(), nullptr);
  EXPECT_EQ(session.harness().Last<SetupTimedOut>()->timer,
            SetupTimedOut::Timer::kTcpEstablishment);
  EXPECT_EQ(session.StateOf(Side::kAccess), State::kFailed);
}

TEST_F(SetUpEndTest, A_10_TheTimerOfWhatAStrangerTriggeredGoesWithIt) {
  Session session(/*tls=*/true);
  session.SilenceCore();  // What the stranger triggers stays with its SYN.
  session.Reserve(/*triggered=*/true, /*with_fingerprint=*/false);
  session.ConnectSilentUe();
  session.RunUntil([&] { return session.StateOf(Side::kCore) == State::kConnecting; });
  session.ue().Send("MSRP d93kswow SEND\r\n");
  session.RunUntil([&] { return session.harness().Count<TlsFailed>(Side::kAccess) == 1; });
  EXPECT_EQ(session.StateOf(Side::kCore), State::kIdle);

  session.harness().SkipTime(absl::Seconds(60));
  session.harness().Turn();
  EXPECT_EQ(session.harness().Last<SetupTimedOut>(), nullptr);
  EXPECT_EQ(session.StateOf(Side::kAccess), State::kIdle);
}

TEST_F(SetUpEndTest, DP_01_WhoComesThroughTheHopGateIsNotTheConnection) {
  Session session(/*tls=*/false);
  session.Reserve(/*triggered=*/false);
  // A neighbour that knows how: T2 takes nobody.
  OwnedFd neighbour = *BindTcp({*common::IpAddress::Parse("127.0.0.66"), 0});
  const int hop_limit = 255;
  ASSERT_EQ(setsockopt(neighbour.get(), IPPROTO_IP, IP_TTL, &hop_limit, sizeof(hop_limit)), 0);
  ASSERT_THAT(StartConnect(neighbour.get(), session.harness().LocalAddressOf(Side::kCore)), IsOk());
  Endpoint endpoint(std::move(neighbour));
  session.RunUntil([&] {
    endpoint.Step();
    return endpoint.sees() == Sees::kReset;
  });
  EXPECT_EQ(session.StateOf(Side::kCore), State::kIdle);
  EXPECT_EQ(session.harness().Count<TcpEstablished>(Side::kCore), 0);
  // The one that is ordered still comes about.
  session.OrderCore();
  session.AcceptCore();
  session.RunUntil([&] { return session.StateOf(Side::kCore) == State::kEstablished; });
}

}  // namespace
}  // namespace agw
