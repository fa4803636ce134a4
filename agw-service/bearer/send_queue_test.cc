#include "agw-service/bearer/send_queue.h"

#include <sys/socket.h>

#include <memory>
#include <string>

#include "agw-service/net/owned_fd.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using common::StatusIs;

class SendQueueTest : public testing::Test {
 protected:
  SendQueueTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    peer_.reset(ends[0]);
    fd_.reset(ends[1]);
    queue_ = std::make_unique<SendQueue>(fd_.get());
  }

  void Send(const std::string& bytes) {
    ASSERT_THAT(queue_->Send(absl::MakeConstSpan(bytes)), IsOk());
  }

  // Sends numbered blocks until one of them is refused, in part at least; returns all.
  std::string SendUntilRefused() {
    std::string sent;
    for (char block = 'a'; queue_->unsent_byte_count() == 0;
         block = block == 'z' ? 'a' : block + 1) {
      const std::string bytes(10'000, block);
      Send(bytes);
      sent += bytes;
    }
    return sent;
  }

  std::string PeerReceives() {
    char buffer[65536];
    for (ssize_t count; (count = recv(peer_.get(), buffer, sizeof(buffer), 0)) >= 0;) {
      if (count == 0) {
        peer_saw_end_ = true;
        break;
      }
      received_.append(buffer, count);
    }
    return received_;
  }

  OwnedFd peer_;
  OwnedFd fd_;
  std::unique_ptr<SendQueue> queue_;
  std::string received_;
  bool peer_saw_end_ = false;
};

TEST_F(SendQueueTest, KeepsNothingThatThePeerTakes) {
  Send("abc");
  EXPECT_EQ(queue_->unsent_byte_count(), 0u);
  EXPECT_EQ(PeerReceives(), "abc");
}

TEST_F(SendQueueTest, KeepsWhatThePeerRefusesInOrder) {
  std::string sent = SendUntilRefused();
  const size_t unsent = queue_->unsent_byte_count();
  EXPECT_LE(unsent, 10'000u);
  // Behind what waits, even if there were room by now.
  PeerReceives();
  Send("tail");
  sent += "tail";
  EXPECT_EQ(queue_->unsent_byte_count(), unsent + 4);
  while (queue_->unsent_byte_count() > 0) {
    ASSERT_THAT(queue_->Flush(), IsOk());
    PeerReceives();
  }
  EXPECT_EQ(PeerReceives(), sent);
}

TEST_F(SendQueueTest, FlushesInPartsWithoutLosingItsPlace) {
  const std::string big(1'000'000, 'x');
  Send(big);
  size_t last = queue_->unsent_byte_count();
  ASSERT_GT(last, 0u);
  int parts = 0;
  while (last > 0) {
    PeerReceives();
    ASSERT_THAT(queue_->Flush(), IsOk());
    ASSERT_LT(queue_->unsent_byte_count(), last);
    last = queue_->unsent_byte_count();
    ++parts;
  }
  EXPECT_GT(parts, 1);
  EXPECT_EQ(PeerReceives(), big);
}

TEST_F(SendQueueTest, DP_12_TheEndWaitsBehindTheLastByteAndCountsAsOne) {
  SendUntilRefused();
  const size_t unsent = queue_->unsent_byte_count();
  ASSERT_THAT(queue_->Finish(), IsOk());
  EXPECT_EQ(queue_->unsent_byte_count(), unsent + 1);
  while (queue_->unsent_byte_count() > 0) {
    PeerReceives();
    EXPECT_FALSE(peer_saw_end_);
    ASSERT_THAT(queue_->Flush(), IsOk());
  }
  PeerReceives();
  EXPECT_TRUE(peer_saw_end_);
}

TEST_F(SendQueueTest, TheEndGoesOutAtOnceWhereNothingWaits) {
  Send("abc");
  ASSERT_THAT(queue_->Finish(), IsOk());
  EXPECT_EQ(queue_->unsent_byte_count(), 0u);
  EXPECT_EQ(PeerReceives(), "abc");
  EXPECT_TRUE(peer_saw_end_);
  EXPECT_THAT(queue_->Flush(), IsOk());  // Not a second FIN.
}

TEST_F(SendQueueTest, ReportsAPeerThatHasGoneWhileBytesWaited) {
  SendUntilRefused();
  peer_.reset();
  EXPECT_THAT(queue_->Flush(), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace agw
