#include "agw-service/bearer/pump.h"

#include "absl/status/statusor.h"

namespace agw {

Pump::Result Pump::Run() {
  const absl::StatusOr<ByteStream::ReadResult> read = source_.Read();
  if (!read.ok()) return {read.status(), Part::kSource};
  received_byte_count_ += read->bytes.size();

  absl::StatusOr<absl::Span<const char>> bytes = read->bytes;
  if (transformer_ != nullptr && !bytes->empty()) bytes = transformer_->Transform(*bytes);
  if (!bytes.ok()) return {bytes.status(), Part::kTransformer};
  const absl::Status sent = Send(*bytes);
  if (!sent.ok()) return {sent, Part::kSink};
  return read->end_of_stream ? Finish() : Result();
}

Pump::Result Pump::Finish() {
  if (transformer_ != nullptr) {
    const absl::StatusOr<absl::Span<const char>> rest = transformer_->Finish();
    if (!rest.ok()) return {rest.status(), Part::kTransformer};
    const absl::Status sent = Send(*rest);
    if (!sent.ok()) return {sent, Part::kSink};
  }
  finished_ = true;
  return {sink_.CloseWrite(), Part::kSink};
}

absl::Status Pump::Send(absl::Span<const char> bytes) {
  if (bytes.empty()) return absl::OkStatus();
  sent_byte_count_ += bytes.size();
  return sink_.Write(bytes);
}

}  // namespace agw
