#include "agw-service/bearer/pump.h"

namespace agw {

Pump::Result Pump::Run() {
  absl::StatusOr<ByteStream::ReadResult> read = source_.Read();
  if (!read.ok()) return {read.status(), Result::End::kSource};
  if (!read->bytes.empty()) {
    absl::Status written = sink_.Write(read->bytes);
    if (!written.ok()) return {written, Result::End::kSink};
    moved_byte_count_ += read->bytes.size();
  }
  if (read->end_of_stream) {
    finished_ = true;
    absl::Status closed = sink_.CloseWrite();
    if (!closed.ok()) return {closed, Result::End::kSink};
  }
  return {};
}

}  // namespace agw
