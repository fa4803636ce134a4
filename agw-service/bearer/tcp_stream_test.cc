#include "agw-service/bearer/tcp_stream.h"

#include <sys/socket.h>

#include <memory>
#include <string>

#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using common::StatusIs;

class TcpStreamTest : public testing::Test {
 protected:
  TcpStreamTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    peer_.reset(ends[0]);
    stream_ = std::make_unique<TcpStream>(OwnedFd(ends[1]), *scratch_);
  }

  // All there is for the peer.
  std::string PeerReceives() {
    std::string received;
    char buffer[65536];
    for (ssize_t count; (count = recv(peer_.get(), buffer, sizeof(buffer), 0)) > 0;) {
      received.append(buffer, count);
    }
    return received;
  }

  std::unique_ptr<Scratch> scratch_ = std::make_unique<Scratch>();
  OwnedFd peer_;
  std::unique_ptr<TcpStream> stream_;
};

TEST_F(TcpStreamTest, ReadsWhatThereIsAndThenTheEnd) {
  ASSERT_EQ(send(peer_.get(), "abc", 3, 0), 3);
  absl::StatusOr<ByteStream::ReadResult> read = stream_->Read(kTurnSize);
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(std::string(read->bytes.begin(), read->bytes.end()), "abc");
  EXPECT_FALSE(read->end_of_stream);

  read = stream_->Read(kTurnSize);
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(read->bytes.empty());
  EXPECT_FALSE(read->end_of_stream);

  shutdown(peer_.get(), SHUT_WR);
  read = stream_->Read(kTurnSize);
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(read->end_of_stream);
}

TEST_F(TcpStreamTest, KeepsWhatThePeerRefusesAndSendsItLaterFollowedByTheEnd) {
  const std::string turn(kTurnSize, 'x');
  size_t written = 0;
  while (stream_->unsent_byte_count() == 0) {
    ASSERT_THAT(stream_->Write(absl::MakeConstSpan(turn)), IsOk());
    written += turn.size();
  }
  EXPECT_LE(stream_->unsent_byte_count(), kTurnSize);
  ASSERT_THAT(stream_->CloseWrite(), IsOk());

  std::string received;
  while (stream_->unsent_byte_count() > 0) {
    received += PeerReceives();
    ASSERT_THAT(stream_->Flush(), IsOk());
  }
  received += PeerReceives();
  EXPECT_EQ(received.size(), written);
  char byte;
  EXPECT_EQ(recv(peer_.get(), &byte, 1, 0), 0);
}

TEST_F(TcpStreamTest, ReportsAPeerThatHasGone) {
  peer_.reset();
  EXPECT_THAT(stream_->Write({"x", 1}), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace agw
