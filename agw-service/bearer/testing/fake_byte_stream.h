// A `ByteStream` whose peer is the test.

#ifndef AGW_SERVICE_BEARER_TESTING_FAKE_BYTE_STREAM_H_
#define AGW_SERVICE_BEARER_TESTING_FAKE_BYTE_STREAM_H_

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "agw-service/bearer/byte_stream.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/net/owned_fd.h"

namespace agw {

class FakeByteStream : public ByteStream {
 public:
  // What the peer does.
  void PeerSends(absl::string_view bytes) { absl::StrAppend(&inbound_, bytes); }
  void PeerClosesWrite() { inbound_ended_ = true; }
  void PeerResets() { broken_ = absl::UnavailableError("reset by peer"); }

  // Bytes the peer takes before it blocks; no limit unless set.
  void set_peer_window(size_t byte_count) { peer_window_ = byte_count; }

  // What the peer has seen.
  const std::string& peer_received() const { return outbound_; }
  bool peer_saw_end() const { return outbound_ended_; }

  absl::StatusOr<ReadResult> Read(size_t limit) override {
    if (!broken_.ok()) return broken_;
    turn_ = inbound_.substr(0, limit);
    inbound_.erase(0, turn_.size());
    return ReadResult{.bytes = absl::MakeConstSpan(turn_),
                      .end_of_stream = inbound_ended_ && inbound_.empty(),
                      .full = turn_.size() == limit};
  }

  absl::Status Write(absl::Span<const char> bytes) override {
    unsent_.append(bytes.data(), bytes.size());
    return Flush();
  }

  absl::Status CloseWrite() override {
    close_requested_ = true;
    return Flush();
  }

  absl::Status Flush() override {
    if (!broken_.ok()) return broken_;
    const size_t byte_count = std::min(unsent_.size(), peer_window_);
    outbound_.append(unsent_, 0, byte_count);
    unsent_.erase(0, byte_count);
    peer_window_ -= byte_count;
    if (unsent_.empty() && close_requested_) outbound_ended_ = true;
    return absl::OkStatus();
  }

  size_t unsent_byte_count() const override {
    return unsent_.size() + (close_requested_ && !outbound_ended_ ? 1 : 0);
  }
  bool ended_cleanly() const override { return true; }
  void ResetOnClose() override {}
  int fd() const override { return -1; }
  OwnedFd TakeFd() override { return OwnedFd(); }

 private:
  std::string inbound_;
  std::string turn_;
  bool inbound_ended_ = false;
  std::string unsent_;
  std::string outbound_;
  bool close_requested_ = false;
  bool outbound_ended_ = false;
  size_t peer_window_ = std::numeric_limits<size_t>::max();
  absl::Status broken_;
};

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_TESTING_FAKE_BYTE_STREAM_H_
