// TLS on T1: who gets in, who does not, and with which alert.

#include <string>
#include <thread>
#include <utility>

#include "openssl/ssl.h"
#include "tests/integration/testing/data_plane_test.h"
#include "tests/integration/testing/heap.h"
#include "tests/peers/certificate.h"

namespace integration {
namespace {

namespace alg = ims::alg::v1;
namespace iq = ims::iq::v1;
using common::IsOk;
using common::StatusIs;
using iq::Notification;
using peers::Connection;
using peers::Ending;

constexpr uint16_t kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

class TlsTest : public DataPlaneTest {
 protected:
  // A session that waits for its UE.
  absl::Status Prepare(Session& session) {
    absl::Status status = session.Offer();
    return status.ok() ? session.Answer() : status;
  }

  // Connects and tries TLS with these options, which the IMS-AGW must refuse, and to send if they
  // let it. The alert is in `alert_`.
  void Try(Session& session, const peers::TlsOptions& options) {
    absl::StatusOr<Connection> phone = session.ConnectPhone();
    ASSERT_THAT(phone, IsOk());
    // With TLS 1.3 a client hears only afterwards that it was refused.
    if (phone->StartTls(options).ok()) {
      phone->Send("not for you").IgnoreError();
      EXPECT_NE(phone->WaitForEnd(), Ending::kNone);
    }
    alert_ = phone->received_alert();
  }

  // The connection to the core that was triggered too early ends, and nothing was said on it.
  void ExpectNothingToTheCore(Session& session) {
    ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
    EXPECT_NE(core.WaitForEnd(), Ending::kNone);
    EXPECT_EQ(core.received_byte_count(), 0u);
  }

  absl::optional<Notification> WaitForFailure(Session& session,
                                              Notification::TlsFailed::Cause cause) {
    return services_.notifications().WaitFor([&](const Notification& notification) {
      return notification.has_tls_failed() &&
             notification.termination().context_id() == session.context_id() &&
             notification.tls_failed().cause() == cause;
    });
  }

  absl::optional<int> alert_;
};

TEST_P(TlsTest, EachVersionAndKeyTypeIsServed) {
  for (const uint16_t version : kVersions) {
    for (const peers::KeyType key_type : {peers::KeyType::kEcdsaP256, peers::KeyType::kRsa2048}) {
      Session session(services_, {.family = family()}, key_type);
      ASSERT_THAT(Prepare(session), IsOk());
      ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
      peers::TlsOptions options = session.PhoneTls();
      options.min_version = options.max_version = version;
      ASSERT_THAT(phone.StartTls(options), IsOk());
      const absl::optional<Notification> established =
          session.WaitFor(Notification::kTlsEstablished);
      ASSERT_TRUE(established.has_value());
      EXPECT_EQ(established->tls_established().protocol_version(), phone.tls_version());
      EXPECT_EQ(established->tls_established().cipher_suite(), phone.cipher_suite());
      const absl::optional<Notification> verified =
          session.WaitFor(Notification::kFingerprintVerified);
      ASSERT_TRUE(verified.has_value());
      EXPECT_EQ(verified->fingerprint_verified().fingerprint().digest(),
                session.certificate().digest());
    }
  }
}

TEST_P(TlsTest, DP_05_NoClientCertificate) {
  for (const uint16_t version : kVersions) {
    Session session(services_, {.family = family()});
    ASSERT_THAT(Prepare(session), IsOk());
    peers::TlsOptions options = session.PhoneTls();
    options.certificate = nullptr;
    options.min_version = options.max_version = version;
    Try(session, options);
    ASSERT_TRUE(alert_.has_value());
    EXPECT_EQ(*alert_,
              version == TLS1_3_VERSION ? SSL_AD_CERTIFICATE_REQUIRED : SSL_AD_BAD_CERTIFICATE);
    EXPECT_TRUE(WaitForFailure(session, Notification::TlsFailed::CAUSE_NO_CERTIFICATE).has_value());
    ExpectNothingToTheCore(session);
  }
  EXPECT_TRUE(metrics().Notified("tls_failed", "no_certificate", "access", 2));
}

TEST_P(TlsTest, DP_06_OtherCertificate) {
  RecordProperty("requirements", "R-AGW-05");
  const peers::Certificate other = peers::Certificate::SelfSigned();
  for (const uint16_t version : kVersions) {
    Session session(services_, {.family = family()});
    ASSERT_THAT(Prepare(session), IsOk());
    peers::TlsOptions options = session.PhoneTls();
    options.certificate = &other;
    options.min_version = options.max_version = version;
    Try(session, options);
    EXPECT_EQ(alert_, SSL_AD_BAD_CERTIFICATE);
    const absl::optional<Notification> mismatch =
        session.WaitFor(Notification::kFingerprintMismatch);
    ASSERT_TRUE(mismatch.has_value());
    EXPECT_EQ(mismatch->fingerprint_mismatch().presented().digest(), other.digest());
    EXPECT_TRUE(
        WaitForFailure(session, Notification::TlsFailed::CAUSE_FINGERPRINT_MISMATCH).has_value());
    ExpectNothingToTheCore(session);
  }
  EXPECT_TRUE(metrics().Notified("fingerprint_mismatch", "", "access", 2));
  EXPECT_TRUE(metrics().Notified("tls_failed", "fingerprint_mismatch", "access", 2));
}

TEST_P(TlsTest, DP_07_OldTlsOnly) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(Prepare(session), IsOk());
  peers::TlsOptions options = session.PhoneTls();
  options.min_version = TLS1_1_VERSION;
  options.max_version = TLS1_1_VERSION;
  Try(session, options);
  EXPECT_EQ(alert_, SSL_AD_PROTOCOL_VERSION);
  EXPECT_TRUE(WaitForFailure(session, Notification::TlsFailed::CAUSE_PROTOCOL_VERSION).has_value());
  EXPECT_TRUE(metrics().Notified("tls_failed", "protocol_version", "access"));
  ExpectNothingToTheCore(session);
}

TEST_P(TlsTest, DP_08_R_AGW_07_DataOfTheFirstFlightWaitsForTheAnswer) {
  RecordProperty("requirements", "R-AGW-04");
  Session session(services_, {.family = family(), .early_syn = alg::EARLY_SYN_LATCH});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
  ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
  // With TLS 1.3 the client may send right behind its Finished, as much as the kernels take.
  ASSERT_THAT(phone.StartTls(session.PhoneTls()), IsOk());
  const std::string bytes = NumberedLines(32 << 20);
  const size_t allocated = AllocatedByteCount();
  size_t sent = 0;
  while (sent < bytes.size()) {
    ASSERT_OK_AND_ASSIGN(const size_t count,
                         phone.SendSome(absl::string_view(bytes).substr(sent, 1 << 20)));
    if (count == 0 && !phone.socket().WaitWritable(absl::Seconds(2))) break;
    sent += count;
  }
  EXPECT_LT(sent, bytes.size()) << "what is held is not bounded";
  EXPECT_LT(AllocatedByteCount(), allocated + (512 << 10)) << "held by the IMS-AGW, not the kernel";
  EXPECT_FALSE(core.socket().WaitReadable(absl::Milliseconds(100)));

  ASSERT_THAT(session.Answer(), IsOk());
  // With what did not fit before: a record of which the kernel took a part must be completed.
  const size_t size = sent + (1 << 20);
  std::thread sender(
      [&] { EXPECT_THAT(phone.Send(absl::string_view(bytes).substr(sent, size - sent)), IsOk()); });
  absl::StatusOr<std::string> received = core.Receive(size);
  sender.join();
  ASSERT_THAT(received, IsOk());
  EXPECT_TRUE(*received == absl::string_view(bytes).substr(0, size));
}

TEST_P(TlsTest, DP_08_HeldDataIsNeverForwardedAfterAMismatch) {
  Session session(services_, {.family = family(), .early_syn = alg::EARLY_SYN_LATCH});
  ASSERT_THAT(session.Offer(), IsOk());
  const peers::Certificate other = peers::Certificate::SelfSigned();
  ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
  ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
  peers::TlsOptions options = session.PhoneTls();
  options.certificate = &other;
  ASSERT_THAT(phone.StartTls(options), IsOk());
  ASSERT_THAT(phone.Send("not for you"), IsOk());
  ASSERT_THAT(session.Answer(), IsOk());
  EXPECT_NE(phone.WaitForEnd(), Ending::kNone);
  EXPECT_EQ(phone.received_alert(), SSL_AD_BAD_CERTIFICATE);
  EXPECT_NE(core.WaitForEnd(), Ending::kNone);
  EXPECT_EQ(core.received_byte_count(), 0u);
}

class PlaintextTest : public TlsTest {
 protected:
  // The phone begins with MSRP where a ClientHello should be, and then does as it should.
  void Play(alg::CoreConnect core_connect, alg::EarlySyn early_syn) {
    const bool latch = early_syn == alg::EARLY_SYN_LATCH;
    Session session(services_,
                    {.family = family(), .core_connect = core_connect, .early_syn = early_syn});
    ASSERT_THAT(session.Offer(), IsOk());
    if (!latch) {
      ASSERT_THAT(session.Answer(), IsOk());
    }
    ASSERT_OK_AND_ASSIGN(Connection plain, session.ConnectPhone());
    ASSERT_THAT(plain.Send("MSRP a786hjs2 SEND\r\nTo-Path: msrp://x;tcp\r\n"), IsOk());
    EXPECT_NE(plain.WaitForEnd(), Ending::kNone);
    EXPECT_TRUE(WaitForFailure(session, Notification::TlsFailed::CAUSE_NOT_TLS).has_value());
    EXPECT_TRUE(metrics().Notified("tls_failed", "not_tls", "access"));
    if (core_connect == alg::CORE_CONNECT_TRIGGERED) ExpectNothingToTheCore(session);

    if (latch) {
      ASSERT_THAT(session.Answer(), IsOk());
    }
    ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
    ASSERT_THAT(phone.StartTls(session.PhoneTls()), IsOk());
    ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
    ASSERT_THAT(phone.Send("now"), IsOk());
    ASSERT_OK_AND_ASSIGN(const std::string received, core.Receive(3));
    EXPECT_EQ(received, "now");
  }
};

TEST_P(PlaintextTest, DP_09_IsNeverForwardedAndTheSlotIsFreeAgain) {
  Play(alg::CORE_CONNECT_TRIGGERED, alg::EARLY_SYN_DROP);
}

TEST_P(PlaintextTest, DP_09_IsNeverForwardedWhereAnEarlySynIsLatched) {
  Play(alg::CORE_CONNECT_TRIGGERED, alg::EARLY_SYN_LATCH);
}

TEST_P(PlaintextTest, DP_09_DoesNotEvenConnectToTheCoreWhereTlsTriggers) {
  Play(alg::CORE_CONNECT_TRIGGERED_BY_TLS, alg::EARLY_SYN_DROP);
}

// A phone that has talked to another TLS server, which resumes sessions.
absl::StatusOr<Connection> ConnectToAnotherServer(SSL_CTX* resumption,
                                                  const peers::TlsOptions& options) {
  const peers::Certificate certificate = peers::Certificate::SelfSigned();
  absl::StatusOr<peers::Listener> listener = peers::Listener::Listen(peers::At("127.0.0.1:0"));
  if (!listener.ok()) return listener.status();
  absl::StatusOr<peers::Socket> socket =
      peers::Socket::Connect(peers::At("127.0.0.1:0"), listener->address());
  if (!socket.ok()) return socket.status();
  std::thread server([&] {
    ASSERT_OK_AND_ASSIGN(peers::Socket accepted, listener->Accept());
    Connection connection(std::move(accepted));
    ASSERT_THAT(connection.StartTls(
                    {.is_server = true, .certificate = &certificate, .resumption = resumption}),
                IsOk());
    EXPECT_THAT(connection.Send("x"), IsOk());
    connection.WaitForEnd();
  });
  Connection phone(*std::move(socket));
  absl::Status status = phone.StartTls(options);
  // Behind the tickets of TLS 1.3.
  if (status.ok()) status = phone.Receive(1).status();
  phone.CloseWrite();
  server.join();
  if (!status.ok()) return status;
  return phone;
}

TEST_P(TlsTest, DP_11_ForeignTicketOrSessionIdGetsAFullHandshake) {
  const std::pair<uint16_t, peers::Resumption> kinds[] = {
      {TLS1_2_VERSION, peers::Resumption::kTicket},
      {TLS1_2_VERSION, peers::Resumption::kSessionId},
      {TLS1_3_VERSION, peers::Resumption::kTicket}};
  for (const auto& [version, kind] : kinds) {
    Session session(services_, {.family = family()});
    ASSERT_THAT(Prepare(session), IsOk());
    peers::TlsOptions options = session.PhoneTls();
    options.expected_digest = "";
    options.min_version = options.max_version = version;
    const bssl::UniquePtr<SSL_CTX> other_server = peers::NewResumption(kind);
    ASSERT_OK_AND_ASSIGN(const Connection first,
                         ConnectToAnotherServer(other_server.get(), options));
    EXPECT_FALSE(first.resumed());
    const bssl::UniquePtr<SSL_SESSION> foreign = first.session();
    options.session = foreign.get();
    // It is offered, and good.
    ASSERT_OK_AND_ASSIGN(const Connection again,
                         ConnectToAnotherServer(other_server.get(), options));
    ASSERT_TRUE(again.resumed());

    ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
    ASSERT_THAT(phone.StartTls(options), IsOk());
    EXPECT_FALSE(phone.resumed());
    EXPECT_EQ(phone.peer_digest(), session.offered().digest);
    const absl::optional<Notification> verified =
        session.WaitFor(Notification::kFingerprintVerified);
    ASSERT_TRUE(verified.has_value());
    EXPECT_EQ(verified->fingerprint_verified().fingerprint().digest(),
              session.certificate().digest());
    EXPECT_EQ(phone.ticket_count(), 0);
  }
}

TEST_P(TlsTest, DP_11_GivesNoTicketsAndResumesNothing) {
  for (const uint16_t version : kVersions) {
    Session first(services_, {.family = family()});
    ASSERT_THAT(first.Establish(), IsOk());
    ASSERT_THAT(first.core().Send("so that tickets would have come"), IsOk());
    ASSERT_THAT(first.phone().Receive(31), IsOk());
    EXPECT_EQ(first.phone().ticket_count(), 0);

    Session second(services_, {.family = family()});
    ASSERT_THAT(Prepare(second), IsOk());
    ASSERT_OK_AND_ASSIGN(Connection phone, second.ConnectPhone());
    peers::TlsOptions options = second.PhoneTls();
    const bssl::UniquePtr<SSL_SESSION> old_session = first.phone().session();
    options.session = old_session.get();
    options.max_version = version;
    ASSERT_THAT(phone.StartTls(options), IsOk());
    EXPECT_FALSE(phone.resumed());
  }
}

TEST_P(TlsTest, A_10_ThirdFailedAttemptIsTheLast) {
  Session session(services_,
                  {.family = family(), .core_connect = alg::CORE_CONNECT_TRIGGERED_BY_TLS});
  ASSERT_THAT(Prepare(session), IsOk());
  const peers::Certificate other = peers::Certificate::SelfSigned();
  peers::TlsOptions options = session.PhoneTls();
  options.certificate = &other;
  for (uint32_t attempts_left : {2u, 1u, 0u}) {
    Try(session, options);
    EXPECT_EQ(alert_, SSL_AD_BAD_CERTIFICATE);
    EXPECT_TRUE(services_.notifications()
                    .WaitFor([&](const Notification& notification) {
                      return notification.has_tls_failed() &&
                             notification.termination().context_id() == session.context_id() &&
                             notification.tls_failed().attempts_left() == attempts_left;
                    })
                    .has_value())
        << attempts_left;
  }
  EXPECT_TRUE(metrics().Notified("tls_failed", "fingerprint_mismatch", "access", 3));
  EXPECT_TRUE(session.WaitForState(iq::SIDE_ACCESS, iq::TerminationAudit::STATE_FAILED));
  ASSERT_OK_AND_ASSIGN(const iq::TerminationAudit t1, session.Audit(iq::SIDE_ACCESS));
  EXPECT_EQ(t1.failed_attempt_count(), 3u);
  ASSERT_OK_AND_ASSIGN(peers::Socket fourth, session.StartPhone());
  EXPECT_FALSE(fourth.WaitConnected(absl::Milliseconds(200)).ok());
}

INSTANTIATE_FOR_BOTH_FAMILIES(TlsTest);
INSTANTIATE_FOR_BOTH_FAMILIES(PlaintextTest);

}  // namespace
}  // namespace integration
