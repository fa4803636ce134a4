// `TlsStream` after the handshake.

#include "agw-service/tls/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "agw-service/bearer/pump.h"
#include "agw-service/tls/testing/stream_and_peer.h"
#include "common/check.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using common::StatusIs;

// Octets that show where one is missing.
std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + (i >> 8));
  return bytes;
}

struct Variant {
  TlsRole role;
  uint16_t version;
};

class TlsStreamTest : public StreamAndPeer, public testing::WithParamInterface<Variant> {
 protected:
  void SetUp() override {
    TlsPeer::Options options;
    options.min_version = options.max_version = GetParam().version;
    Establish(GetParam().role, options);
  }
  bool is_tls13() const { return GetParam().version == TLS1_3_VERSION; }

  // One `Read()` when there is something.
  absl::StatusOr<ByteStream::ReadResult> ReadOnce() {
    WaitFor(stream_->fd(), POLLIN);
    return stream_->Read(kTurnSize);
  }
};

INSTANTIATE_TEST_SUITE_P(All, TlsStreamTest,
                         testing::Values(Variant{TlsRole::kServer, TLS1_2_VERSION},
                                         Variant{TlsRole::kServer, TLS1_3_VERSION},
                                         Variant{TlsRole::kClient, TLS1_2_VERSION},
                                         Variant{TlsRole::kClient, TLS1_3_VERSION}),
                         [](const auto& info) {
                           return absl::StrFormat(
                               "%s%s", info.param.role == TlsRole::kServer ? "Server" : "Client",
                               info.param.version == TLS1_2_VERSION ? "12" : "13");
                         });

TEST_P(TlsStreamTest, NothingToReadIsNoError) {
  ASSERT_OK_AND_ASSIGN(const ByteStream::ReadResult result, stream_->Read(kTurnSize));
  EXPECT_TRUE(result.bytes.empty());
  EXPECT_FALSE(result.end_of_stream);
}

TEST_P(TlsStreamTest, CarriesOctetsBothWays) {
  const std::string up = Pattern(1'000'000);
  peer_->Write(up);
  RunUntil([&] { return received_.size() >= up.size(); });
  EXPECT_TRUE(received_ == up);

  const std::string down = Pattern(kBusyTurnSize);
  ASSERT_THAT(stream_->Write(down), IsOk());
  RunUntil([&] {
    EXPECT_THAT(stream_->Flush(), IsOk());
    return peer_->received().size() >= down.size();
  });
  EXPECT_TRUE(peer_->received() == down);
}

// Decrypting and encrypting go through the same memory.
TEST_P(TlsStreamTest, OctetsGoFromOneTlsStreamToAnotherWhole) {
  ConnectedSockets sockets = ConnectSockets();
  const std::unique_ptr<TlsStream> sink =
      TlsStream::Server(profile_, identity_, std::move(sockets.accepted));
  sink->SetRemoteFingerprints(FingerprintSet({certificate_.FingerprintBy(HashFunction::kSha256)}));
  TlsPeer::Options options;
  options.certificate = &certificate_;
  TlsPeer reader(std::move(sockets.connected), options);
  while (!sink->handshake_done() || !reader.handshake_done()) {
    reader.Step();
    if (!sink->handshake_done()) CHECK(sink->Handshake().ok());
  }

  const std::string bytes = Pattern(3'000'000);
  peer_->Write(bytes);
  stream_reads_ = false;
  Pump pump(*stream_, *sink);
  RunUntil([&] {
    EXPECT_THAT(sink->Flush(), IsOk());
    if (pump.wants_source()) CHECK(pump.Run().status.ok());
    reader.Step();
    return reader.received().size() >= bytes.size();
  });
  EXPECT_TRUE(reader.received() == bytes);
}

TEST_P(TlsStreamTest, OneReadTakesAllRecordsThatHaveArrived) {
  for (int i = 0; i < 100; ++i) peer_->Write(absl::StrCat("record ", i, ";"));
  peer_->Send();
  ASSERT_OK_AND_ASSIGN(const ByteStream::ReadResult result, ReadOnce());
  const std::string bytes(result.bytes.data(), result.bytes.size());
  EXPECT_THAT(bytes, testing::StartsWith("record 0;record 1;"));
  EXPECT_THAT(bytes, testing::EndsWith("record 99;"));
}

TEST_P(TlsStreamTest, OneWriteBecomesTheFewestRecords) {
  ASSERT_THAT(stream_->Write(std::string(kTurnSize, 'x')), IsOk());
  ASSERT_EQ(stream_->unsent_byte_count(), 0u);
  // Header, tag, and the content type (1.3) or explicit nonce (1.2).
  const size_t record_overhead = is_tls13() ? 5 + 16 + 1 : 5 + 16 + 8;
  std::string wire(kTurnSize + 4 * record_overhead, '\0');
  for (size_t size = 0; size < wire.size();) {
    WaitFor(peer_->fd(), POLLIN);
    ASSERT_OK_AND_ASSIGN(const RecvResult result,
                         Recv(peer_->fd(), absl::MakeSpan(wire).subspan(size)));
    size += result.byte_count;
  }
  char more[1];
  ASSERT_OK_AND_ASSIGN(const RecvResult result, Recv(peer_->fd(), absl::MakeSpan(more)));
  EXPECT_TRUE(result.would_block);
}

TEST_P(TlsStreamTest, RecordsMayComeInAnyPieces) {
  const std::string bytes = Pattern(200'000);
  peer_->Write(bytes);
  const std::string sealed = peer_->TakeUnsent();
  // Pieces of all sizes, so that turns end in headers, in bodies and between records.
  size_t offset = 0;
  for (size_t size = 1; offset < sealed.size(); size = size * 3 % 70'001 + 1) {
    const absl::string_view piece = absl::string_view(sealed).substr(offset, size);
    peer_->SendRaw(piece);
    offset += piece.size();
    if (piece.size() < 5'000) {
      StepStream();
    } else {
      RunUntil([&] { return !status_.ok() || received_.size() + 40'000 > offset; });
    }
    ASSERT_THAT(status_, IsOk());
  }
  RunUntil([&] { return !status_.ok() || received_.size() >= bytes.size(); });
  EXPECT_TRUE(received_ == bytes);
}

TEST_P(TlsStreamTest, AFullTurnBehindAPartialRecordFitsIntoTheScratchMemory) {
  const std::string bytes = Pattern(40 * 16 * 1024);
  peer_->Write(bytes);
  const std::string sealed = peer_->TakeUnsent();
  // All but the last octet of a record; the rest, far more than a turn, in one go.
  peer_->SendRaw(absl::string_view(sealed).substr(0, 16 * 1024 + 10));
  ASSERT_OK_AND_ASSIGN(const ByteStream::ReadResult first, ReadOnce());
  EXPECT_TRUE(first.bytes.empty());
  peer_->SendRaw(absl::string_view(sealed).substr(16 * 1024 + 10));
  RunUntil([&] { return !status_.ok() || received_.size() >= bytes.size(); });
  EXPECT_TRUE(received_ == bytes);
}

TEST_P(TlsStreamTest, AReadGivesATurnAtMostAndTheRestLater) {
  peer_->Write(std::string(300'000, 'x'));
  peer_->Send();
  ASSERT_OK_AND_ASSIGN(ByteStream::ReadResult result, ReadOnce());
  size_t size = result.bytes.size();
  EXPECT_LE(size, kTurnSize);
  EXPECT_TRUE(result.full);
  while (size <= kTurnSize) {
    ASSERT_OK_AND_ASSIGN(result, ReadOnce());
    size += result.bytes.size();
  }
}

TEST_P(TlsStreamTest, DP_13_KeepsWhatASlowReaderRefusesAndNoMore) {
  peer_->set_reading(false);
  const std::string turn = Pattern(kTurnSize);
  std::string sent;
  while (stream_->unsent_byte_count() == 0) {
    ASSERT_THAT(stream_->Write(turn), IsOk());
    sent += turn;
  }
  EXPECT_LE(stream_->unsent_byte_count(), kTurnSize + kTlsOverhead);
  ASSERT_THAT(stream_->Flush(), IsOk());

  peer_->set_reading(true);
  RunUntil([&] {
    EXPECT_THAT(stream_->Flush(), IsOk());
    return peer_->received().size() >= sent.size();
  });
  EXPECT_TRUE(peer_->received() == sent);
  EXPECT_EQ(stream_->unsent_byte_count(), 0u);
}

TEST_P(TlsStreamTest, DP_12_CloseWriteSendsCloseNotifyAndThenFinAndReadingGoesOn) {
  ASSERT_THAT(stream_->Write(absl::MakeConstSpan("last", 4)), IsOk());
  ASSERT_THAT(stream_->CloseWrite(), IsOk());
  RunUntil([this] { return peer_->saw_end(); });
  EXPECT_EQ(peer_->received(), "last");
  EXPECT_TRUE(peer_->saw_close_notify());

  peer_->Write("still here");
  RunUntil([this] { return received_ == "still here"; });
  peer_->CloseNotify();
  RunUntil([this] { return stream_ended_; });
  EXPECT_TRUE(stream_->ended_cleanly());
}

TEST_P(TlsStreamTest, DP_12_TheEndWaitsBehindWhatASlowReaderRefuses) {
  peer_->set_reading(false);
  size_t sent = 0;
  while (stream_->unsent_byte_count() == 0) {
    ASSERT_THAT(stream_->Write(std::string(kTurnSize, 'x')), IsOk());
    sent += kTurnSize;
  }
  const size_t before = stream_->unsent_byte_count();
  ASSERT_THAT(stream_->CloseWrite(), IsOk());
  EXPECT_GT(stream_->unsent_byte_count(), before);
  peer_->set_reading(true);
  RunUntil([this] {
    EXPECT_THAT(stream_->Flush(), IsOk());
    return peer_->saw_end();
  });
  EXPECT_EQ(peer_->received().size(), sent);
  EXPECT_TRUE(peer_->saw_close_notify());
  EXPECT_EQ(stream_->unsent_byte_count(), 0u);
}

TEST_P(TlsStreamTest, WritesAfterThePeersCloseNotify) {
  peer_->CloseNotify();
  RunUntil([this] { return stream_ended_; });
  // What BoringSSL of the peer would not read any more still has to leave here.
  EXPECT_THAT(stream_->Write(absl::MakeConstSpan("bye", 3)), IsOk());
  EXPECT_THAT(stream_->CloseWrite(), IsOk());
  RunUntil([this] { return peer_->saw_end(); });
}

TEST_P(TlsStreamTest, FinWithoutCloseNotifyIsAnEndThatIsNotClean) {
  peer_->Write("abc");
  peer_->Send();
  peer_->ShutdownWrite();
  RunUntil([this] { return stream_ended_; });
  EXPECT_EQ(received_, "abc");
  EXPECT_FALSE(stream_->ended_cleanly());
}

TEST_P(TlsStreamTest, OctetsAndCloseNotifyInOneTurnAreBothSeen) {
  peer_->Write("abc");
  peer_->CloseNotify();
  peer_->Send();
  ASSERT_OK_AND_ASSIGN(const ByteStream::ReadResult result, ReadOnce());
  EXPECT_EQ(absl::string_view(result.bytes.data(), result.bytes.size()), "abc");
  EXPECT_TRUE(result.end_of_stream);
  EXPECT_TRUE(stream_->ended_cleanly());
}

TEST_P(TlsStreamTest, AResetIsUnavailable) {
  peer_->Close(/*reset=*/true);
  EXPECT_THAT(ReadOnce(), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(TlsStreamTest, ResetOnCloseIsSeenAsResetByThePeer) {
  stream_->ResetOnClose();
  stream_.reset();
  WaitFor(peer_->fd(), POLLIN);
  char buffer[1];
  EXPECT_THAT(Recv(peer_->fd(), absl::MakeSpan(buffer)), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_P(TlsStreamTest, ARecordThatWasTamperedWithIsDataLossAndThePeerIsTold) {
  peer_->Write("abcdef");
  std::string sealed = peer_->TakeUnsent();
  sealed.back() ^= 1;
  peer_->SendRaw(sealed);
  EXPECT_THAT(ReadOnce(), StatusIs(absl::StatusCode::kDataLoss));
  while (peer_->alert() < 0 && !peer_->saw_end()) peer_->Step();
  EXPECT_EQ(peer_->alert(), SSL_AD_BAD_RECORD_MAC);
}

TEST_P(TlsStreamTest, DP_09_PlainTextAmidTlsIsDataLoss) {
  peer_->SendRaw("MSRP a786hjs2 SEND\r\n");
  EXPECT_THAT(ReadOnce(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_P(TlsStreamTest, AFatalAlertIsDataLoss) {
  ASSERT_EQ(SSL_send_fatal_alert(peer_->ssl(), SSL_AD_INTERNAL_ERROR), 1);
  peer_->Send();
  EXPECT_THAT(ReadOnce(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_P(TlsStreamTest, NothingBeyondTheStreamIsOwnedAtRest) {
  // 64 octets or so for the fingerprint; no buffers.
  EXPECT_LE(sizeof(TlsStream), 200u);
}

// The record type of TLS 1.2's handshake messages, under the keys of the connection, cannot be sent
// through BoringSSL's interface after the handshake; foreign_peer_test.cc renegotiates in earnest.

class TlsStream13Test : public StreamAndPeer {
 protected:
  void SetUp() override {
    TlsPeer::Options options;
    options.min_version = options.max_version = TLS1_3_VERSION;
    Establish(TlsRole::kServer, options);
  }
};

TEST_F(TlsStream13Test, KeyUpdatesAreFollowedAndAnswered) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(SSL_key_update(peer_->ssl(), SSL_KEY_UPDATE_REQUESTED), 1);
    peer_->Write("abc");
    RunUntil([&] { return received_.size() == 3u * (i + 1); });
    ASSERT_THAT(stream_->Write(absl::MakeConstSpan("de", 2)), IsOk());
    RunUntil([&] { return peer_->received().size() == 2u * (i + 1); });
  }
  EXPECT_THAT(status_, IsOk());
}

TEST_F(TlsStream13Test, KeyUpdatesWithoutEndAreRefused) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(SSL_key_update(peer_->ssl(), SSL_KEY_UPDATE_NOT_REQUESTED), 1);
    SSL_write(peer_->ssl(), "", 0);
  }
  RunUntilFailure();
  EXPECT_THAT(status_, StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace agw
