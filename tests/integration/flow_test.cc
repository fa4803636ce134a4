// Both flows of TS 23.334 clause 6.2.10.3.1.2 from offer to release, and the roles the other way
// round.

#include <string>
#include <thread>

#include "common/error.h"
#include "tests/integration/testing/data_plane_test.h"
#include "tests/peers/certificate.h"
#include "tests/peers/msrp.h"

namespace integration {
namespace {

namespace alg = ims::alg::v1;
namespace iq = ims::iq::v1;
using common::IsOk;
using common::StatusIs;
using iq::Notification;
using peers::Connection;

// A chat message each way and a file from B to A; MSRP's paths must arrive as SDP had them.
void Talk(Session& session, Connection& phone_end, Connection& core_end) {
  peers::MsrpSession phone(&phone_end, session.phone_path(), session.core_path());
  peers::MsrpSession core(&core_end, session.core_path(), session.phone_path());
  const std::string file = std::string(700'000, 'f') + "\r\n-------t1id$\r\n";
  std::thread core_thread([&] {
    EXPECT_THAT(core.SendMessage("text/plain", "hello B"), IsOk());
    ASSERT_OK_AND_ASSIGN(const peers::MsrpMessage chat, core.ReceiveMessage());
    EXPECT_EQ(chat.body, "hello A");
    ASSERT_OK_AND_ASSIGN(const peers::MsrpMessage received, core.ReceiveMessage());
    EXPECT_EQ(peers::Sha256(received.body), peers::Sha256(file));
  });
  const absl::StatusOr<peers::MsrpMessage> chat = phone.ReceiveMessage();
  EXPECT_THAT(chat, IsOk());
  EXPECT_THAT(phone.SendMessage("text/plain", "hello A"), IsOk());
  EXPECT_THAT(phone.SendMessage("application/octet-stream", file), IsOk());
  core_thread.join();
}

void ExpectCounts(const alg::ReleaseSessionResponse& released, const Connection& phone,
                  const Connection& core) {
  ASSERT_EQ(released.streams_size(), 1);
  const alg::Stream& stream = released.streams(0);
  EXPECT_EQ(stream.access().received_byte_count(), phone.sent_byte_count());
  EXPECT_EQ(stream.access().sent_byte_count(), phone.received_byte_count());
  EXPECT_EQ(stream.core().received_byte_count(), core.sent_byte_count());
  EXPECT_EQ(stream.core().sent_byte_count(), core.received_byte_count());
}

class FlowTest : public DataPlaneTest {};

TEST_P(FlowTest, TS_01_UeActiveTriggered) {
  RecordProperty("requirements", "R-ALG-09 R-AGW-01 R-AGW-02 R-AGW-03");
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Offer(), IsOk());
  EXPECT_EQ(session.offered().transport, "TCP/TLS/MSRP");
  EXPECT_TRUE(session.offered().e2ae_applied);
  EXPECT_EQ(session.offered().path, session.core_path());
  EXPECT_EQ(session.offered().address.ip, AddressesOf(family()).access);
  ASSERT_OK_AND_ASSIGN(peers::Socket early, session.StartPhone());
  ASSERT_TRUE(session.WaitFor(Notification::kSynDropped).has_value());
  ASSERT_THAT(session.Answer(), IsOk());
  EXPECT_EQ(session.answered().transport, "TCP/MSRP");
  EXPECT_EQ(session.answered().fingerprint, "");
  EXPECT_EQ(session.answered().setup, "active");
  EXPECT_EQ(session.answered().address.ip, AddressesOf(family()).core);

  ASSERT_THAT(early.WaitConnected(), IsOk());
  EXPECT_GE(early.tcp_facts().retransmission_count, 1u);
  Connection phone(std::move(early));
  ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
  // The port announced in the answer is the source port.
  EXPECT_EQ(core.socket().remote_address(), session.answered().address);
  ASSERT_THAT(phone.StartTls(session.PhoneTls()), IsOk());
  Talk(session, phone, core);

  ASSERT_OK_AND_ASSIGN(const alg::ReleaseSessionResponse released, session.Release());
  ExpectCounts(released, phone, core);
  EXPECT_NE(phone.WaitForEnd(), peers::Ending::kNone);
  EXPECT_NE(core.WaitForEnd(), peers::Ending::kNone);
}

TEST_P(FlowTest, TS_02_UeActiveAlgOrdered) {
  // Latching, so that the UE is connected long before the order, and still nothing goes to the
  // core.
  Session session(services_, {.family = family(),
                              .core_connect = alg::CORE_CONNECT_ALG_ORDERED,
                              .early_syn = alg::EARLY_SYN_LATCH});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
  ASSERT_TRUE(session.WaitFor(Notification::kTcpEstablished).has_value());
  EXPECT_TRUE(session.core_listener().StaysQuiet(absl::Milliseconds(100)));
  ASSERT_OK_AND_ASSIGN(const iq::TerminationAudit t2, session.Audit(iq::SIDE_CORE));
  EXPECT_EQ(t2.state(), iq::TerminationAudit::STATE_IDLE);

  ASSERT_THAT(session.Answer(), IsOk());
  ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
  ASSERT_THAT(phone.StartTls(session.PhoneTls()), IsOk());
  Talk(session, phone, core);
  ASSERT_OK_AND_ASSIGN(const alg::ReleaseSessionResponse released, session.Release());
  ExpectCounts(released, phone, core);
}

// The UE listens, and is the TLS server; A connects to the IMS-AGW.
class UePassive : public FlowTest {
 protected:
  void PlayWith(const std::string& offer_setup) {
    const Addresses addresses = AddressesOf(family());
    absl::StatusOr<peers::Listener> phone_listener =
        peers::Listener::Listen({.ip = addresses.phone, .port = 0});
    ASSERT_THAT(phone_listener, IsOk());
    Session session(services_, {.family = family(), .offer_setup = offer_setup});
    ASSERT_THAT(session.Offer(), IsOk());
    EXPECT_EQ(session.offered().setup, offer_setup);
    ASSERT_OK_AND_ASSIGN(const iq::TerminationAudit reserved, session.Audit(iq::SIDE_ACCESS));
    EXPECT_EQ(
        reserved.bearer_control().interlinkage().topology() == iq::Interlinkage::TOPOLOGY_T1_TO_T2,
        offer_setup == "actpass");  // R-ALG-23
    ASSERT_THAT(session.Answer("passive", phone_listener->address().port), IsOk());
    EXPECT_EQ(session.answered().setup, "passive");

    ASSERT_OK_AND_ASSIGN(
        peers::Socket core_socket,
        peers::Socket::Connect({.ip = addresses.core_peer, .port = 0}, session.answered().address));
    Connection core(std::move(core_socket));
    ASSERT_OK_AND_ASSIGN(peers::Socket phone_socket, phone_listener->Accept());
    EXPECT_EQ(phone_socket.remote_address(), session.offered().address);
    Connection phone(std::move(phone_socket));
    peers::TlsOptions tls = session.PhoneTls();
    tls.is_server = true;
    ASSERT_THAT(phone.StartTls(tls), IsOk());
    Talk(session, phone, core);
    ASSERT_OK_AND_ASSIGN(const alg::ReleaseSessionResponse released, session.Release());
    ExpectCounts(released, phone, core);
  }
};

TEST_P(UePassive, TS_03_R_ALG_24_AnswersPassive) { PlayWith("actpass"); }

TEST_P(UePassive, TS_04_R_ALG_23_CoreOffersActive) { PlayWith("active"); }

TEST_P(FlowTest, TriggeredByTlsConnectsToTheCoreOnlyForTheRightUe) {
  Session session(services_,
                  {.family = family(), .core_connect = alg::CORE_CONNECT_TRIGGERED_BY_TLS});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_THAT(session.Answer(), IsOk());
  const peers::Certificate other = peers::Certificate::SelfSigned();
  ASSERT_OK_AND_ASSIGN(Connection intruder, session.ConnectPhone());
  peers::TlsOptions wrong = session.PhoneTls();
  wrong.certificate = &other;
  intruder.StartTls(wrong).IgnoreError();  // With TLS 1.3 it learns only later.
  ASSERT_TRUE(session.WaitFor(Notification::kFingerprintMismatch).has_value());
  EXPECT_TRUE(session.core_listener().StaysQuiet(absl::Milliseconds(50)));

  ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
  ASSERT_THAT(phone.StartTls(session.PhoneTls()), IsOk());
  ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
  Talk(session, phone, core);
}

TEST_P(FlowTest, RejectedOfferLeavesNothing) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Offer(), IsOk());
  EXPECT_EQ(services_.AgwStatus().context_count(), 1u);
  EXPECT_EQ(services_.PortsInUse(), 2u);
  alg::RejectOfferRequest request;
  request.set_session_id(session.session_id());
  EXPECT_THAT(Call(services_.alg(), &alg::SessionService::Stub::RejectOffer, request), IsOk());

  EXPECT_EQ(services_.AgwStatus().context_count(), 0u);
  EXPECT_TRUE(services_.WaitUntilIdle()) << "ports rest a millisecond";
  const absl::Status audit = session.Audit().status();
  EXPECT_THAT(audit, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(common::ErrorReasonOf(audit), "CONTEXT_UNKNOWN");
  const absl::Status answer = session.Answer();
  EXPECT_THAT(answer, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(common::ErrorReasonOf(answer), "SESSION_UNKNOWN");
  EXPECT_TRUE(metrics().Answered("ProcessAnswer", "error", "SESSION_UNKNOWN"));
  // Repeating it does nothing.
  EXPECT_THAT(Call(services_.alg(), &alg::SessionService::Stub::RejectOffer, request), IsOk());
  EXPECT_TRUE(metrics().Answered("RejectOffer", "ok", "", 2));
}

INSTANTIATE_FOR_BOTH_FAMILIES(FlowTest);
INSTANTIATE_FOR_BOTH_FAMILIES(UePassive);

}  // namespace
}  // namespace integration
