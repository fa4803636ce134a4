// A next connection of a termination beside the present one, and a peer that takes another's place:
// re-offers, forked answers, connections that died, latching again. On real sockets, over TLS and
// without.

#include <memory>
#include <string>

#include "agw-service/context/context.h"
#include "agw-service/context/testing/loopback_session.h"
#include "agw-service/net/socket.h"
#include "agw-service/tls/testing/certificates.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using State = Termination::State;
using Cause = BearerReleased::Cause;

constexpr char kOtherUeAddress[] = "127.0.0.31";

class ConnectionReplacementTest : public testing::TestWithParam<bool> {
 protected:
  static BearerControl New(SynPolicy::Kind kind = SynPolicy::Kind::kLatch) {
    BearerControl control;
    control.connection_request = ConnectionRequest::kNew;
    control.syn_policy = SynPolicy{kind, {}};
    return control;
  }
  static BearerControl Existing() {
    BearerControl control;
    control.connection_request = ConnectionRequest::kExisting;
    return control;
  }
  RemoteDescriptor Other() const {
    RemoteDescriptor remote;
    remote.address = common::TransportAddress{*common::IpAddress::Parse(kOtherUeAddress), 9};
    if (session_.tls()) {
      remote.fingerprints =
          FingerprintSet({other_certificate_.FingerprintBy(HashFunction::kSha256)});
    }
    return remote;
  }

  const Termination& At(Side side) {
    return *session_.harness().context().FindTermination({1, side});
  }
  int ReleasedWith(Cause cause, Side side) const {
    int count = 0;
    for (const Event& event : session_.harness().events()) {
      const auto* released = absl::get_if<BearerReleased>(&event.kind);
      count += released != nullptr && released->cause == cause && event.side == side;
    }
    return count;
  }
  void RunUntil(const std::function<bool()>& condition) {
    session_.RunUntil([&] {
      if (old_ != nullptr) {
        old_->Step();
        old_->SendRest();
      }
      return condition();
    });
  }
  void CoreReceives(const std::string& all) {
    RunUntil([&] { return session_.core().received() == all; });
  }
  void UeReceives(const std::string& all) {
    RunUntil([&] { return session_.ue().received() == all; });
  }
  // The UE's old connection stays; the next one is `session_.ue()`.
  void NextUe(absl::string_view from = ContextHarness::kUeAddress) {
    old_ = session_.TakeUe();
    session_.ConnectUe(from);
  }
  void RunUntilReplaced(Side side) {
    RunUntil([&] { return ReleasedWith(Cause::kReplaced, side) == 1 && session_.Established(); });
  }

  mutable LoopbackSession session_{GetParam()};
  const TestCertificate other_certificate_ = MakeTestCertificate();
  std::unique_ptr<Endpoint> old_;
};

INSTANTIATE_TEST_SUITE_P(TcpAndTls, ConnectionReplacementTest, testing::Bool());

TEST_P(ConnectionReplacementTest, R_SDP_10_TheOldConnectionIsServedUntilTheNextOneIsThere) {
  session_.Open();
  session_.ue().Send("one ");
  CoreReceives("one ");

  ASSERT_THAT(session_.Configure(Side::kAccess, New()), IsOk());
  EXPECT_TRUE(At(Side::kAccess).replacing());
  EXPECT_EQ(At(Side::kAccess).setup_state(), State::kIdle);
  session_.ue().Send("two ");
  CoreReceives("one two ");
  session_.core().Send("un ");
  UeReceives("un ");

  session_.ue().Send("three ");
  NextUe();
  RunUntilReplaced(Side::kAccess);
  EXPECT_FALSE(At(Side::kAccess).replacing());
  session_.ue().Send("four");
  CoreReceives("one two three four");
  session_.core().Send("deux");
  UeReceives("deux");
  RunUntil([&] { return old_->sees() == Sees::kEnd; });
  EXPECT_EQ(session_.core().sees(), Sees::kNothing);

  const TerminationStatistics statistics =
      session_.harness().context().media_streams().at(1)->Statistics(Side::kAccess);
  EXPECT_EQ(statistics.received_byte_count, 18u);
  EXPECT_EQ(statistics.sent_byte_count, 7u);
  session_.Release(absl::nullopt);
}

TEST_P(ConnectionReplacementTest, R_IQ_11_LatchingAgainTakesAConnectionFromAnotherAddress) {
  session_.Open();
  ASSERT_THAT(session_.Configure(Side::kAccess, New()), IsOk());
  NextUe(kOtherUeAddress);
  RunUntilReplaced(Side::kAccess);
  EXPECT_EQ(At(Side::kAccess).connected_address()->ip.ToString(), kOtherUeAddress);
  session_.ue().Send("moved");
  CoreReceives("moved");
}

TEST_P(ConnectionReplacementTest, AnEndOfTheOldConnectionIsNotPassedOnWhileTheNextIsExpected) {
  session_.Open();
  ASSERT_THAT(session_.Configure(Side::kAccess, New()), IsOk());
  session_.ue().Send("last words, ");
  session_.ue().End();
  CoreReceives("last words, ");
  session_.RunQuietTurns();
  EXPECT_EQ(session_.core().sees(), Sees::kNothing);
  NextUe();
  RunUntilReplaced(Side::kAccess);
  session_.ue().Send("and on");
  CoreReceives("last words, and on");
}

TEST_P(ConnectionReplacementTest,
       AResetOfTheOldConnectionLeavesTheOtherSideWhileTheNextIsExpected) {
  session_.Open();
  ASSERT_THAT(session_.Configure(Side::kAccess, New()), IsOk());
  session_.ue().Reset();
  RunUntil([&] { return ReleasedWith(Cause::kResetByPeer, Side::kAccess) == 1; });
  EXPECT_EQ(session_.StateOf(Side::kAccess), State::kIdle);
  EXPECT_EQ(session_.StateOf(Side::kCore), State::kEstablished);
  session_.core().Send("meanwhile");
  session_.RunQuietTurns();
  EXPECT_EQ(session_.StateOf(Side::kCore), State::kEstablished);
  NextUe();
  RunUntil([&] { return session_.Established(); });
  session_.ue().Send("again");
  CoreReceives("again");
}

TEST_P(ConnectionReplacementTest, R_ALG_63_KeepingTheConnectionForgetsWhatTheNextOneWasTold) {
  session_.Open();
  const RemoteDescriptor before = At(Side::kAccess).policy().remote();
  BearerControl order = New();
  order.stream_mode = StreamMode::kInactive;
  order.dscp = 46;
  ASSERT_THAT(session_.Configure(Side::kAccess, order, Other()), IsOk());
  ASSERT_THAT(session_.Configure(Side::kAccess, Existing()), IsOk());
  EXPECT_FALSE(At(Side::kAccess).replacing());
  EXPECT_EQ(At(Side::kAccess).policy().remote().address, before.address);
  EXPECT_TRUE(At(Side::kAccess).policy().remote().fingerprints == before.fingerprints);
  session_.ue().Send("still here");
  CoreReceives("still here");

  // Nobody else is let in any more.
  NextUe();
  session_.RunQuietTurns();
  EXPECT_EQ(session_.harness().Count<TcpEstablished>(Side::kAccess), 1);
}

TEST_P(ConnectionReplacementTest, ANextConnectionThatFailsForGoodLeavesThePresentOne) {
  session_.Open();
  BearerControl order = New(SynPolicy::Kind::kDropAll);
  order.tcp_role = TcpRole::kActive;
  order.establish_tcp = true;
  RemoteDescriptor nobody;
  // Bound, but nobody listens there.
  const OwnedFd closed = *BindTcp({*common::IpAddress::Parse(ContextHarness::kPeerAddress), 0});
  nobody.address = *LocalAddress(closed.get());
  ASSERT_THAT(session_.Configure(Side::kCore, order, nobody), IsOk());
  RunUntil([&] { return session_.harness().Last<TcpFailed>() != nullptr; });
  EXPECT_EQ(session_.harness().Last<TcpFailed>()->cause, TcpFailed::Cause::kRefused);
  EXPECT_FALSE(At(Side::kCore).replacing());
  EXPECT_NE(At(Side::kCore).policy().remote().address, nobody.address);
  session_.ue().Send("as before");
  CoreReceives("as before");
}

TEST_P(ConnectionReplacementTest, R_SDP_23_TheCoreSideConnectsToItsNewAddress) {
  session_.Open();
  session_.ue().Send("one ");
  CoreReceives("one ");
  const OwnedFd listener = *BindTcp({*common::IpAddress::Parse(ContextHarness::kPeerAddress), 0});
  ASSERT_THAT(Listen(listener.get(), 1), IsOk());
  BearerControl order = New(SynPolicy::Kind::kDropAll);
  order.establish_tcp = true;
  ASSERT_THAT(session_.Configure(Side::kCore, order, {*LocalAddress(listener.get()), {}}), IsOk());
  absl::optional<Endpoint> next;
  RunUntil([&] {
    if (!next.has_value()) {
      absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener.get());
      if (accepted->has_value()) next.emplace(std::move((*accepted)->fd));
    }
    return ReleasedWith(Cause::kReplaced, Side::kCore) == 1 && session_.core().sees() == Sees::kEnd;
  });
  session_.ue().Send("two");
  RunUntil([&] {
    next->Step();
    return next->received() == "two";
  });
  next->Send("back");
  UeReceives("back");
}

TEST_P(ConnectionReplacementTest, A_18_ATerminationWhoseConnectionEndedBeginsAnew) {
  session_.Open();
  session_.core().Reset();
  RunUntil([&] {
    return session_.StateOf(Side::kAccess) == State::kReleased &&
           session_.StateOf(Side::kCore) == State::kReleased;
  });
  ASSERT_THAT(session_.Configure(Side::kCore, New(SynPolicy::Kind::kDropAll)), IsOk());
  ASSERT_THAT(session_.Configure(Side::kAccess, New()), IsOk());
  session_.TakeCore();
  NextUe();
  session_.AcceptCore();
  RunUntil([&] { return session_.Established(); });
  session_.ue().Send("second life");
  CoreReceives("second life");
}

TEST_P(ConnectionReplacementTest, WithoutARequestAnEndedTerminationStaysEnded) {
  session_.Open();
  session_.core().Reset();
  RunUntil([&] { return session_.StateOf(Side::kAccess) == State::kReleased; });
  EXPECT_EQ(common::ErrorReasonOf(session_.Configure(Side::kAccess, {})), "TERMINATION_ENDED");
}

// Without TLS nobody is authenticated.
using ForkedAnswerTest = ConnectionReplacementTest;
INSTANTIATE_TEST_SUITE_P(Tls, ForkedAnswerTest, testing::Values(true));

TEST_P(ForkedAnswerTest, A_15_AForkedAnswerClosesWhatTheFirstOneAuthenticated) {
  session_.Open();
  session_.ue().Send("first ");
  CoreReceives("first ");
  ASSERT_THAT(session_.Configure(Side::kAccess, {}, Other()), IsOk());
  EXPECT_EQ(ReleasedWith(Cause::kReplaced, Side::kAccess), 1);
  EXPECT_EQ(ReleasedWith(Cause::kOtherSideEnded, Side::kCore), 1);
  RunUntil([&] {
    return session_.ue().sees() == Sees::kReset && session_.core().sees() == Sees::kReset;
  });

  // The first one does not get in again; the second one does, and has the core side connect anew.
  session_.TakeCore();
  NextUe(kOtherUeAddress);
  session_.AcceptCore();
  RunUntil([&] { return session_.harness().Last<FingerprintMismatch>() != nullptr; });
  session_.TakeCore();
  old_ = session_.TakeUe();
  session_.ConnectUe(other_certificate_, kOtherUeAddress);
  session_.AcceptCore();
  RunUntil([&] { return session_.Established(); });
  session_.ue().Send("second");
  CoreReceives("second");
}

TEST_P(ForkedAnswerTest, AnotherFingerprintAmidTheHandshakeIsThatOfTheNextPeer) {
  session_.Reserve(/*triggered=*/true);
  session_.ConnectSilentUe();
  RunUntil([&] { return session_.StateOf(Side::kAccess) == State::kTlsHandshake; });
  ASSERT_THAT(session_.Configure(Side::kAccess, {}, Other()), IsOk());
  EXPECT_EQ(session_.StateOf(Side::kAccess), State::kIdle);
  old_ = session_.TakeUe();
  session_.ConnectUe(other_certificate_, kOtherUeAddress);
  session_.AcceptCore();
  RunUntil([&] { return session_.StateOf(Side::kAccess) == State::kEstablished; });
}

TEST_P(ConnectionReplacementTest, DP_17_ReleaseAmidAReplacementClosesEverything) {
  session_.Open();
  ASSERT_THAT(session_.Configure(Side::kAccess, New()), IsOk());
  old_ = session_.TakeUe();
  session_.ConnectSilentUe();
  RunUntil([&] { return session_.harness().Count<TcpEstablished>(Side::kAccess) == 2; });
  const int64_t free_before = session_.harness().resources().descriptors.available();
  session_.Release(absl::nullopt);
  EXPECT_GT(session_.harness().resources().descriptors.available(), free_before);
  EXPECT_EQ(session_.harness().ports_in_use(), 0u);
  RunUntil([&] { return old_->sees() != Sees::kNothing; });
}

}  // namespace
}  // namespace agw
