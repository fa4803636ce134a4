#include "agw-service/bearer/through_connection.h"

#include <string>

#include "agw-service/bearer/scratch.h"
#include "agw-service/bearer/testing/fake_byte_stream.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

class ThroughConnectionTest : public testing::Test {
 protected:
  // What an event loop would do: serve both sides until nothing they wait for is left.
  void Run() {
    for (Side side : {Side::kAccess, Side::kCore}) {
      const ThroughConnection::Interest interest = through_.interest(side);
      failure_ = through_.OnReady(
          side, {.readable = interest.readable, .writable = interest.writable, .broken = false});
      if (failure_.has_value()) return;
    }
  }

  FakeByteStream access_;
  FakeByteStream core_;
  ThroughConnection through_{access_, core_};
  absl::optional<ThroughConnection::Failure> failure_;
};

TEST_F(ThroughConnectionTest, PassesBytesOnInOrderAndCountsThem) {
  access_.PeerSends("from B");
  core_.PeerSends("and from A");
  Run();
  EXPECT_EQ(core_.peer_received(), "from B");
  EXPECT_EQ(access_.peer_received(), "and from A");
  EXPECT_EQ(through_.received_byte_count(Side::kAccess), 6u);
  EXPECT_EQ(through_.sent_byte_count(Side::kCore), 6u);
  EXPECT_EQ(through_.received_byte_count(Side::kCore), 10u);
  EXPECT_EQ(through_.sent_byte_count(Side::kAccess), 10u);
}

TEST_F(ThroughConnectionTest, DP_13_StopsReadingWhileTheSinkIsFull) {
  access_.PeerSends(std::string(3 * kTurnSize, 'x'));
  core_.set_peer_window(10);
  Run();
  EXPECT_FALSE(through_.interest(Side::kAccess).readable);
  EXPECT_TRUE(through_.interest(Side::kCore).writable);
  EXPECT_EQ(core_.unsent_byte_count(), kTurnSize - 10);

  core_.set_peer_window(kTurnSize * 4);
  Run();
  EXPECT_TRUE(through_.interest(Side::kAccess).readable);
  Run();
  Run();
  EXPECT_EQ(core_.peer_received().size(), 3 * kTurnSize);
}

TEST_F(ThroughConnectionTest, AFullSinkDoesNotStopTheOtherDirection) {
  access_.PeerSends("abc");
  core_.set_peer_window(0);
  Run();
  core_.PeerSends("def");
  Run();
  EXPECT_EQ(access_.peer_received(), "def");
}

TEST_F(ThroughConnectionTest, GivesWayAfterATurn) {
  access_.PeerSends(std::string(2 * kTurnSize, 'x'));
  Run();
  EXPECT_EQ(core_.peer_received().size(), kTurnSize);
}

TEST_F(ThroughConnectionTest, DP_12_PassesTheEndOnAfterTheLastByteAndKeepsTheOtherDirection) {
  core_.PeerSends("last");
  core_.PeerClosesWrite();
  access_.set_peer_window(2);
  Run();
  EXPECT_FALSE(access_.peer_saw_end());
  EXPECT_TRUE(through_.half_closed());

  access_.set_peer_window(100);
  Run();
  EXPECT_EQ(access_.peer_received(), "last");
  EXPECT_TRUE(access_.peer_saw_end());
  EXPECT_FALSE(through_.finished());

  access_.PeerSends("still here");
  Run();
  EXPECT_EQ(core_.peer_received(), "still here");
}

TEST_F(ThroughConnectionTest, IsFinishedWhenBothEndedAndAllIsSent) {
  core_.PeerClosesWrite();
  Run();
  access_.PeerSends("bye");
  access_.PeerClosesWrite();
  core_.set_peer_window(1);
  Run();
  EXPECT_FALSE(through_.finished());
  core_.set_peer_window(100);
  Run();
  EXPECT_TRUE(through_.finished());
  EXPECT_EQ(core_.peer_received(), "bye");
}

TEST_F(ThroughConnectionTest, NamesTheSideThatBrokeWhenItWasRead) {
  core_.PeerResets();
  Run();
  ASSERT_TRUE(failure_.has_value());
  EXPECT_EQ(failure_->side, Side::kCore);
  EXPECT_EQ(failure_->status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(ThroughConnectionTest, NamesTheSideThatBrokeWhenItWasWritten) {
  access_.PeerSends("x");
  core_.PeerResets();
  failure_ = through_.OnReady(Side::kAccess, {.readable = true});
  ASSERT_TRUE(failure_.has_value());
  EXPECT_EQ(failure_->side, Side::kCore);
}

// Lets nothing through.
class Refusal : public Transformer {
 public:
  absl::StatusOr<absl::Span<const char>> Transform(absl::Span<const char>) override {
    return absl::InvalidArgumentError("not a message");
  }
  absl::StatusOr<absl::Span<const char>> Finish() override { return absl::Span<const char>(); }
  absl::Span<const char> OnSourceReplaced() override { return {}; }
  void OnSinkReplaced() override {}
};

TEST_F(ThroughConnectionTest, BlamesASideForBytesThatItsTransformerRefuses) {
  Refusal refusal;
  ThroughConnection through(access_, core_, nullptr, &refusal);
  access_.PeerSends("anything");
  EXPECT_FALSE(through.OnReady(Side::kAccess, {.readable = true}).has_value());
  EXPECT_EQ(core_.peer_received(), "anything");
  core_.PeerSends("anything");
  const absl::optional<ThroughConnection::Failure> failure =
      through.OnReady(Side::kCore, {.readable = true});
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->side, Side::kCore);
  EXPECT_TRUE(failure->of_transformer);
  EXPECT_EQ(access_.peer_received(), "");
}

}  // namespace
}  // namespace agw
