// The peers against each other: what they report of a gateway is only worth what they report here.

#include <string>
#include <thread>

#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "openssl/ssl.h"
#include "tests/peers/certificate.h"
#include "tests/peers/connection.h"
#include "tests/peers/msrp.h"
#include "tests/peers/sdp.h"
#include "tests/peers/socket.h"

namespace peers {
namespace {

using common::IsOk;
using common::StatusIs;

struct Pair {
  Connection client;
  Connection server;
};

Pair Connect() {
  absl::StatusOr<Listener> listener = Listener::Listen(At("127.0.0.1:0"));
  EXPECT_THAT(listener, IsOk());
  absl::StatusOr<Socket> client = Socket::Connect(At("127.0.0.30:0"), listener->address());
  EXPECT_THAT(client, IsOk());
  absl::StatusOr<Socket> server = listener->Accept();
  EXPECT_THAT(server, IsOk());
  return {Connection(*std::move(client)), Connection(*std::move(server))};
}

TEST(Peers, ChooseTheirSourceAddress) {
  Pair pair = Connect();
  EXPECT_EQ(pair.server.socket().remote_address(), pair.client.socket().local_address());
  EXPECT_EQ(pair.server.socket().remote_address().ip, At("127.0.0.30:0").ip);
  EXPECT_TRUE(pair.client.socket().tcp_facts().established);
  EXPECT_EQ(pair.client.socket().tcp_facts().retransmission_count, 0u);
}

TEST(Peers, TellRefusalFromSilence) {
  absl::StatusOr<RefusingPort> refusing = RefusingPort::Bind(At("127.0.0.1:0").ip);
  ASSERT_THAT(refusing, IsOk());
  EXPECT_THAT(Socket::Connect(At("127.0.0.1:0"), refusing->address()),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(Peers, TellFinFromReset) {
  Pair pair = Connect();
  ASSERT_THAT(pair.client.Send("last words"), IsOk());
  pair.client.CloseWrite();
  ASSERT_OK_AND_ASSIGN(const std::string words, pair.server.ReceiveToEnd());
  EXPECT_EQ(words, "last words");
  EXPECT_EQ(pair.server.ending(), Ending::kFin);
  pair.server.Reset();
  EXPECT_EQ(pair.client.WaitForEnd(), Ending::kReset);
}

class TlsVersion : public testing::TestWithParam<uint16_t> {};

TEST_P(TlsVersion, PeersSeeEachOthersCertificateAndCloseNotify) {
  const Certificate phone = Certificate::SelfSigned(KeyType::kRsa2048);
  const Certificate gateway = Certificate::SelfSigned();
  Pair pair = Connect();
  std::thread server([&] {
    EXPECT_THAT(pair.server.StartTls({.is_server = true, .certificate = &gateway}), IsOk());
  });
  EXPECT_THAT(pair.client.StartTls({.certificate = &phone,
                                    .expected_digest = gateway.digest(),
                                    .min_version = GetParam(),
                                    .max_version = GetParam()}),
              IsOk());
  server.join();
  EXPECT_EQ(pair.server.peer_digest(), phone.digest());
  ASSERT_THAT(pair.client.Send("hello"), IsOk());
  ASSERT_THAT(pair.server.Receive(5), IsOk());
  pair.client.CloseWrite();
  EXPECT_EQ(pair.server.WaitForEnd(), Ending::kCloseNotify);
  EXPECT_TRUE(pair.server.WaitForFinBelowTls());
}

INSTANTIATE_TEST_SUITE_P(Versions, TlsVersion, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION));

TEST(Peers, RefuseACertificateThatIsNotTheExpectedOne) {
  const Certificate phone = Certificate::SelfSigned();
  const Certificate gateway = Certificate::SelfSigned();
  Pair pair = Connect();
  std::thread server([&] {
    EXPECT_THAT(pair.server.StartTls({.is_server = true, .certificate = &gateway}),
                StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_EQ(pair.server.received_alert(), SSL_AD_BAD_CERTIFICATE);
  });
  EXPECT_THAT(
      pair.client.StartTls({.certificate = &phone, .expected_digest = std::string(32, 'x')}),
      StatusIs(absl::StatusCode::kUnavailable));
  server.join();
}

TEST(Msrp, SendsAFileInChunksBothWaysAtOnce) {
  Pair pair = Connect();
  MsrpSession phone(&pair.client, "msrps://b;tcp", "msrp://a;tcp");
  MsrpSession core(&pair.server, "msrp://a;tcp", "msrps://b;tcp");
  const std::string file(1'000'000, '-');  // Looks like end lines.
  std::thread core_thread([&] {
    EXPECT_THAT(core.SendMessage("text/plain", "hello phone"), IsOk());
    ASSERT_OK_AND_ASSIGN(const MsrpMessage message, core.ReceiveMessage());
    EXPECT_EQ(message.body, file);
    EXPECT_EQ(message.content_type, "application/octet-stream");
    EXPECT_EQ(message.chunk_count, 16);
  });
  EXPECT_THAT(phone.SendMessage("application/octet-stream", file), IsOk());
  ASSERT_OK_AND_ASSIGN(const MsrpMessage message, phone.ReceiveMessage());
  EXPECT_EQ(message.body, "hello phone");
  core_thread.join();
}

TEST(Msrp, RefusesAPathThatWasChangedOnTheWay) {
  Pair pair = Connect();
  MsrpSession phone(&pair.client, "msrps://b;tcp", "msrp://a;tcp");
  MsrpSession core(&pair.server, "msrp://a;tcp", "msrps://other;tcp");
  std::thread sender([&] { EXPECT_FALSE(phone.SendMessage("text/plain", "x").ok()); });
  EXPECT_THAT(core.ReceiveMessage(), StatusIs(absl::StatusCode::kDataLoss));
  pair.server.Reset();
  sender.join();
}

TEST(Sdp, ReadsBackWhatItWrites) {
  const Certificate phone = Certificate::SelfSigned();
  const std::string answer = MakeAnswer({.address = At("[::1]:9"),
                                         .path = "msrps://[::1]:9/x;tcp",
                                         .setup = "active",
                                         .fingerprint = phone.sdp_fingerprint()});
  ASSERT_OK_AND_ASSIGN(const ReceivedMedia media, ReadMedia(answer));
  EXPECT_EQ(media.address, At("[::1]:9"));
  EXPECT_EQ(media.transport, "TCP/TLS/MSRP");
  EXPECT_EQ(media.path, "msrps://[::1]:9/x;tcp");
  EXPECT_EQ(media.setup, "active");
  EXPECT_EQ(media.digest, phone.digest());
  EXPECT_FALSE(media.e2ae_applied);
}

}  // namespace
}  // namespace peers
