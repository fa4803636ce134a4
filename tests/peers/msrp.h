// An MSRP endpoint (RFC 4975) that checks what it is sent. Enough of the protocol for chat and
// files: SEND in chunks, Byte-Range always with a known end, 200 OK for each chunk, no reports.

#ifndef TESTS_PEERS_MSRP_H_
#define TESTS_PEERS_MSRP_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/peers/connection.h"

namespace peers {

struct MsrpMessage {
  std::string content_type;
  std::string body;
  int chunk_count = 0;
};

// One session over one connection, which must outlive it. Lives on one thread.
class MsrpSession {
 public:
  // `own_path`, `remote_path`: the MSRP URIs of SDP. What comes in must carry exactly these.
  MsrpSession(Connection* connection, std::string own_path, std::string remote_path);

  // Sends a message and waits until each of its chunks has its 200 OK. Messages that come meanwhile
  // are answered and kept for `ReceiveMessage`.
  absl::Status SendMessage(absl::string_view content_type, absl::string_view body,
                           absl::Duration timeout = kPatience);

  absl::StatusOr<MsrpMessage> ReceiveMessage(absl::Duration timeout = kPatience);

 private:
  // One request or response.
  struct Frame;

  // Sends and receives until nothing is left to send and `done` holds.
  template <typename Condition>
  absl::Status Run(absl::Time deadline, Condition done);

  absl::Status TakeFrames();
  // Reads one frame at `*position` and moves it on; `complete` is false if more bytes are needed.
  absl::Status ReadFrame(size_t* position, Frame* frame, bool* complete) const;
  absl::Status HandleFrame(const Frame& frame);

  Connection* const connection_;
  const std::string own_path_;
  const std::string remote_path_;

  std::string outbound_;
  size_t sent_ = 0;  // Of outbound_.
  std::string inbound_;
  MsrpMessage partial_;
  std::deque<MsrpMessage> messages_;
  int awaited_response_count_ = 0;
  uint64_t transaction_count_ = 0;
};

}  // namespace peers

#endif  // TESTS_PEERS_MSRP_H_
