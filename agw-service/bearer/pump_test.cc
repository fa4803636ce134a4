#include "agw-service/bearer/pump.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/bearer/testing/fake_byte_stream.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using Part = Pump::Part;

// Works on lines: each is sent in brackets, those that begin with '#' not at all, and "bad" is
// against the protocol. What is behind the last line end waits for the rest of its line.
class BracketLines : public Transformer {
 public:
  absl::StatusOr<absl::Span<const char>> Transform(absl::Span<const char> bytes) override {
    line_.append(bytes.data(), bytes.size());
    out_.clear();
    for (size_t end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
      const std::string line = line_.substr(0, end);
      line_.erase(0, end + 1);
      if (line == "bad") return absl::InvalidArgumentError("a bad line");
      if (line[0] != '#') absl::StrAppend(&out_, "[", line, "]");
    }
    return absl::MakeConstSpan(out_);
  }
  absl::StatusOr<absl::Span<const char>> Finish() override {
    if (line_ == "bad") return absl::InvalidArgumentError("it must not end here");
    out_ = std::exchange(line_, "");
    return absl::MakeConstSpan(out_);
  }
  absl::Span<const char> OnSourceReplaced() override { return {}; }
  void OnSinkReplaced() override {}

 private:
  std::string line_;
  std::string out_;
};

class PumpTest : public testing::Test {
 protected:
  FakeByteStream source_;
  FakeByteStream sink_;
  BracketLines transformer_;
  Pump pump_{source_, sink_};
  Pump transforming_{source_, sink_, &transformer_};
};

TEST_F(PumpTest, MovesOneTurnAndCountsIt) {
  const std::string bytes(kTurnSize + 1, 'x');
  source_.PeerSends(bytes);
  EXPECT_TRUE(pump_.Run().status.ok());
  EXPECT_EQ(sink_.peer_received().size(), kTurnSize);
  EXPECT_EQ(pump_.received_byte_count(), kTurnSize);
  EXPECT_EQ(pump_.sent_byte_count(), kTurnSize);
}

TEST_F(PumpTest, TurnsAreLargerWhileTheStreamIsBusy) {
  source_.PeerSends(std::string(kTurnSize + 2 * kBusyTurnSize + 1, 'x'));
  EXPECT_TRUE(pump_.Run().status.ok());
  EXPECT_EQ(pump_.received_byte_count(), kTurnSize);
  EXPECT_TRUE(pump_.Run().status.ok());
  EXPECT_EQ(pump_.received_byte_count(), kTurnSize + kBusyTurnSize);
  EXPECT_TRUE(pump_.Run().status.ok());
  EXPECT_EQ(pump_.received_byte_count(), kTurnSize + 2 * kBusyTurnSize);

  // One that is not full is the last of them.
  EXPECT_TRUE(pump_.Run().status.ok());
  source_.PeerSends(std::string(kBusyTurnSize, 'x'));
  EXPECT_TRUE(pump_.Run().status.ok());
  EXPECT_EQ(pump_.received_byte_count(), 2 * kTurnSize + 2 * kBusyTurnSize + 1);
}

TEST_F(PumpTest, DP_13_ASinkThatRefusedOctetsGetsTheSmallerTurn) {
  source_.PeerSends(std::string(2 * kTurnSize + 1, 'x'));
  sink_.set_peer_window(kTurnSize - 1);
  EXPECT_TRUE(pump_.Run().status.ok());
  EXPECT_EQ(sink_.unsent_byte_count(), 1u);
  sink_.set_peer_window(2 * kTurnSize);
  EXPECT_TRUE(sink_.Flush().ok());
  EXPECT_TRUE(pump_.Run().status.ok());
  EXPECT_EQ(pump_.received_byte_count(), 2 * kTurnSize);
}

TEST_F(PumpTest, DoesNotWantTheSourceWhileTheSinkIsFull) {
  source_.PeerSends("abcdef");
  sink_.set_peer_window(3);
  EXPECT_TRUE(pump_.Run().status.ok());
  EXPECT_FALSE(pump_.wants_source());
  sink_.set_peer_window(3);
  EXPECT_TRUE(sink_.Flush().ok());
  EXPECT_TRUE(pump_.wants_source());
}

TEST_F(PumpTest, PassesTheEndOnAfterTheLastByte) {
  source_.PeerSends("ab");
  source_.PeerClosesWrite();
  sink_.set_peer_window(1);
  EXPECT_TRUE(pump_.Run().status.ok());
  EXPECT_TRUE(pump_.finished());
  EXPECT_FALSE(sink_.peer_saw_end());
  sink_.set_peer_window(1);
  EXPECT_TRUE(sink_.Flush().ok());
  EXPECT_EQ(sink_.peer_received(), "ab");
  EXPECT_TRUE(sink_.peer_saw_end());
}

TEST_F(PumpTest, TellsWhichOfTheTwoBroke) {
  source_.PeerSends("ab");
  sink_.PeerResets();
  const Pump::Result sink_failed = pump_.Run();
  EXPECT_EQ(sink_failed.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(sink_failed.failed_part, Part::kSink);
  source_.PeerResets();
  EXPECT_EQ(pump_.Run().failed_part, Part::kSource);
}

TEST_F(PumpTest, ATransformerExpandsAndShrinksAndBothSidesAreCounted) {
  source_.PeerSends("a\nb\n#comment\n");
  EXPECT_TRUE(transforming_.Run().status.ok());
  EXPECT_EQ(sink_.peer_received(), "[a][b]");
  EXPECT_EQ(transforming_.received_byte_count(), 13u);
  EXPECT_EQ(transforming_.sent_byte_count(), 6u);
}

TEST_F(PumpTest, WhatATransformerKeepsBackIsNotSentBeforeTheRestHasCome) {
  source_.PeerSends("MSR");
  EXPECT_TRUE(transforming_.Run().status.ok());
  EXPECT_EQ(sink_.peer_received(), "");
  EXPECT_TRUE(transforming_.wants_source());
  source_.PeerSends("P\n");
  EXPECT_TRUE(transforming_.Run().status.ok());
  EXPECT_EQ(sink_.peer_received(), "[MSRP]");
}

TEST_F(PumpTest, WhatATransformerHasLeftIsSentBeforeTheEnd) {
  source_.PeerSends("a\nrest");
  source_.PeerClosesWrite();
  EXPECT_TRUE(transforming_.Run().status.ok());
  EXPECT_EQ(sink_.peer_received(), "[a]rest");
  EXPECT_TRUE(sink_.peer_saw_end());
  EXPECT_EQ(transforming_.sent_byte_count(), 7u);
}

TEST_F(PumpTest, WhatBreaksTheProtocolIsTheTransformersFailureAndGoesNoFurther) {
  source_.PeerSends("bad\n");
  const Pump::Result result = transforming_.Run();
  EXPECT_EQ(result.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(result.failed_part, Part::kTransformer);
  EXPECT_EQ(sink_.peer_received(), "");
}

TEST_F(PumpTest, AnEndInTheMiddleIsTheTransformersFailureAndIsNotPassedOn) {
  source_.PeerSends("bad");
  source_.PeerClosesWrite();
  EXPECT_EQ(transforming_.Run().failed_part, Part::kTransformer);
  EXPECT_FALSE(sink_.peer_saw_end());
  EXPECT_FALSE(transforming_.finished());
}

}  // namespace
}  // namespace agw
