// What a peer does not take at once.

#ifndef AGW_SERVICE_BEARER_SEND_QUEUE_H_
#define AGW_SERVICE_BEARER_SEND_QUEUE_H_

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace agw {

// Sends octets over a socket and keeps those the kernel refuses, in memory that exists only then.
// Lives on one worker. Errors are those of `Send()` in net/socket.h.
class SendQueue {
 public:
  // `fd` must stay open as long as the queue is used.
  explicit SendQueue(int fd) : fd_(fd) {}

  // Sends `bytes` after all that waits. The queue never limits itself: its owner writes nothing new
  // while `unsent_byte_count()` is not zero.
  absl::Status Send(absl::Span<const char> bytes);

  // FIN after all that waits. Called once.
  absl::Status Finish();

  // Tries again; call it when the socket becomes writable.
  absl::Status Flush();

  // Includes one for a FIN that waits.
  size_t unsent_byte_count() const;

 private:
  absl::Status FinishIfEmpty();

  const int fd_;
  bool finish_requested_ = false;
  bool finished_ = false;
  size_t unsent_offset_ = 0;
  std::unique_ptr<std::vector<char>> unsent_;
};

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_SEND_QUEUE_H_
