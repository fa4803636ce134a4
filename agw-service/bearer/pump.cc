#include "agw-service/bearer/pump.h"

#include "absl/status/statusor.h"
#include "agw-service/bearer/scratch.h"

namespace agw {

Pump::Result Pump::Run() {
  const absl::StatusOr<ByteStream::ReadResult> read =
      source_->Read(busy_ ? kBusyTurnSize : kTurnSize);
  if (!read.ok()) return {read.status(), Part::kSource};
  received_byte_count_ += read->bytes.size();

  absl::StatusOr<absl::Span<const char>> bytes = read->bytes;
  if (transformer_ != nullptr && !bytes->empty()) bytes = transformer_->Transform(*bytes);
  if (!bytes.ok()) return {bytes.status(), Part::kTransformer};
  const absl::Status sent = Send(*bytes);
  if (!sent.ok()) return {sent, Part::kSink};
  busy_ = read->full && sink_->unsent_byte_count() == 0;
  if (!read->end_of_stream) return Result();
  source_ended_ = true;
  return end_passed_on_ ? Finish() : Result();
}

Pump::Result Pump::Finish() {
  if (transformer_ != nullptr) {
    const absl::StatusOr<absl::Span<const char>> rest = transformer_->Finish();
    if (!rest.ok()) return {rest.status(), Part::kTransformer};
    const absl::Status sent = Send(*rest);
    if (!sent.ok()) return {sent, Part::kSink};
  }
  finished_ = true;
  return {sink_->CloseWrite(), Part::kSink};
}

Pump::Result Pump::ReplaceSource(ByteStream& source) {
  source_ = &source;
  if (finished_) return Result();
  source_ended_ = false;
  if (transformer_ == nullptr) return Result();
  return {Send(transformer_->OnSourceReplaced()), Part::kSink};
}

Pump::Result Pump::ReplaceSink(ByteStream& sink) {
  sink_ = &sink;
  if (transformer_ != nullptr && !finished_) transformer_->OnSinkReplaced();
  return finished_ ? Result{sink_->CloseWrite(), Part::kSink} : Result();
}

Pump::Result Pump::SetEndPassedOn(bool end_passed_on) {
  end_passed_on_ = end_passed_on;
  return end_passed_on && source_ended_ && !finished_ ? Finish() : Result();
}

absl::Status Pump::Send(absl::Span<const char> bytes) {
  if (bytes.empty()) return absl::OkStatus();
  sent_byte_count_ += bytes.size();
  return sink_->Write(bytes);
}

}  // namespace agw
