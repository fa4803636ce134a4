// Plain TCP as a `ByteStream`.

#ifndef AGW_SERVICE_BEARER_TCP_STREAM_H_
#define AGW_SERVICE_BEARER_TCP_STREAM_H_

#include <utility>

#include "agw-service/bearer/byte_stream.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/bearer/send_queue.h"
#include "agw-service/net/owned_fd.h"

namespace agw {

// Lives on one worker.
class TcpStream : public ByteStream {
 public:
  // `fd` is a connected, non-blocking socket; `scratch` outlives the stream.
  TcpStream(OwnedFd fd, Scratch& scratch)
      : fd_(std::move(fd)), scratch_(scratch), send_queue_(fd_.get()) {}

  absl::StatusOr<ReadResult> Read(size_t limit) override;
  absl::Status Write(absl::Span<const char> bytes) override { return send_queue_.Send(bytes); }
  absl::Status CloseWrite() override { return send_queue_.Finish(); }
  absl::Status Flush() override { return send_queue_.Flush(); }
  size_t unsent_byte_count() const override { return send_queue_.unsent_byte_count(); }
  bool ended_cleanly() const override { return true; }
  void ResetOnClose() override;
  int fd() const override { return fd_.get(); }
  OwnedFd TakeFd() override { return std::move(fd_); }

 private:
  OwnedFd fd_;
  Scratch& scratch_;
  SendQueue send_queue_;
};

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_TCP_STREAM_H_
