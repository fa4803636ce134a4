// The handshake of `TlsStream`: who is let in, who is not, and what the peer is told.

#include <openssl/ssl.h>

#include <string>

#include "absl/strings/str_format.h"
#include "agw-service/tls/testing/stream_and_peer.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::StatusIs;

// In both versions and both roles.
struct Variant {
  TlsRole role;
  uint16_t version;
};

class TlsHandshakeTest : public StreamAndPeer, public testing::WithParamInterface<Variant> {
 protected:
  TlsPeer::Options PeerOptions() const {
    TlsPeer::Options options;
    options.min_version = options.max_version = GetParam().version;
    options.certificate = &certificate_;
    return options;
  }
  void StartPair() { Start(GetParam().role, PeerOptions()); }
  bool is_server() const { return GetParam().role == TlsRole::kServer; }
  bool is_tls13() const { return GetParam().version == TLS1_3_VERSION; }
};

INSTANTIATE_TEST_SUITE_P(All, TlsHandshakeTest,
                         testing::Values(Variant{TlsRole::kServer, TLS1_2_VERSION},
                                         Variant{TlsRole::kServer, TLS1_3_VERSION},
                                         Variant{TlsRole::kClient, TLS1_2_VERSION},
                                         Variant{TlsRole::kClient, TLS1_3_VERSION}),
                         [](const auto& info) {
                           return absl::StrFormat(
                               "%s%s", info.param.role == TlsRole::kServer ? "Server" : "Client",
                               info.param.version == TLS1_2_VERSION ? "12" : "13");
                         });

TEST_P(TlsHandshakeTest, R_TLS_01_SucceedsWithTheRightFingerprint) {
  StartPair();
  stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
  RunHandshake();
  EXPECT_EQ(stream_->protocol_version(), is_tls13() ? "TLSv1.3" : "TLSv1.2");
  EXPECT_EQ(stream_->cipher_suite(),
            is_tls13() ? "TLS_AES_128_GCM_SHA256" : "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  EXPECT_EQ(stream_->presented_fingerprint(), certificate_.FingerprintBy(HashFunction::kSha256));
  EXPECT_EQ(stream_->failure(), absl::nullopt);
}

TEST_P(TlsHandshakeTest, R_SEC_15_PresentsOurCertificateAndAsksForThePeers) {
  StartPair();
  stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
  RunHandshake();
  const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(peer_->ssl());
  ASSERT_NE(chain, nullptr);
  ASSERT_EQ(sk_CRYPTO_BUFFER_num(chain), 1u);
  const CRYPTO_BUFFER* buffer = sk_CRYPTO_BUFFER_value(chain, 0);
  const absl::string_view presented(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(buffer)),
                                    CRYPTO_BUFFER_len(buffer));
  EXPECT_EQ(Fingerprint::Compute(HashFunction::kSha256, presented), identity_->fingerprint());
}

TEST_P(TlsHandshakeTest, R_SEC_20_IsHeldUntilTheFingerprintIsKnown) {
  StartPair();
  RunUntil([this] { return progress_ == Progress::kHeld; });
  EXPECT_FALSE(stream_->presented_fingerprint().has_value());
  // Asking again changes nothing.
  EXPECT_EQ(*stream_->Handshake(), Progress::kHeld);

  stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
  progress_ = *stream_->Handshake();
  RunHandshake();
}

TEST_P(TlsHandshakeTest, DP_06_AnotherCertificateIsAnsweredWithBadCertificate) {
  StartPair();
  const TestCertificate other = MakeTestCertificate();
  stream_->SetRemoteFingerprints(FingerprintsOf(other));
  RunUntilFailure();
  EXPECT_THAT(status_, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(stream_->failure(), TlsFailure::kFingerprintMismatch);
  EXPECT_EQ(stream_->presented_fingerprint(), certificate_.FingerprintBy(HashFunction::kSha256));

  RunUntil([this] { return peer_->alert() >= 0; });
  EXPECT_EQ(peer_->alert(), SSL_AD_BAD_CERTIFICATE);
}

TEST_P(TlsHandshakeTest, DP_06_AMismatchAfterAHoldIsAnsweredWithBadCertificateEvenIfWeCloseAtOnce) {
  StartPair();
  RunUntil([this] { return progress_ == Progress::kHeld; });
  stream_->SetRemoteFingerprints(FingerprintsOf(MakeTestCertificate()));
  EXPECT_THAT(stream_->Handshake(), StatusIs(absl::StatusCode::kDataLoss));
  stream_.reset();
  while (peer_->alert() < 0 && !peer_->saw_end()) peer_->Step();
  EXPECT_EQ(peer_->alert(), SSL_AD_BAD_CERTIFICATE);
}

TEST_P(TlsHandshakeTest, R_SEC_13_AMatchingSha1DoesNotRescueAMismatchingSha256) {
  StartPair();
  stream_->SetRemoteFingerprints(
      FingerprintSet({certificate_.FingerprintBy(HashFunction::kSha1),
                      MakeTestCertificate().FingerprintBy(HashFunction::kSha256)}));
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kFingerprintMismatch);
}

TEST_P(TlsHandshakeTest, R_SEC_10_ComparesWithTheHashFunctionGiven) {
  for (const auto hash_function :
       {HashFunction::kSha1, HashFunction::kSha224, HashFunction::kSha384, HashFunction::kSha512}) {
    StartPair();
    stream_->SetRemoteFingerprints(FingerprintSet({certificate_.FingerprintBy(hash_function)}));
    RunHandshake();
    EXPECT_EQ(stream_->presented_fingerprint(), certificate_.FingerprintBy(hash_function));
  }
}

TEST_P(TlsHandshakeTest, R_SEC_17_AnExpiredCertificateWithTheRightFingerprintIsValid) {
  const TestCertificate expired = MakeTestCertificate({.expired = true});
  TlsPeer::Options options = PeerOptions();
  options.certificate = &expired;
  Start(GetParam().role, options);
  stream_->SetRemoteFingerprints(FingerprintsOf(expired));
  RunHandshake();
}

TEST_P(TlsHandshakeTest, R_TLS_02_TakesRsaAndP384CertificatesOfThePeer) {
  for (const auto key_type : {TestKeyType::kRsa2048, TestKeyType::kP384}) {
    const TestCertificate certificate = MakeTestCertificate({.key_type = key_type});
    TlsPeer::Options options = PeerOptions();
    options.certificate = &certificate;
    Start(GetParam().role, options);
    stream_->SetRemoteFingerprints(FingerprintsOf(certificate));
    RunHandshake();
  }
}

TEST_P(TlsHandshakeTest, R_TLS_02_WorksWithEachGroup) {
  for (const int group : {NID_X9_62_prime256v1, NID_X25519, NID_secp384r1}) {
    // In TLS 1.2 a peer takes our P-256 certificate only if that is among its groups.
    if (!is_tls13() && group != NID_X9_62_prime256v1) continue;
    TlsPeer::Options options = PeerOptions();
    options.group = group;
    Start(GetParam().role, options);
    stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
    RunHandshake();
  }
}

TEST_P(TlsHandshakeTest, DP_09_PlainTextIsNotTls) {
  StartPair();
  step_peer_ = false;
  peer_->SendRaw("MSRP a786hjs2 SEND\r\nTo-Path: msrp://a.example:1/x;tcp\r\n");
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kNotTls);
}

TEST_P(TlsHandshakeTest, DP_09_SoIsHttp) {
  StartPair();
  step_peer_ = false;
  peer_->SendRaw("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kNotTls);
  // A fatal alert, then FIN.
  std::string received;
  for (bool ended = false; !ended;) {
    WaitFor(peer_->fd(), POLLIN);
    char buffer[4096];
    ASSERT_OK_AND_ASSIGN(const RecvResult result, Recv(peer_->fd(), absl::MakeSpan(buffer)));
    received.append(buffer, result.byte_count);
    ended = result.end_of_stream;
  }
  ASSERT_GE(received.size(), 7u);
  const std::string record = received.substr(received.size() - 7);
  EXPECT_EQ(record[0], SSL3_RT_ALERT);
  EXPECT_EQ(record[5], SSL3_AL_FATAL);
}

TEST_P(TlsHandshakeTest, APeerThatClosesAmidTheHandshakeIsToldFromOneThatErrs) {
  StartPair();
  step_peer_ = false;
  peer_->ShutdownWrite();
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kClosedByPeer);
  EXPECT_THAT(status_, StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(TlsHandshakeTest, APeerThatResetsAmidTheHandshakeHasClosed) {
  StartPair();
  stream_->Handshake().IgnoreError();
  const int stream_fd = stream_->fd();
  peer_->Close(/*reset=*/true);
  WaitFor(stream_fd, POLLIN);
  EXPECT_THAT(stream_->Handshake(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(stream_->failure(), TlsFailure::kClosedByPeer);
}

TEST_P(TlsHandshakeTest, GarbageInARecordIsAProtocolError) {
  StartPair();
  step_peer_ = false;
  peer_->SendRaw(absl::string_view("\x16\x03\x03\x00\x05\xff\x00\x00\x01\x00", 10));
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kProtocolError);
}

TEST_P(TlsHandshakeTest, AnAlertOfThePeerIsReported) {
  StartPair();
  step_peer_ = false;
  peer_->SendRaw(absl::string_view("\x15\x03\x03\x00\x02\x02\x28", 7));
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kAlertReceived);
}

TEST_P(TlsHandshakeTest, AHandshakeMessageOverTheLimitIsRefused) {
  const TestCertificate large = MakeTestCertificate({.padding_size = 17 * 1024});
  TlsPeer::Options options = PeerOptions();
  options.certificate = &large;
  Start(GetParam().role, options);
  stream_->SetRemoteFingerprints(FingerprintsOf(large));
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kHandshakeTooLarge);
}

TEST_P(TlsHandshakeTest, OctetsMayComeOneByOne) {
  StartPair();
  stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
  step_peer_ = false;
  RunUntil([this] {
    // Everything but the sending of `Step()`.
    peer_->Step(/*sends=*/false);
    peer_->Send(1);
    return !status_.ok() || (stream_->handshake_done() && peer_->handshake_done() &&
                             peer_->unsent_byte_count() == 0);
  });
  ASSERT_TRUE(stream_->handshake_done()) << status_;
  peer_->Write("hello");
  step_peer_ = true;
  RunUntil([this] { return received_ == "hello"; });
}

TEST_P(TlsHandshakeTest, OneStreamDoesNotDisturbAnotherOfTheSameWorker) {
  StartPair();
  stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
  RunHandshake();
  auto first = std::move(stream_);
  auto first_peer = std::move(peer_);
  StartPair();
  RunUntil([this] { return progress_ == Progress::kHeld; });

  ASSERT_TRUE(first->Write(absl::MakeConstSpan("abc", 3)).ok());
  while (first_peer->received() != "abc") ASSERT_TRUE(first_peer->Step());
  stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
  progress_ = *stream_->Handshake();
  RunHandshake();
}

class TlsServerHandshakeTest : public StreamAndPeer {
 protected:
  TlsPeer::Options PeerOptions(uint16_t version) const {
    TlsPeer::Options options;
    options.min_version = options.max_version = version;
    options.certificate = &certificate_;
    return options;
  }
};

TEST_F(TlsServerHandshakeTest, DP_05_AClientWithoutCertificateGetsBadCertificateInTls12) {
  TlsPeer::Options options = PeerOptions(TLS1_2_VERSION);
  options.certificate = nullptr;
  Start(TlsRole::kServer, options);
  stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kNoCertificate);
  RunUntil([this] { return peer_->alert() >= 0; });
  EXPECT_EQ(peer_->alert(), SSL_AD_BAD_CERTIFICATE);
}

TEST_F(TlsServerHandshakeTest, R_SEC_21_AClientWithoutCertificateGetsCertificateRequiredInTls13) {
  TlsPeer::Options options = PeerOptions(TLS1_3_VERSION);
  options.certificate = nullptr;
  Start(TlsRole::kServer, options);
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kNoCertificate);
  RunUntil([this] { return peer_->alert() >= 0; });
  EXPECT_EQ(peer_->alert(), SSL_AD_CERTIFICATE_REQUIRED);
}

TEST_F(TlsServerHandshakeTest, DP_07_AnOldClientGetsProtocolVersion) {
  for (const uint16_t version : {TLS1_VERSION, TLS1_1_VERSION}) {
    Start(TlsRole::kServer, PeerOptions(version));
    RunUntilFailure();
    EXPECT_EQ(stream_->failure(), TlsFailure::kProtocolVersion);
    RunUntil([this] { return peer_->alert() >= 0; });
    EXPECT_EQ(peer_->alert(), SSL_AD_PROTOCOL_VERSION);
  }
}

TEST_F(TlsServerHandshakeTest, DP_07_AClientThatSaysSsl3BesideNewerVersionsGetsProtocolVersion) {
  for (const uint16_t version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Start(TlsRole::kServer, PeerOptions(version));
    peer_->Step(/*sends=*/false);
    std::string hello = peer_->TakeUnsent();
    // Behind the headers of the record and of the message.
    ASSERT_EQ(hello.substr(9, 2), "\x03\x03");
    hello[10] = 0;
    peer_->SendRaw(hello);
    RunUntilFailure();
    EXPECT_EQ(stream_->failure(), TlsFailure::kProtocolVersion);
    RunUntil([this] { return peer_->alert() >= 0; });
    EXPECT_EQ(peer_->alert(), SSL_AD_PROTOCOL_VERSION);
  }
}

TEST_F(TlsServerHandshakeTest, R_TLS_03_CbcAndStaticRsaAreNotNegotiated) {
  for (const char* suites : {"ECDHE-ECDSA-AES128-SHA", "AES128-SHA", "AES128-GCM-SHA256"}) {
    TlsPeer::Options options = PeerOptions(TLS1_2_VERSION);
    options.cipher_suites = suites;
    Start(TlsRole::kServer, options);
    RunUntilFailure();
    EXPECT_EQ(stream_->failure(), TlsFailure::kNoCommonCipher) << suites;
  }
}

TEST_F(TlsServerHandshakeTest, R_TLS_03_OtherSuitesOfTheProfileAreNegotiated) {
  for (const char* suites : {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"}) {
    TlsPeer::Options options = PeerOptions(TLS1_2_VERSION);
    options.cipher_suites = suites;
    Establish(TlsRole::kServer, options);
  }
}

TEST_F(TlsServerHandshakeTest, R_TLS_03_ExtendedMasterSecretAndRenegotiationIndicationAreUsed) {
  Establish(TlsRole::kServer, PeerOptions(TLS1_2_VERSION));
  EXPECT_TRUE(SSL_get_extms_support(peer_->ssl()));
  EXPECT_TRUE(SSL_get_secure_renegotiation_support(peer_->ssl()));
}

TEST_F(TlsServerHandshakeTest, R_TLS_02_AGroupOutsideTheProfileIsNoCommonCipher) {
  TlsPeer::Options options = PeerOptions(TLS1_3_VERSION);
  options.group = NID_secp521r1;
  Start(TlsRole::kServer, options);
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kNoCommonCipher);
}

TEST_F(TlsServerHandshakeTest, R_TLS_02_ACertificateOutsideTheProfileIsRefused) {
  const TestCertificate ed25519 = MakeTestCertificate({.key_type = TestKeyType::kEd25519});
  TlsPeer::Options options = PeerOptions(TLS1_3_VERSION);
  options.certificate = &ed25519;
  Start(TlsRole::kServer, options);
  stream_->SetRemoteFingerprints(FingerprintsOf(ed25519));
  RunUntil([this] { return !status_.ok() || stream_->handshake_done(); });
  EXPECT_FALSE(status_.ok());
  EXPECT_FALSE(stream_->handshake_done());
}

TEST_F(TlsServerHandshakeTest, ACertificateThatThePeerDoesNotOwnHasACauseOfItsOwn) {
  for (const uint16_t version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const TestCertificate other = MakeTestCertificate();
    TlsPeer::Options options = PeerOptions(version);
    options.signing_key = other.key.get();
    Start(TlsRole::kServer, options);
    stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
    RunUntilFailure();
    EXPECT_EQ(stream_->failure(), TlsFailure::kBadSignature) << status_;
  }
}

TEST_F(TlsServerHandshakeTest, DP_11_ResumptionIsNotToBeHad) {
  for (const uint16_t version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    Establish(TlsRole::kServer, PeerOptions(version));
    ASSERT_TRUE(stream_->Write(absl::MakeConstSpan("x", 1)).ok());
    RunUntil([this] { return peer_->received() == "x"; });
    bssl::UniquePtr<SSL_SESSION> session(SSL_get1_session(peer_->ssl()));
    ASSERT_NE(session, nullptr);
    EXPECT_FALSE(SSL_SESSION_has_ticket(session.get()));
    if (version == TLS1_3_VERSION) continue;  // Without a ticket there is nothing to offer.

    Start(TlsRole::kServer, PeerOptions(version));
    ASSERT_TRUE(SSL_set_session(peer_->ssl(), session.get()));
    stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
    RunHandshake();
    EXPECT_FALSE(peer_->has_resumed());
  }
}

TEST_F(TlsServerHandshakeTest, DP_08_DataBehindAHeldHandshakeStaysWithTheKernelAndIsThenDelivered) {
  Start(TlsRole::kServer, PeerOptions(TLS1_3_VERSION));
  // The client is done before we have verified it, and sends.
  RunUntil([this] { return progress_ == Progress::kHeld && peer_->handshake_done(); });
  const std::string early(100'000, 'e');
  peer_->Write(early);
  peer_->Send();
  EXPECT_EQ(*stream_->Handshake(), Progress::kHeld);
  EXPECT_EQ(received_, "");

  stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
  progress_ = *stream_->Handshake();
  RunUntil([&] { return received_.size() >= early.size() || !status_.ok(); });
  EXPECT_EQ(received_, early);
}

TEST_F(TlsServerHandshakeTest, DP_08_AHeldHandshakeReadsNothingSoThatTheKernelStopsThePeer) {
  Start(TlsRole::kServer, PeerOptions(TLS1_3_VERSION));
  RunUntil([this] { return progress_ == Progress::kHeld && peer_->handshake_done(); });
  peer_->Write(std::string(32 * 1024 * 1024, 'e'));
  size_t before = 0;
  do {
    before = peer_->unsent_byte_count();
    peer_->Send();
  } while (peer_->unsent_byte_count() < before);
  EXPECT_GT(peer_->unsent_byte_count(), 16u * 1024 * 1024);
  EXPECT_EQ(*stream_->Handshake(), Progress::kHeld);
  peer_->Send();
  EXPECT_EQ(peer_->unsent_byte_count(), before);
}

TEST_F(TlsServerHandshakeTest, R_SEC_20_DataOfAMismatchingClientAreNeverDelivered) {
  Start(TlsRole::kServer, PeerOptions(TLS1_3_VERSION));
  RunUntil([this] { return progress_ == Progress::kHeld && peer_->handshake_done(); });
  peer_->Write("MSRP early SEND");
  peer_->Send();
  stream_->SetRemoteFingerprints(FingerprintsOf(MakeTestCertificate()));
  progress_ = Progress::kWantsReadable;
  RunUntilFailure();
  EXPECT_EQ(stream_->failure(), TlsFailure::kFingerprintMismatch);
  EXPECT_EQ(received_, "");
  RunUntil([this] { return peer_->alert() >= 0; });
  EXPECT_EQ(peer_->alert(), SSL_AD_BAD_CERTIFICATE);
}

TEST_F(TlsServerHandshakeTest, R_SEC_20_TheAlertIsFollowedByFinAndNotByRst) {
  Start(TlsRole::kServer, PeerOptions(TLS1_3_VERSION));
  RunUntil([this] { return progress_ == Progress::kHeld && peer_->handshake_done(); });
  peer_->Write("MSRP early SEND");
  peer_->Send();
  stream_->SetRemoteFingerprints(FingerprintsOf(MakeTestCertificate()));
  EXPECT_FALSE(stream_->Handshake().ok());
  stream_.reset();
  for (bool ended = false; !ended;) {
    WaitFor(peer_->fd(), POLLIN);
    char buffer[1000];
    ASSERT_OK_AND_ASSIGN(const RecvResult result, Recv(peer_->fd(), absl::MakeSpan(buffer)));
    ended = result.end_of_stream;
  }
}

TEST_F(TlsServerHandshakeTest, R_SEC_18_ATerminationKeepsItsIdentityWhenANewOneIsMade) {
  const auto rotated = *TlsIdentity::Generate({.now = absl::Now()});
  ConnectedSockets sockets = ConnectSockets();
  Start(TlsRole::kServer, PeerOptions(TLS1_3_VERSION));
  auto other = TlsStream::Server(profile_, rotated, std::move(sockets.accepted));
  stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
  RunHandshake();
  const CRYPTO_BUFFER* buffer = sk_CRYPTO_BUFFER_value(SSL_get0_peer_certificates(peer_->ssl()), 0);
  const absl::string_view presented(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(buffer)),
                                    CRYPTO_BUFFER_len(buffer));
  EXPECT_TRUE(identity_->Has(Fingerprint::Compute(HashFunction::kSha256, presented)));
}

TEST_F(TlsServerHandshakeTest, TheLimitOfHandshakeMessagesCanBeRaised) {
  TlsProfile roomy(scratch_, {.handshake_message_limit = 64 * 1024});
  const TestCertificate large = MakeTestCertificate({.padding_size = 17 * 1024});
  TlsPeer::Options options = PeerOptions(TLS1_3_VERSION);
  options.certificate = &large;
  ConnectedSockets sockets = ConnectSockets();
  stream_ = TlsStream::Server(roomy, identity_, std::move(sockets.accepted));
  peer_ = std::make_unique<TlsPeer>(std::move(sockets.connected), options);
  stream_->SetRemoteFingerprints(FingerprintsOf(large));
  RunHandshake();
  peer_.reset();
  stream_.reset();
}

class TlsClientHandshakeTest : public TlsServerHandshakeTest {};

// An IMS-ALG has addresses from SDP, never a host name.
TEST_F(TlsClientHandshakeTest, R_TLS_06_SendsNoServerName) {
  Establish(TlsRole::kClient, PeerOptions(TLS1_3_VERSION));
  EXPECT_EQ(SSL_get_servername(peer_->ssl(), TLSEXT_NAMETYPE_host_name), nullptr);
}

TEST_F(TlsClientHandshakeTest, AServerThatAsksForNoCertificateIsAccepted) {
  TlsPeer::Options options = PeerOptions(TLS1_3_VERSION);
  options.asks_for_certificate = false;
  Establish(TlsRole::kClient, options);
}

TEST_F(TlsClientHandshakeTest, AnOldServerIsRefused) {
  Start(TlsRole::kClient, PeerOptions(TLS1_1_VERSION));
  stream_->SetRemoteFingerprints(FingerprintsOf(certificate_));
  RunUntilFailure();
  // The server cannot take our hello and says so.
  EXPECT_EQ(stream_->failure(), TlsFailure::kAlertReceived);
}

}  // namespace
}  // namespace agw
