// Which SYNs are answered, and when.

#include <string>

#include "tests/integration/testing/data_plane_test.h"
#include "tests/integration/testing/iq_session.h"

namespace integration {
namespace {

namespace alg = ims::alg::v1;
namespace iq = ims::iq::v1;
using common::IsOk;
using common::StatusIs;
using iq::Notification;
using peers::Connection;

// Long enough for an answer on loopback to be seen if there were one.
constexpr absl::Duration kSilence = absl::Milliseconds(300);

bool GetsNoAnswer(peers::Socket& socket) {
  return absl::IsDeadlineExceeded(socket.WaitConnected(kSilence));
}

class SynGateTest : public DataPlaneTest {};

TEST_P(SynGateTest, DP_01_EarlySynIsDroppedAndItsRetransmissionAccepted) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_OK_AND_ASSIGN(peers::Socket phone, session.StartPhone());
  const absl::optional<Notification> dropped = session.WaitFor(Notification::kSynDropped);
  ASSERT_TRUE(dropped.has_value());
  EXPECT_GE(dropped->syn_dropped().dropped_count(), 1u);
  EXPECT_TRUE(GetsNoAnswer(phone));
  EXPECT_TRUE(session.core_listener().StaysQuiet(absl::ZeroDuration()));
  ASSERT_THAT(session.Answer(), IsOk());
  EXPECT_THAT(phone.WaitConnected(), IsOk());
  EXPECT_GE(phone.tcp_facts().retransmission_count, 1u);
  ASSERT_OK_AND_ASSIGN(const iq::TerminationAudit t1, session.Audit(iq::SIDE_ACCESS));
  EXPECT_EQ(t1.dropped_syn_count(), phone.tcp_facts().retransmission_count);
  EXPECT_TRUE(metrics().AgwCounted("iqgate_agw_dropped_syns_total",
                                   phone.tcp_facts().retransmission_count));
}

TEST_P(SynGateTest, DP_02_LatchedSynIsAcceptedAndTlsIsHeld) {
  Session session(services_, {.family = family(), .early_syn = alg::EARLY_SYN_LATCH});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
  EXPECT_EQ(phone.socket().tcp_facts().retransmission_count, 0u);
  // Interlinkage does not wait for the answer.
  ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
  ASSERT_OK_AND_ASSIGN(const iq::TerminationAudit t1, session.Audit(iq::SIDE_ACCESS));
  EXPECT_EQ(ToText(t1.remote().address()), phone.socket().local_address().ToString());

  // With TLS 1.2 the phone sees the hold: the IMS-AGW's Finished does not come.
  peers::TlsOptions tls = session.PhoneTls();
  tls.max_version = TLS1_2_VERSION;
  EXPECT_THAT(phone.StartTls(tls, kSilence), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(session.Seen(Notification::kTlsEstablished, iq::SIDE_ACCESS));
  ASSERT_THAT(core.Send("from the core"), IsOk());
  EXPECT_FALSE(core.socket().WaitReadable(absl::ZeroDuration()));

  ASSERT_THAT(session.Answer(), IsOk());
  ASSERT_THAT(phone.ContinueTls(), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::string received, phone.Receive(13));
  EXPECT_EQ(received, "from the core");
}

TEST_P(SynGateTest, DP_03_AnotherSourceStaysDropped) {
  if (family() == Family::kIpv6) {
    GTEST_SKIP() << "NOT TESTED over IPv6: its loopback has one address; "
                    "SourcesCanBeToldApartByPort has IPv6";
  }
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_THAT(session.Answer(), IsOk());
  ASSERT_OK_AND_ASSIGN(peers::Socket stranger, session.StartFrom(AddressesOf(family()).stranger));
  EXPECT_TRUE(GetsNoAnswer(stranger));
  ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
  ASSERT_THAT(phone.StartTls(session.PhoneTls()), IsOk());
  EXPECT_TRUE(GetsNoAnswer(stranger));
}

TEST_P(SynGateTest, DP_03_SourcesCanBeToldApartByPort) {
  IqSession session(services_, family());
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  ASSERT_THAT(session.ReserveCore(), IsOk());
  const common::IpAddress phone_ip = AddressesOf(family()).phone;
  // A port that is free: one that was just given back.
  ASSERT_OK_AND_ASSIGN(const peers::RefusingPort free, peers::RefusingPort::Bind(phone_ip));
  iq::SynPolicy::Source* source = session.configure_access.mutable_bearer_control()
                                      ->mutable_syn_policy()
                                      ->mutable_accept_from()
                                      ->add_sources();
  source->set_ip_address(phone_ip.ToString());
  source->set_port(free.address().port);
  ASSERT_THAT(session.ConfigureAccess(), IsOk());
  ASSERT_OK_AND_ASSIGN(peers::Socket wrong_port,
                       peers::Socket::StartConnect({.ip = phone_ip, .port = 0}, session.t1()));
  EXPECT_TRUE(GetsNoAnswer(wrong_port));
  ASSERT_OK_AND_ASSIGN(peers::Socket right_port,
                       peers::Socket::StartConnect(free.address(), session.t1()));
  EXPECT_THAT(right_port.WaitConnected(), IsOk());
}

TEST_P(SynGateTest, DP_10_SecondConnectionIsDroppedWhileTheFirstIsVerified) {
  Session session(services_, {.family = family(), .early_syn = alg::EARLY_SYN_LATCH});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
  ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
  // The IMS-AGW has the certificate and waits for the fingerprint.
  ASSERT_THAT(phone.StartTls(session.PhoneTls()), IsOk());
  ASSERT_OK_AND_ASSIGN(peers::Socket second, session.StartPhone());
  EXPECT_TRUE(GetsNoAnswer(second));
  ASSERT_THAT(session.Answer(), IsOk());
  ASSERT_THAT(phone.Send("undisturbed"), IsOk());
  EXPECT_THAT(core.Receive(11), IsOk());
  EXPECT_TRUE(GetsNoAnswer(second));
  EXPECT_TRUE(session.core_listener().StaysQuiet(absl::ZeroDuration()));
}

TEST_P(SynGateTest, DP_10_SecondConnectionIsDroppedBesideAnEstablishedOne) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Establish(), IsOk());
  ASSERT_OK_AND_ASSIGN(peers::Socket second, session.StartPhone());
  EXPECT_TRUE(GetsNoAnswer(second));
  ASSERT_THAT(session.phone().Send("undisturbed"), IsOk());
  EXPECT_THAT(session.core().Receive(11), IsOk());
}

TEST_P(SynGateTest, NothingAnswersAtAPortThatWasReleased) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_THAT(session.Release(), IsOk());
  ASSERT_OK_AND_ASSIGN(peers::Socket late, session.StartPhone());
  // The port is the kernel's again: it refuses.
  EXPECT_THAT(late.WaitConnected(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(SynGateTest, TheUesSignallingAddressIsLetInWhereThereIsNat) {
  if (family() == Family::kIpv6)
    GTEST_SKIP() << "NOT TESTED over IPv6: its loopback has one address";
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_THAT(session.Answer("active", 9, AddressesOf(family()).stranger), IsOk());
  ASSERT_OK_AND_ASSIGN(peers::Socket behind_nat, session.StartFrom(AddressesOf(family()).stranger));
  EXPECT_THAT(behind_nat.WaitConnected(), IsOk());
}

INSTANTIATE_FOR_BOTH_FAMILIES(SynGateTest);

}  // namespace
}  // namespace integration
