// A context on real sockets: who may connect when, what makes the other side connect, and what is
// left when something fails.

#include "agw-service/context/context.h"

#include <poll.h>

#include <memory>
#include <string>

#include "agw-service/context/testing/context_harness.h"
#include "agw-service/tls/testing/certificates.h"
#include "agw-service/tls/testing/tls_peer.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::ErrorReasonOf;
using common::IpAddress;
using common::IsOk;
using common::StatusIs;
using common::TransportAddress;
using State = Termination::State;

constexpr TerminationKey kT1{1, Side::kAccess};
constexpr TerminationKey kT2{1, Side::kCore};
constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr absl::Duration kSilence = absl::Milliseconds(150);

class ContextTest : public testing::Test {
 protected:
  ContextTest() {
    listener_ = *BindTcp({*IpAddress::Parse(ContextHarness::kPeerAddress), 0});
    EXPECT_THAT(Listen(listener_.get(), 4), IsOk());
  }

  // Waits for a condition while everybody gets their turns.
  void RunUntil(const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (!condition()) {
      ASSERT_LT(absl::Now(), deadline) << "in vain";
      if (ue_ != nullptr) ue_->Step();
      harness_.Turn(absl::Milliseconds(1));
    }
  }
  void RunFor(absl::Duration time) {
    const absl::Time end = absl::Now() + time;
    while (absl::Now() < end) {
      if (ue_ != nullptr) ue_->Step();
      harness_.Turn(absl::Milliseconds(1));
    }
  }

  static BearerControl Triggered(Interlinkage::Trigger trigger = Interlinkage::Trigger::kOnTcpSyn) {
    BearerControl control;
    control.interlinkage = Interlinkage{Interlinkage::Topology::kT1ToT2, trigger};
    return control;
  }
  static BearerControl WithPolicy(SynPolicy::Kind kind, BearerControl control = {}) {
    control.syn_policy = SynPolicy{.kind = kind, .sources = {}};
    return control;
  }

  // Steps 2 to 4.
  void ReserveT1(BearerControl control) {
    if (!control.tls_role.has_value()) control.tls_role = TlsRole::kServer;
    ASSERT_THAT(harness_.context().ReserveConnectionPoint(
                    kT1,
                    {.ip_realm = "",
                     .transport_protocol = TransportProtocol::kTcpTls,
                     .fingerprint_hash_functions = {HashFunction::kSha256}},
                    absl::nullopt, control, absl::nullopt),
                IsOk());
  }
  // Steps 5 to 7.
  void ReserveT2() {
    ASSERT_THAT(
        harness_.context().ReserveConnectionPoint(
            kT2, {}, RemoteDescriptor{*LocalAddress(listener_.get()), {}}, {}, absl::nullopt),
        IsOk());
  }
  // Steps 14 to 16.
  absl::Status ConfigureT1(const TestCertificate& certificate, BearerControl control) {
    return harness_.context().ConfigureConnectionPoint(
        kT1, {TransportAddress{*IpAddress::Parse(ContextHarness::kUeAddress), 9}, Of(certificate)},
        control, absl::nullopt);
  }
  absl::Status ConfigureT1() {
    return ConfigureT1(certificate_, WithPolicy(SynPolicy::Kind::kAcceptFrom));
  }
  static FingerprintSet Of(const TestCertificate& certificate) {
    return FingerprintSet({certificate.FingerprintBy(HashFunction::kSha256)});
  }

  static TlsPeer::Options PeerOptions(TlsRole role, const TestCertificate& certificate) {
    TlsPeer::Options options;
    options.role = role;
    options.certificate = &certificate;
    return options;
  }
  void UeConnects(const TestCertificate& certificate,
                  absl::string_view from = ContextHarness::kUeAddress) {
    ue_ = std::make_unique<TlsPeer>(
        ContextHarness::Connect(from, harness_.LocalAddressOf(Side::kAccess)),
        PeerOptions(TlsRole::kClient, certificate));
  }

  // The connection from T2; empty if none has come.
  OwnedFd PeerAccepts() {
    absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener_.get());
    EXPECT_THAT(accepted, IsOk());
    return accepted->has_value() ? std::move((*accepted)->fd) : OwnedFd();
  }
  std::string PeerReceives(const OwnedFd& peer) {
    char buffer[1024];
    absl::StatusOr<RecvResult> received = Recv(peer.get(), absl::MakeSpan(buffer));
    return received.ok() ? std::string(buffer, received->byte_count) : "reset";
  }
  bool PeerIsReset(const OwnedFd& peer) {
    char byte;
    return !Recv(peer.get(), {&byte, 1}).ok();
  }

  void Establish() {
    ReserveT1(Triggered());
    ReserveT2();
    ASSERT_THAT(ConfigureT1(), IsOk());
    UeConnects(certificate_);
    RunUntil([&] {
      return harness_.StateOf(Side::kAccess) == State::kEstablished &&
             harness_.StateOf(Side::kCore) == State::kEstablished;
    });
    peer_ = PeerAccepts();
    ASSERT_TRUE(peer_);
  }

  const TestCertificate certificate_ = MakeTestCertificate();
  const TestCertificate other_certificate_ = MakeTestCertificate();
  ContextHarness harness_;
  OwnedFd listener_;
  std::unique_ptr<TlsPeer> ue_;
  OwnedFd peer_;
};

TEST_F(ContextTest, DP_01_TheEarlySynIsDroppedInSilenceAndItsRetransmissionAccepted) {
  ReserveT1(Triggered());
  ReserveT2();
  UeConnects(certificate_);
  RunUntil([&] { return harness_.Count<SynDropped>(Side::kAccess) > 0; });
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kIdle);

  ASSERT_THAT(ConfigureT1(), IsOk());
  RunUntil([&] { return harness_.StateOf(Side::kAccess) == State::kEstablished; });
  EXPECT_EQ(harness_.Last<FingerprintVerified>()->fingerprint,
            certificate_.FingerprintBy(HashFunction::kSha256));
}

TEST_F(ContextTest, DP_02_R_AGW_07_ALatchedConnectionIsHeldAndNothingForwardedBeforeTheMatch) {
  ReserveT1(WithPolicy(SynPolicy::Kind::kLatch, Triggered()));
  ReserveT2();
  UeConnects(certificate_);
  // A TLS 1.3 client is done before we have seen its certificate.
  RunUntil([&] { return ue_->handshake_done(); });
  ue_->Write("too early");
  RunUntil([&] { return harness_.StateOf(Side::kCore) == State::kEstablished; });
  peer_ = PeerAccepts();
  RunFor(kSilence);
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kTlsHandshake);
  EXPECT_EQ(PeerReceives(peer_), "");

  ASSERT_THAT(ConfigureT1(certificate_, {}), IsOk());
  std::string received;
  RunUntil([&] {
    received += PeerReceives(peer_);
    return received == "too early";
  });
}

TEST_F(ContextTest, DP_03_ALatchedConnectionOfSomebodyElseIsDroppedWhenTheSourceIsKnown) {
  ReserveT1(WithPolicy(SynPolicy::Kind::kLatch));
  ReserveT2();
  UeConnects(other_certificate_, "127.0.0.66");
  RunUntil([&] { return harness_.StateOf(Side::kAccess) == State::kTlsHandshake; });
  ASSERT_THAT(ConfigureT1(), IsOk());
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kIdle);
  UeConnects(certificate_);
  RunUntil([&] { return harness_.StateOf(Side::kAccess) == State::kEstablished; });
}

TEST_F(ContextTest, R_AGW_06_WithoutInterlinkageTheCoreSideWaitsForTheOrder) {
  ReserveT1({});
  ReserveT2();
  ASSERT_THAT(ConfigureT1(), IsOk());
  UeConnects(certificate_);
  RunUntil([&] { return harness_.StateOf(Side::kAccess) == State::kEstablished; });
  RunFor(kSilence);
  EXPECT_EQ(harness_.StateOf(Side::kCore), State::kIdle);

  BearerControl order;
  order.tcp_role = TcpRole::kActive;
  order.establish_tcp = true;
  ASSERT_THAT(harness_.context().ConfigureConnectionPoint(kT2, {}, order, absl::nullopt), IsOk());
  RunUntil([&] { return harness_.StateOf(Side::kCore) == State::kEstablished; });
  peer_ = PeerAccepts();
  RunUntil([&] { return ue_->handshake_done(); });
  ue_->Write("hello");
  RunUntil([&] { return PeerReceives(peer_) == "hello"; });
}

TEST_F(ContextTest, A_08_TheHardenedTriggerWaitsForTheFingerprint) {
  ReserveT1(WithPolicy(SynPolicy::Kind::kLatch, Triggered(Interlinkage::Trigger::kOnTlsVerified)));
  ReserveT2();
  UeConnects(certificate_);
  RunUntil([&] { return harness_.StateOf(Side::kAccess) == State::kTlsHandshake; });
  RunFor(kSilence);
  EXPECT_EQ(harness_.StateOf(Side::kCore), State::kIdle);
  ASSERT_THAT(ConfigureT1(certificate_, {}), IsOk());
  RunUntil([&] { return harness_.StateOf(Side::kCore) == State::kEstablished; });
}

TEST_F(ContextTest, R_ALG_24_ASynAtT2MakesT1ConnectWhenTheTopologyIsReversed) {
  ReserveT1(Triggered());
  ReserveT2();
  OwnedFd ue_listener = *BindTcp({*IpAddress::Parse(ContextHarness::kUeAddress), 0});
  ASSERT_THAT(Listen(ue_listener.get(), 1), IsOk());
  BearerControl reverse;
  reverse.tcp_role = TcpRole::kActive;
  reverse.tls_role = TlsRole::kClient;
  reverse.establish_tls = true;
  reverse.interlinkage =
      Interlinkage{Interlinkage::Topology::kT2ToT1, Interlinkage::Trigger::kOnTcpSyn};
  ASSERT_THAT(
      harness_.context().ConfigureConnectionPoint(
          kT1, {*LocalAddress(ue_listener.get()), Of(certificate_)}, reverse, absl::nullopt),
      IsOk());
  BearerControl passive = WithPolicy(SynPolicy::Kind::kAcceptFrom);
  passive.tcp_role = TcpRole::kPassive;
  ASSERT_THAT(harness_.context().ConfigureConnectionPoint(kT2, {}, passive, absl::nullopt), IsOk());
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kIdle);

  const TransportAddress t1 = harness_.LocalAddressOf(Side::kAccess);
  OwnedFd core =
      ContextHarness::Connect(ContextHarness::kPeerAddress, harness_.LocalAddressOf(Side::kCore));
  RunUntil([&] {
    if (ue_ == nullptr) {
      absl::StatusOr<absl::optional<Accepted>> accepted = Accept(ue_listener.get());
      if (accepted->has_value()) {
        // The port announced in SDP is the source port.
        EXPECT_EQ((*accepted)->remote, t1);
        ue_ = std::make_unique<TlsPeer>(std::move((*accepted)->fd),
                                        PeerOptions(TlsRole::kServer, certificate_));
      }
    }
    return harness_.StateOf(Side::kAccess) == State::kEstablished;
  });
  RunUntil([&] { return ue_->handshake_done(); });
  ue_->Write("from B");
  RunUntil([&] { return PeerReceives(core) == "from B"; });
}

TEST_F(ContextTest, R_ALG_24_AnEarlyConnectionDoesNotKeepAPassiveUeOut) {
  ReserveT1(WithPolicy(SynPolicy::Kind::kLatch, Triggered()));
  ReserveT2();
  UeConnects(other_certificate_, "127.0.0.66");
  RunUntil([&] { return harness_.StateOf(Side::kCore) == State::kEstablished; });
  peer_ = PeerAccepts();
  OwnedFd ue_listener = *BindTcp({*IpAddress::Parse(ContextHarness::kUeAddress), 0});
  ASSERT_THAT(Listen(ue_listener.get(), 1), IsOk());
  BearerControl active;
  active.tcp_role = TcpRole::kActive;
  active.tls_role = TlsRole::kClient;
  active.establish_tcp = true;
  active.establish_tls = true;
  active.interlinkage = Interlinkage{};
  ASSERT_THAT(harness_.context().ConfigureConnectionPoint(
                  kT1, {*LocalAddress(ue_listener.get()), Of(certificate_)}, active, absl::nullopt),
              IsOk());
  EXPECT_EQ(harness_.StateOf(Side::kCore), State::kIdle);
  EXPECT_TRUE(PeerIsReset(peer_));
  BearerControl passive = WithPolicy(SynPolicy::Kind::kAcceptFrom);
  passive.tcp_role = TcpRole::kPassive;
  EXPECT_THAT(harness_.context().ConfigureConnectionPoint(kT2, {}, passive, absl::nullopt), IsOk());
  RunUntil([&] { return harness_.StateOf(Side::kAccess) == State::kTlsHandshake; });
}

TEST_F(ContextTest, DP_04_ARefusedCoreConnectionClosesTheAccessSide) {
  ReserveT1(Triggered());
  ReserveT2();
  ASSERT_THAT(ConfigureT1(), IsOk());
  listener_.reset();
  UeConnects(certificate_);
  RunUntil([&] { return ue_->saw_end(); });
  ASSERT_NE(harness_.Last<TcpFailed>(), nullptr);
  EXPECT_EQ(harness_.Last<TcpFailed>()->cause, TcpFailed::Cause::kRefused);
  EXPECT_EQ(harness_.Count<TcpFailed>(Side::kCore), 1);
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kFailed);
}

TEST_F(ContextTest, DP_06_A_10_AWrongCertificateFreesTheSlotAndTheRightOneStillGetsIn) {
  ReserveT1(Triggered());
  ReserveT2();
  ASSERT_THAT(ConfigureT1(), IsOk());
  UeConnects(other_certificate_);
  RunUntil([&] { return harness_.Count<TlsFailed>(Side::kAccess) == 1; });
  EXPECT_EQ(harness_.Last<TlsFailed>()->cause, TlsFailed::Cause::kFingerprintMismatch);
  EXPECT_EQ(harness_.Last<TlsFailed>()->attempts_left, 2u);
  EXPECT_EQ(harness_.Last<FingerprintMismatch>()->presented,
            other_certificate_.FingerprintBy(HashFunction::kSha256));
  RunUntil([&] { return ue_->alert() == 42; });  // bad_certificate
  // What the stranger triggered is gone.
  OwnedFd first = PeerAccepts();
  if (first) RunUntil([&] { return PeerIsReset(first); });

  UeConnects(certificate_);
  RunUntil([&] {
    return harness_.StateOf(Side::kAccess) == State::kEstablished &&
           harness_.StateOf(Side::kCore) == State::kEstablished;
  });
}

TEST_F(ContextTest, A_10_AfterThreeFailedAttemptsTheTerminationGivesUp) {
  ReserveT1(Triggered());
  ReserveT2();
  ASSERT_THAT(ConfigureT1(), IsOk());
  for (int attempt = 1; attempt <= 3; ++attempt) {
    UeConnects(other_certificate_);
    RunUntil([&] { return harness_.Count<TlsFailed>(Side::kAccess) == attempt; });
  }
  EXPECT_EQ(harness_.Last<TlsFailed>()->attempts_left, 0u);
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kFailed);
  // Failed or, if the core had taken our connection by then, released.
  EXPECT_FALSE(harness_.context().FindTermination(kT2)->active());
  EXPECT_EQ(ErrorReasonOf(ConfigureT1()), "TERMINATION_ENDED");
}

TEST_F(ContextTest, DP_09_PlaintextIsNotForwardedAndFreesTheSlot) {
  ReserveT1(Triggered());
  ReserveT2();
  ASSERT_THAT(ConfigureT1(), IsOk());
  OwnedFd plain =
      ContextHarness::Connect(ContextHarness::kUeAddress, harness_.LocalAddressOf(Side::kAccess));
  RunUntil([&] { return harness_.StateOf(Side::kAccess) == State::kTlsHandshake; });
  const std::string message = "MSRP d93kswow SEND\r\n";
  ASSERT_THAT(Send(plain.get(), absl::MakeConstSpan(message)), IsOk());
  RunUntil([&] { return harness_.Count<TlsFailed>(Side::kAccess) == 1; });
  EXPECT_EQ(harness_.Last<TlsFailed>()->cause, TlsFailed::Cause::kNotTls);
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kIdle);
}

TEST_F(ContextTest, DP_10_ASecondConnectionIsDropped) {
  Establish();
  OwnedFd second =
      ContextHarness::Connect(ContextHarness::kUeAddress, harness_.LocalAddressOf(Side::kAccess));
  RunFor(kSilence);
  pollfd entry{.fd = second.get(), .events = POLLOUT, .revents = 0};
  EXPECT_EQ(poll(&entry, 1, 0), 0);  // Neither connected nor refused.
}

TEST_F(ContextTest, DP_14_AnAnswerThatNeverComesEndsTheSetUp) {
  ReserveT1(Triggered());
  ReserveT2();
  harness_.SkipTime(absl::Seconds(179));
  harness_.Turn();
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kIdle);
  harness_.SkipTime(absl::Seconds(2));
  harness_.Turn();
  ASSERT_NE(harness_.Last<SetupTimedOut>(), nullptr);
  EXPECT_EQ(harness_.Last<SetupTimedOut>()->timer, SetupTimedOut::Timer::kAwaitConfiguration);
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kFailed);
  EXPECT_EQ(harness_.StateOf(Side::kCore), State::kFailed);
}

TEST_F(ContextTest, DP_14_APeerThatNeverConnectsEndsTheSetUp) {
  ReserveT1(Triggered());
  ReserveT2();
  ASSERT_THAT(ConfigureT1(), IsOk());
  harness_.SkipTime(absl::Seconds(31));
  harness_.Turn();
  EXPECT_EQ(harness_.Last<SetupTimedOut>()->timer, SetupTimedOut::Timer::kTcpEstablishment);
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kFailed);
}

TEST_F(ContextTest, DP_14_AHandshakeThatStandsStillCountsAsAnAttempt) {
  ReserveT1(Triggered());
  ReserveT2();
  ASSERT_THAT(ConfigureT1(), IsOk());
  OwnedFd silent =
      ContextHarness::Connect(ContextHarness::kUeAddress, harness_.LocalAddressOf(Side::kAccess));
  RunUntil([&] { return harness_.StateOf(Side::kAccess) == State::kTlsHandshake; });
  harness_.SkipTime(absl::Seconds(11));
  harness_.Turn();
  EXPECT_EQ(harness_.Last<TlsFailed>()->cause, TlsFailed::Cause::kTimedOut);
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kIdle);
}

TEST_F(ContextTest, TimersOfARequestReplaceTheConfiguredOnes) {
  BearerControl control = Triggered();
  control.await_configuration = absl::Seconds(1);
  ReserveT1(control);
  harness_.SkipTime(absl::Seconds(2));
  harness_.Turn();
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kFailed);
}

TEST_F(ContextTest, DP_12_TheEndOfOneDirectionLeavesTheOther) {
  Establish();
  const std::string last = "last words";
  ASSERT_THAT(Send(peer_.get(), absl::MakeConstSpan(last)), IsOk());
  ASSERT_THAT(ShutdownWrite(peer_.get()), IsOk());
  RunUntil([&] { return ue_->saw_close_notify(); });
  EXPECT_EQ(ue_->received(), last);
  ue_->Write("answer");
  RunUntil([&] { return PeerReceives(peer_) == "answer"; });
  ue_->CloseNotify();
  ue_->ShutdownWrite();
  RunUntil([&] { return harness_.Count<BearerReleased>(Side::kCore) == 1; });
  EXPECT_EQ(harness_.Last<BearerReleased>()->cause, BearerReleased::Cause::kClosedByPeers);
  const absl::StatusOr<std::vector<Context::Released>> released =
      harness_.context().ReleaseTermination(0, absl::nullopt);
  ASSERT_THAT(released, IsOk());
  ASSERT_EQ(released->size(), 2u);
  EXPECT_EQ((*released)[0].second.received_byte_count, 6u);
  EXPECT_EQ((*released)[0].second.sent_byte_count, last.size());
}

TEST_F(ContextTest, AHalfClosedConnectionThatIsSilentEnds) {
  Establish();
  ASSERT_THAT(ShutdownWrite(peer_.get()), IsOk());
  RunUntil([&] { return ue_->saw_close_notify(); });
  // What is acknowledged in the first half of the time begins it anew.
  for (int i = 0; i < 2; ++i) {
    harness_.SkipTime(harness_.limits().half_close_time + absl::Seconds(1));
    harness_.Turn();
  }
  ASSERT_NE(harness_.Last<BearerReleased>(), nullptr);
  EXPECT_EQ(harness_.Last<BearerReleased>()->cause, BearerReleased::Cause::kTimedOut);
}

TEST_F(ContextTest, R_AGW_23_AResetOnOneSideIsAResetOnTheOther) {
  Establish();
  ue_->Close(/*reset=*/true);
  RunUntil([&] { return harness_.StateOf(Side::kCore) == State::kReleased; });
  EXPECT_TRUE(PeerIsReset(peer_));
  EXPECT_EQ(harness_.Count<BearerReleased>(Side::kAccess), 1);
  EXPECT_EQ(harness_.Last<BearerReleased>()->cause, BearerReleased::Cause::kOtherSideEnded);
}

TEST_F(ContextTest, ReleasingOneTerminationEndsTheOtherOnesConnection) {
  Establish();
  ASSERT_THAT(harness_.context().ReleaseTermination(1, Side::kAccess), IsOk());
  EXPECT_EQ(harness_.StateOf(Side::kCore), State::kReleased);
  RunUntil([&] { return PeerIsReset(peer_); });
}

TEST_F(ContextTest, DP_17_ReleaseAtAnyMomentGivesThePortsBack) {
  struct Moment {
    const char* name;
    std::function<void()> reach;
  };
  const Moment moments[] = {
      {"reserved", [&] { ReserveT1({}), ReserveT2(); }},
      {"configured", [&] { ReserveT1({}), ReserveT2(), (void)ConfigureT1(); }},
      {"held",
       [&] {
         ReserveT1(WithPolicy(SynPolicy::Kind::kLatch, Triggered()));
         ReserveT2();
         UeConnects(certificate_);
         RunUntil([&] { return harness_.StateOf(Side::kCore) == State::kEstablished; });
       }},
      {"established", [&] { Establish(); }},
  };
  for (const Moment& moment : moments) {
    SCOPED_TRACE(moment.name);
    moment.reach();
    EXPECT_EQ(harness_.ports_in_use(), 2u);
    ASSERT_THAT(harness_.context().ReleaseTermination(0, absl::nullopt), IsOk());
    EXPECT_TRUE(harness_.context().empty());
    EXPECT_EQ(harness_.ports_in_use(), 0u);
    if (ue_ != nullptr && moment.name != std::string("configured")) {
      RunUntil([&] { return ue_->saw_end() || !ue_->Step(); });
    }
    ue_.reset();
    peer_.reset();
    while (PeerAccepts()) continue;
    harness_.Turn();
  }
}

TEST_F(ContextTest, AContextThatEverybodyForgotReportsItself) {
  ReserveT2();  // Waits for a first termination that will never come.
  harness_.SkipTime(harness_.limits().hold_time + absl::Seconds(1));
  harness_.Turn();
  EXPECT_TRUE(harness_.hanging());
}

TEST_F(ContextTest, AContextWithAConnectionIsNotForgotten) {
  Establish();
  harness_.SkipTime(harness_.limits().hold_time + absl::Seconds(1));
  harness_.Turn();
  EXPECT_FALSE(harness_.hanging());
}

TEST_F(ContextTest, TheControllerStateIsWrittenOnlyOnTopOfTheExpectedRevision) {
  ASSERT_THAT(harness_.context().ReserveConnectionPoint(kT2, {}, absl::nullopt, {},
                                                        ControllerStateUpdate{"one", 0}),
              IsOk());
  EXPECT_EQ(harness_.context().controller_state(), "one");
  const absl::Status stale = harness_.context().ConfigureConnectionPoint(
      kT2, {*LocalAddress(listener_.get()), {}}, {}, ControllerStateUpdate{"two", 0});
  EXPECT_THAT(stale, StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(ErrorReasonOf(stale), "REVISION_CONFLICT");
  // Nothing of the request was done.
  EXPECT_FALSE(harness_.context().FindTermination(kT2)->policy().remote().address.has_value());
  ASSERT_THAT(
      harness_.context().ConfigureConnectionPoint(kT2, {}, {}, ControllerStateUpdate{"two", 1}),
      IsOk());
  EXPECT_EQ(harness_.context().controller_state_revision(), 2u);
}

TEST_F(ContextTest, EveryReservationMayCarryTheSameFirstControllerState) {
  const ControllerStateUpdate record{"offer one", 0};
  EXPECT_THAT(harness_.context().ReserveConnectionPoint(kT2, {}, absl::nullopt, {}, record),
              IsOk());
  const uint64_t revision = harness_.context().controller_state_revision();
  EXPECT_THAT(
      harness_.context().ReserveConnectionPoint({2, Side::kCore}, {}, absl::nullopt, {}, record),
      IsOk());
  EXPECT_EQ(harness_.context().controller_state_revision(), revision);

  const absl::Status other = harness_.context().ReserveConnectionPoint(
      {3, Side::kCore}, {}, absl::nullopt, {}, ControllerStateUpdate{"offer two", 0});
  EXPECT_THAT(other, StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(ErrorReasonOf(other), "REVISION_CONFLICT");
  EXPECT_EQ(harness_.context().FindTermination({3, Side::kCore}), nullptr);
}

TEST_F(ContextTest, AReleaseThatExpectsAnotherRevisionReleasesNothing) {
  ASSERT_THAT(harness_.context().ReserveConnectionPoint(kT2, {}, absl::nullopt, {},
                                                        ControllerStateUpdate{"one", 0}),
              IsOk());
  for (const uint64_t revision : {0u, 2u}) {
    const absl::Status stale =
        harness_.context().ReleaseTermination(0, absl::nullopt, revision).status();
    EXPECT_THAT(stale, StatusIs(absl::StatusCode::kAborted)) << revision;
    EXPECT_EQ(ErrorReasonOf(stale), "REVISION_CONFLICT") << revision;
    EXPECT_NE(harness_.context().FindTermination(kT2), nullptr) << revision;
  }
  EXPECT_THAT(harness_.context().ReleaseTermination(1, Side::kCore, 1), IsOk());
  EXPECT_TRUE(harness_.context().empty());
}

TEST_F(ContextTest, AnEstablishedConnectionTakesTheSameValuesAgainButNoOthers) {
  Establish();
  EXPECT_THAT(ConfigureT1(), IsOk());
  BearerControl active;
  active.tcp_role = TcpRole::kActive;
  EXPECT_EQ(ErrorReasonOf(ConfigureT1(certificate_, active)), "CONNECTION_EXISTS");
  EXPECT_EQ(harness_.StateOf(Side::kAccess), State::kEstablished);
}

}  // namespace
}  // namespace agw
