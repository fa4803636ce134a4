// Sequences of requests, and of what peers do meanwhile, that once went wrong. `IqScene` compares
// the audits with the kernel after each step.

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agw-service/context/event.h"
#include "agw-service/control/testing/iq_scene.h"
#include "agw-service/control/testing/iq_worker.h"
#include "agw-service/control/testing/request_maker.h"
#include "agw-service/control/testing/test_peer.h"
#include "agw-service/net/testing/fake_kernel.h"
#include "agw-service/tls/fingerprint.h"
#include "common/error.h"
#include "common/ip_address.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "ims/iq/v1/media_gateway_service.pb.h"
#include "ims/iq/v1/termination.pb.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;
using common::IsOk;

constexpr int kTurnsToSettle = 8;

iq::TransportAddress ToProto(const common::TransportAddress& address) {
  iq::TransportAddress proto;
  proto.set_ip_address(address.ip.ToString());
  proto.set_port(address.port);
  return proto;
}

class IqSequenceTest : public testing::Test {
 protected:
  // T1 for an active UE that presents `UeCertificate()`; T1 makes T2 connect.
  void ReserveAccess() {
    ASSERT_THAT(scene_.Call(maker_.SessionAccess("c", 1, true, false)), IsOk());
  }
  void ReserveCore() { ASSERT_THAT(scene_.Call(maker_.SessionCore("c", 1, false)), IsOk()); }
  iq::ConfigureConnectionPointRequest Answer() { return maker_.SessionAnswer("c", 1, true, false); }
  void AnswerAccess() { ASSERT_THAT(scene_.Call(Answer()), IsOk()); }

  // The answer of another UE than the first one.
  iq::ConfigureConnectionPointRequest ForkedAnswer() {
    iq::ConfigureConnectionPointRequest answer = Answer();
    answer.mutable_remote()->mutable_fingerprints(0)->set_digest(
        std::string(StrangersCertificate().FingerprintBy(HashFunction::kSha256).digest()));
    return answer;
  }
  void Release() {
    iq::ReleaseTerminationRequest release;
    release.mutable_termination()->set_context_id("c");
    release.set_transaction_id("release");
    ASSERT_THAT(scene_.Call(release), IsOk());
  }

  TestPeer& ConnectUe(TestPeer::Tls tls = TestPeer::Tls::kRightCertificate) {
    TestPeer& ue = *scene_.Connect(IqWorker::kUe, LocalAddress(iq::SIDE_ACCESS), tls);
    scene_.Turns(kTurnsToSettle);
    return ue;
  }
  void Establish() {
    ReserveAccess();
    ReserveCore();
    AnswerAccess();
    ConnectUe();
    ASSERT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_ESTABLISHED);
    ASSERT_EQ(At(iq::SIDE_CORE).state(), iq::TerminationAudit::STATE_ESTABLISHED);
  }

  iq::TerminationAudit At(iq::Side side) {
    const iq::AuditContextResponse audit = scene_.worker().Audit()["c"];
    for (const iq::TerminationAudit& termination : audit.terminations()) {
      if (termination.termination().side() == side) return termination;
    }
    return {};
  }
  common::TransportAddress LocalAddress(iq::Side side) {
    return *scene_.AddressOf(At(side).termination());
  }
  // Every call of the kind, from now on.
  void Fail(SystemCall failing, int error) {
    scene_.kernel().set_failure(
        [failing, error](SystemCall call) { return call == failing ? error : 0; });
  }
  void Mend() { scene_.kernel().set_failure(nullptr); }

  IqScene scene_{{}};
  const KnownPeers known_peers_{ToProto(scene_.ue_address()), ToProto(scene_.core_address())};
  OctetReader reader_{""};
  RequestMaker maker_{reader_, known_peers_};
};

TEST_F(IqSequenceTest, SessionThatGoesAsItShouldLeavesNothing) {
  Establish();
  for (const auto& peer : scene_.peers()) peer->Send(5000);
  scene_.Settle();
  for (const auto& peer : scene_.peers()) EXPECT_EQ(peer->received().size(), 5000u);
  Release();
  scene_.Finish();
}

// R-AGW-07.
TEST_F(IqSequenceTest, UeWithAnotherCertificateGetsNothingThroughAndAnotherMayCome) {
  ReserveAccess();
  ReserveCore();
  AnswerAccess();
  TestPeer& stranger = ConnectUe(TestPeer::Tls::kWrongCertificate);
  stranger.Send(100);
  scene_.Turns(kTurnsToSettle);
  EXPECT_EQ(scene_.Count<FingerprintMismatch>(), 1u);
  EXPECT_EQ(stranger.alert(), 42);  // bad_certificate
  for (const auto& peer : scene_.peers()) EXPECT_EQ(peer->received(), "");
  ConnectUe();
  EXPECT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_ESTABLISHED);
  scene_.Finish();
}

TEST_F(IqSequenceTest, ForkedAnswerBeforeTheOtherSideExistsLeavesNoTimerBehind) {
  ReserveAccess();
  AnswerAccess();
  ConnectUe();
  // It waits for T2 now.
  ASSERT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_ESTABLISHED);
  ASSERT_THAT(scene_.Call(ForkedAnswer()), IsOk());
  EXPECT_EQ(scene_.Count<BearerReleased>(), 1u);
  scene_.Advance(absl::Minutes(4));
  EXPECT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_FAILED);
  scene_.Finish();
}

TEST_F(IqSequenceTest, AuditForgetsWhoseConnectionWasGivenUp) {
  Establish();
  EXPECT_NE(At(iq::SIDE_ACCESS).remote().address().port(), 9u);
  ASSERT_THAT(scene_.Call(ForkedAnswer()), IsOk());
  EXPECT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_IDLE);
  EXPECT_EQ(At(iq::SIDE_ACCESS).remote().address().port(), 9u);
  scene_.Finish();
}

TEST_F(IqSequenceTest, AuditForgetsWhoFailedAndNamesWhomItConnectsTo) {
  ReserveAccess();
  ReserveCore();
  AnswerAccess();
  ConnectUe(TestPeer::Tls::kWrongCertificate);
  EXPECT_EQ(At(iq::SIDE_ACCESS).remote().address().port(), 9u);
  iq::ConfigureConnectionPointRequest order = Answer();
  *order.mutable_remote()->mutable_address() = known_peers_.ue;
  order.mutable_bearer_control()->set_tcp_role(iq::TCP_ROLE_ACTIVE);
  order.mutable_bearer_control()->set_tls_role(iq::TLS_ROLE_CLIENT);
  order.mutable_bearer_control()->mutable_establish()->set_tcp_connection(true);
  ASSERT_THAT(scene_.Call(order), IsOk());
  EXPECT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_CONNECTING);
  EXPECT_EQ(At(iq::SIDE_ACCESS).remote().address().port(), known_peers_.ue.port());
  scene_.Finish();
}

TEST_F(IqSequenceTest, LossOfThePresentConnectionGivesTheDescriptorOfTheNextOneBack) {
  Establish();
  TestPeer& ue = *scene_.peers().front();
  iq::ConfigureConnectionPointRequest next = Answer();
  next.mutable_bearer_control()->set_connection_request(iq::CONNECTION_REQUEST_NEW);
  ASSERT_THAT(scene_.Call(next), IsOk());
  EXPECT_EQ(At(iq::SIDE_ACCESS).next_connection_state(), iq::TerminationAudit::STATE_IDLE);
  ue.Reset();
  scene_.Turn();
  EXPECT_EQ(At(iq::SIDE_ACCESS).next_connection_state(), iq::TerminationAudit::STATE_UNSPECIFIED);
  EXPECT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_IDLE);
  ConnectUe();
  EXPECT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_ESTABLISHED);
  scene_.Finish();
}

TEST_F(IqSequenceTest, EndAmidAReplacementClosesTheGate) {
  Establish();
  iq::ConfigureConnectionPointRequest next = Answer();
  next.mutable_bearer_control()->set_connection_request(iq::CONNECTION_REQUEST_NEW);
  ASSERT_THAT(scene_.Call(next), IsOk());
  scene_.peers().back()->Reset();  // The core peer.
  scene_.Turn();
  EXPECT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_RELEASED);
  const size_t refused = scene_.worker().resources().counters.refused_connections;
  ConnectUe();
  EXPECT_EQ(scene_.worker().resources().counters.refused_connections, refused);
  EXPECT_EQ(At(iq::SIDE_ACCESS).dropped_syn_count(), 1u);
  scene_.Finish();
}

TEST_F(IqSequenceTest, GateIsClosedWhereThereIsNoMemoryForAFilter) {
  ReserveAccess();
  iq::ConfigureConnectionPointRequest latch = Answer();
  latch.mutable_bearer_control()->mutable_syn_policy()->mutable_latch();
  ASSERT_THAT(scene_.Call(latch), IsOk());
  Fail(SystemCall::kAttachFilter, ENOMEM);
  scene_.Advance(absl::Minutes(4));
  EXPECT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_FAILED);
  ConnectUe();
  EXPECT_EQ(At(iq::SIDE_ACCESS).dropped_syn_count(), 1u);
  scene_.Finish();
}

TEST_F(IqSequenceTest, SideThatConnectsAndCannotListenAgainFails) {
  ReserveAccess();
  ReserveCore();
  AnswerAccess();
  scene_.Connect(IqWorker::kUe, LocalAddress(iq::SIDE_ACCESS), TestPeer::Tls::kWrongCertificate);
  scene_.Turns(2);
  ASSERT_EQ(At(iq::SIDE_CORE).state(), iq::TerminationAudit::STATE_ESTABLISHED);
  Fail(SystemCall::kBind, EADDRINUSE);
  scene_.Turns(kTurnsToSettle);
  EXPECT_EQ(At(iq::SIDE_CORE).state(), iq::TerminationAudit::STATE_FAILED);
  EXPECT_EQ(scene_.Count<TcpFailed>(), 1u);
  scene_.Finish();
}

TEST_F(IqSequenceTest, ConnectionThatCannotBeWatchedIsResetAndAnotherMayCome) {
  ReserveAccess();
  ReserveCore();
  AnswerAccess();
  Fail(SystemCall::kWatch, ENOSPC);
  ConnectUe();
  EXPECT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_IDLE);
  EXPECT_EQ(scene_.Count<DescriptorShortage>(), 1u);
  EXPECT_EQ(scene_.worker().resources().counters.refused_connections, 1u);
  Mend();
  ConnectUe();
  EXPECT_EQ(At(iq::SIDE_ACCESS).state(), iq::TerminationAudit::STATE_ESTABLISHED);
  scene_.Finish();
}

TEST_F(IqSequenceTest, ReservationThatFailsInTheKernelSaysThatAnotherGatewayMayDo) {
  const iq::ReserveConnectionPointRequest request = maker_.SessionAccess("c", 1, true, false);
  for (const SystemCall call : {SystemCall::kSocket, SystemCall::kBind, SystemCall::kListen,
                                SystemCall::kAttachFilter, SystemCall::kWatch}) {
    for (const int error : PlausibleErrors(call)) {
      Fail(call, error);
      const absl::Status reserved = scene_.Call(request).status();
      EXPECT_EQ(reserved.code(), absl::StatusCode::kResourceExhausted) << reserved;
      const std::string reason = common::ErrorReasonOf(reserved);
      EXPECT_TRUE(reason == "NO_FREE_PORT" || reason == "DESCRIPTOR_LIMIT") << reserved;
    }
  }
  Mend();
  scene_.Advance(absl::Seconds(3));
  EXPECT_THAT(scene_.Call(request), IsOk());
  scene_.Finish();
}

}  // namespace
}  // namespace agw
