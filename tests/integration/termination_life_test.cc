// What an IMS-ALG orders over Iq in the life of a termination, with real ends over IPv4 and IPv6:
// connections that are replaced, forked answers, both ends connecting in, the roles of BFCP,
// application-aware MSRP, gates, and the history that an audit shows afterwards.

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/data_plane_test.h"
#include "tests/integration/testing/iq_session.h"
#include "tests/integration/testing/services.h"
#include "tests/peers/certificate.h"
#include "tests/peers/connection.h"
#include "tests/peers/socket.h"

namespace integration {
namespace {

namespace iq = ims::iq::v1;
using common::IsOk;
using iq::Notification;
using Stub = iq::MediaGatewayService::Stub;
using Released = Notification::BearerReleased;

class TerminationLifeTest : public DataPlaneTest {
 protected:
  absl::Status Configure(iq::ConfigureConnectionPointRequest request) {
    request.set_transaction_id(session_.NewTransaction());
    return Call(services_.iq(), &Stub::ConfigureConnectionPoint, request).status();
  }
  // For T2, with nothing in it yet.
  iq::ConfigureConnectionPointRequest ForCore() const {
    iq::ConfigureConnectionPointRequest request;
    *request.mutable_termination() = session_.reserve_core.termination();
    return request;
  }
  void ExpectThrough(peers::Connection& from, peers::Connection& to, const std::string& bytes) {
    ASSERT_THAT(from.Send(bytes), IsOk());
    const absl::StatusOr<std::string> received = to.Receive(bytes.size());
    ASSERT_THAT(received, IsOk());
    EXPECT_EQ(*received, bytes);
  }
  void ExpectBothWays(peers::Connection& phone, peers::Connection& core) {
    ExpectThrough(phone, core, "up");
    ExpectThrough(core, phone, "down");
  }

  IqSession session_{services_, GetParam()};
};

INSTANTIATE_FOR_BOTH_FAMILIES(TerminationLifeTest);

TEST_P(TerminationLifeTest, R_SDP_10_APhoneThatMovesIsServedOnBothConnections) {
  ASSERT_THAT(session_.Establish(), IsOk());
  ExpectBothWays(session_.phone(), session_.core());
  iq::ConfigureConnectionPointRequest order = session_.configure_access;
  order.mutable_bearer_control()->set_connection_request(iq::CONNECTION_REQUEST_NEW);
  ASSERT_THAT(Configure(order), IsOk());
  EXPECT_EQ(session_.Audit(iq::SIDE_ACCESS)->next_connection_state(),
            iq::TerminationAudit::STATE_IDLE);
  ExpectBothWays(session_.phone(), session_.core());

  absl::StatusOr<peers::Connection> next = session_.ConnectPhone();
  ASSERT_THAT(next, IsOk());
  ASSERT_THAT(next->StartTls(session_.PhoneTls()), IsOk());
  const absl::optional<Notification> released = session_.WaitFor(Notification::kBearerReleased);
  ASSERT_TRUE(released.has_value());
  EXPECT_EQ(released->bearer_released().cause(), Released::CAUSE_REPLACED);
  EXPECT_EQ(session_.phone().WaitForEnd(), peers::Ending::kCloseNotify);
  ExpectBothWays(*next, session_.core());
  EXPECT_EQ(session_.Audit(iq::SIDE_ACCESS)->connected_address().port(),
            next->socket().local_address().port);
}

TEST_P(TerminationLifeTest, R_ALG_63_ARefusedReOfferLeavesNoTrace) {
  ASSERT_THAT(session_.Establish(), IsOk());
  const iq::TerminationAudit before = *session_.Audit(iq::SIDE_ACCESS);
  iq::ConfigureConnectionPointRequest order = session_.configure_access;
  order.mutable_bearer_control()->set_connection_request(iq::CONNECTION_REQUEST_NEW);
  order.mutable_bearer_control()->set_stream_mode(iq::STREAM_MODE_INACTIVE);
  order.mutable_remote()->mutable_fingerprints(0)->set_digest(std::string(32, 'f'));
  ASSERT_THAT(Configure(order), IsOk());
  iq::ConfigureConnectionPointRequest keep;
  *keep.mutable_termination() = order.termination();
  keep.mutable_bearer_control()->set_connection_request(iq::CONNECTION_REQUEST_EXISTING);
  ASSERT_THAT(Configure(keep), IsOk());
  const iq::TerminationAudit after = *session_.Audit(iq::SIDE_ACCESS);
  EXPECT_EQ(after.remote().SerializeAsString(), before.remote().SerializeAsString());
  EXPECT_EQ(after.bearer_control().SerializeAsString(),
            before.bearer_control().SerializeAsString());
  ExpectBothWays(session_.phone(), session_.core());
}

TEST_P(TerminationLifeTest, A_15_TheAnswerOfAnotherBranchClosesWhatTheFirstOneAuthenticated) {
  ASSERT_THAT(session_.Establish(), IsOk());
  const peers::Certificate second = peers::Certificate::SelfSigned();
  iq::ConfigureConnectionPointRequest answer = session_.configure_access;
  answer.mutable_remote()->mutable_fingerprints(0)->set_digest(second.digest());
  ASSERT_THAT(Configure(answer), IsOk());
  EXPECT_EQ(session_.phone().WaitForEnd(), peers::Ending::kReset);
  EXPECT_EQ(session_.core().WaitForEnd(), peers::Ending::kReset);

  absl::StatusOr<peers::Connection> phone = session_.ConnectPhone();
  ASSERT_THAT(phone, IsOk());
  peers::TlsOptions tls = session_.PhoneTls();
  tls.certificate = &second;
  ASSERT_THAT(phone->StartTls(tls), IsOk());
  absl::StatusOr<peers::Connection> core = session_.AcceptCore();
  ASSERT_THAT(core, IsOk());
  ExpectBothWays(*phone, *core);
}

TEST_P(TerminationLifeTest, R_AGW_22_BothEndsConnectInAndAreJoinedAboveTls) {
  session_.reserve_access.mutable_bearer_control()->clear_interlinkage();
  iq::BearerControl* core_control = session_.reserve_core.mutable_bearer_control();
  core_control->set_tcp_role(iq::TCP_ROLE_PASSIVE);
  core_control->mutable_syn_policy()->mutable_accept_from();
  ASSERT_THAT(session_.ReserveAccess(), IsOk());
  const auto reserved =
      Call(services_.iq(), &Stub::ReserveAndConfigureConnectionPoint, session_.reserve_core);
  ASSERT_THAT(reserved, IsOk());
  ASSERT_THAT(session_.ConfigureAccess(), IsOk());
  absl::StatusOr<peers::Socket> core_socket =
      peers::Socket::Connect({.ip = AddressesOf(GetParam()).core_peer, .port = 0},
                             peers::At(ToText(reserved->local_address())));
  ASSERT_THAT(core_socket, IsOk());
  peers::Connection core(*std::move(core_socket));
  absl::StatusOr<peers::Connection> phone = session_.ConnectPhone();
  ASSERT_THAT(phone, IsOk());
  ASSERT_THAT(phone->StartTls(session_.PhoneTls()), IsOk());
  ExpectBothWays(*phone, core);
}

TEST_P(TerminationLifeTest, R_BFCP_02_TheOneThatConnectedIsTheTlsServer) {
  // The UE answered, so it is the TLS server whatever its TCP role (RFC 8856 clause 8).
  iq::BearerControl* control = session_.configure_access.mutable_bearer_control();
  control->set_tls_role(iq::TLS_ROLE_CLIENT);
  control->mutable_establish()->set_tls_session(true);
  ASSERT_THAT(session_.ReserveAccess(), IsOk());
  ASSERT_THAT(session_.ReserveCore(), IsOk());
  ASSERT_THAT(session_.ConfigureAccess(), IsOk());
  absl::StatusOr<peers::Connection> phone = session_.ConnectPhone();
  ASSERT_THAT(phone, IsOk());
  peers::TlsOptions tls = session_.PhoneTls();
  tls.is_server = true;
  ASSERT_THAT(phone->StartTls(tls), IsOk());
  absl::StatusOr<peers::Connection> core = session_.AcceptCore();
  ASSERT_THAT(core, IsOk());
  ExpectBothWays(*phone, *core);
}

TEST_P(TerminationLifeTest, R_BFCP_02_TheGatewayConnectsAndIsTheTlsServer) {
  absl::StatusOr<peers::Listener> listener =
      peers::Listener::Listen({.ip = AddressesOf(GetParam()).phone, .port = 0});
  ASSERT_THAT(listener, IsOk());
  *session_.configure_access.mutable_remote()->mutable_address() = ToProto(listener->address());
  iq::BearerControl* control = session_.configure_access.mutable_bearer_control();
  control->clear_syn_policy();
  control->set_tcp_role(iq::TCP_ROLE_ACTIVE);
  control->set_tls_role(iq::TLS_ROLE_SERVER);
  control->mutable_establish()->set_tcp_connection(true);
  ASSERT_THAT(session_.ReserveAccess(), IsOk());
  ASSERT_THAT(session_.ReserveCore(), IsOk());
  ASSERT_THAT(session_.ConfigureAccess(), IsOk());
  absl::StatusOr<peers::Socket> socket = listener->Accept();
  ASSERT_THAT(socket, IsOk());
  peers::Connection phone(*std::move(socket));
  ASSERT_THAT(phone.StartTls(session_.PhoneTls()), IsOk());
  absl::StatusOr<peers::Connection> core = session_.AcceptCore();
  ASSERT_THAT(core, IsOk());
  ExpectBothWays(phone, *core);
}

TEST_P(TerminationLifeTest, R_AGW_31_AnAwareStreamRewritesThePathsOfBothSides) {
  const std::string phone_path = "msrps://phone.example.com:9/ue;tcp";
  const std::string core_path = "msrp://core.example.com:7654/core;tcp";
  session_.reserve_access.mutable_local()->set_transport_protocol(
      iq::TRANSPORT_PROTOCOL_TCP_TLS_MSRP);
  session_.reserve_core.mutable_local()->set_transport_protocol(iq::TRANSPORT_PROTOCOL_TCP_MSRP);
  session_.reserve_core.mutable_remote()->add_msrp_path(core_path);
  session_.configure_access.mutable_remote()->add_msrp_path(phone_path);
  ASSERT_THAT(session_.Establish(), IsOk());
  const std::string to_core = session_.Audit(iq::SIDE_ACCESS)->local_msrp_path();
  const std::string to_phone = session_.Audit(iq::SIDE_CORE)->local_msrp_path();
  EXPECT_EQ(to_core,
            absl::StrCat("msrps://", ToText(session_.access().local_address()), "/core;tcp"));

  const auto message = [](absl::string_view to, absl::string_view from) {
    return absl::StrCat("MSRP d93kswow SEND\r\nTo-Path: ", to, "\r\nFrom-Path: ", from,
                        "\r\nMessage-ID: 12339\r\nByte-Range: 1-5/5\r\nContent-Type: text/plain"
                        "\r\n\r\nhello\r\n-------d93kswow$\r\n");
  };
  ASSERT_THAT(session_.phone().Send(message(to_core, phone_path)), IsOk());
  const std::string expected = message(core_path, to_phone);
  const absl::StatusOr<std::string> received = session_.core().Receive(expected.size());
  ASSERT_THAT(received, IsOk());
  EXPECT_EQ(*received, expected);

  ASSERT_THAT(session_.core().Send("this is not MSRP\r\n"), IsOk());
  const absl::optional<Notification> released =
      session_.WaitFor(Notification::kBearerReleased, iq::SIDE_CORE);
  ASSERT_TRUE(released.has_value());
  EXPECT_EQ(released->bearer_released().cause(), Released::CAUSE_PROTOCOL_ERROR);
}

TEST_P(TerminationLifeTest, R_AGW_11_AGateIsClosedAndOpened) {
  ASSERT_THAT(session_.Establish(), IsOk());
  iq::ConfigureConnectionPointRequest gate = ForCore();
  gate.mutable_bearer_control()->set_stream_mode(iq::STREAM_MODE_RECEIVE_ONLY);
  ASSERT_THAT(Configure(gate), IsOk());
  ASSERT_THAT(session_.phone().Send("held"), IsOk());
  ExpectThrough(session_.core(), session_.phone(), "down");
  EXPECT_FALSE(session_.core().socket().WaitReadable(absl::Milliseconds(200)));
  gate.mutable_bearer_control()->set_stream_mode(iq::STREAM_MODE_SEND_RECEIVE);
  ASSERT_THAT(Configure(gate), IsOk());
  const absl::StatusOr<std::string> received = session_.core().Receive(4);
  ASSERT_THAT(received, IsOk());
  EXPECT_EQ(*received, "held");
}

TEST_P(TerminationLifeTest, R_AGW_14_MediaInactivityIsNotified) {
  iq::MediaInactivityDetection* detection =
      session_.configure_access.mutable_bearer_control()->mutable_media_inactivity();
  detection->mutable_time()->set_seconds(1);
  ASSERT_THAT(session_.Establish(), IsOk());
  const absl::optional<Notification> told = session_.WaitFor(Notification::kMediaInactivity);
  ASSERT_TRUE(told.has_value());
  EXPECT_EQ(told->media_inactivity().direction(), iq::MediaInactivityDetection::DIRECTION_BOTH);
  ExpectBothWays(session_.phone(), session_.core());
}

TEST_P(TerminationLifeTest, TheHistoryTellsTheLadderOfASession) {
  ASSERT_THAT(session_.Establish(), IsOk());
  session_.core().Reset();
  ASSERT_TRUE(session_.WaitFor(Notification::kBearerReleased, iq::SIDE_CORE).has_value());
  iq::AuditContextRequest request;
  request.set_context_id(session_.context_id());
  const auto audit = Call(services_.iq(), &Stub::AuditContext, request);
  ASSERT_THAT(audit, IsOk());
  std::string ladder;
  for (const iq::HistoryEntry& entry : audit->history()) {
    if (entry.has_call()) {
      absl::StrAppend(&ladder, "call ", entry.call().procedure(), "\n");
    } else {
      absl::StrAppend(&ladder, "event ", entry.notification().kind_case(), " ",
                      entry.notification().termination().side(), "\n");
    }
  }
  const auto call = [](int procedure) { return absl::StrCat("call ", procedure, "\n"); };
  const auto event = [](Notification::KindCase kind, iq::Side side) {
    return absl::StrCat("event ", kind, " ", side, "\n");
  };
  // The handshake and the core side's connection go on at the same time.
  EXPECT_EQ(ladder.find(absl::StrCat(
                call(iq::HistoryEntry::PROCEDURE_RESERVE_CONNECTION_POINT),
                call(iq::HistoryEntry::PROCEDURE_RESERVE_AND_CONFIGURE_CONNECTION_POINT),
                call(iq::HistoryEntry::PROCEDURE_CONFIGURE_CONNECTION_POINT),
                event(Notification::kTcpEstablished, iq::SIDE_ACCESS))),
            0u)
      << ladder;
  for (const Notification::KindCase kind :
       {Notification::kFingerprintVerified, Notification::kTlsEstablished,
        Notification::kBearerReleased}) {
    EXPECT_NE(ladder.find(event(kind, iq::SIDE_ACCESS)), std::string::npos) << ladder;
  }
  EXPECT_NE(ladder.find(event(Notification::kTcpEstablished, iq::SIDE_CORE)), std::string::npos)
      << ladder;
  EXPECT_NE(ladder.find(event(Notification::kBearerReleased, iq::SIDE_CORE)), std::string::npos)
      << ladder;
}

}  // namespace
}  // namespace integration
