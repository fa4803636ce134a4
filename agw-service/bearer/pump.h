// A `Pump` carries bytes one way between the two connections of a media stream. Two pumps, one for
// each direction, make a through-connection:
//
//        access side                         core side
//     ┌──────────────┐   uplink pump     ┌──────────────┐
//     │  ByteStream  │ ────────────────► │  ByteStream  │
//     │  TLS to UE   │ ◄──────────────── │  TCP to peer │
//     └──────────────┘   downlink pump   └──────────────┘
//
// A pump may have a `Transformer`, which rewrites the bytes on the way. Without one they go from
// the source to the sink as they lie in memory.
//
// FLOW CONTROL. A pump reads only when its sink has sent everything it was given. A slow sink thus
// stops the source, whose TCP window then stops the sender: there are no watermarks to tune, and no
// more than what became of one turn is ever kept.
//
// FAIRNESS. One `Run()` reads at most one turn: 64 KiB, or 256 KiB after a turn that was full and
// that the sink took whole. Readiness is level-triggered, so the rest comes after the worker's
// other byte streams had theirs.
//
// REPLACED CONNECTIONS. Either end can be exchanged for another connection of the same peer while the
// pump works; what was counted stays.
//
// HALF-CLOSE. The end of the source is passed on as the end of the sink, after the last byte. The
// other direction is not touched. docs/half-close.md has the table of all cases.

#ifndef AGW_SERVICE_BEARER_PUMP_H_
#define AGW_SERVICE_BEARER_PUMP_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "agw-service/bearer/byte_stream.h"
#include "agw-service/bearer/transformer.h"

namespace agw {

// Lives on one worker.
class Pump {
 public:
  // Which part of a pump failed.
  enum class Part { kSource, kTransformer, kSink };

  struct Result {
    // If it is not OK, do not run again.
    absl::Status status;
    Part failed_part = Part::kSource;
  };

  // All must outlive the pump. `transformer` may be nullptr.
  Pump(ByteStream& source, ByteStream& sink, Transformer* transformer = nullptr)
      : source_(&source), sink_(&sink), transformer_(transformer) {}

  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  // Moves one turn. Call it when the source is readable and `wants_source()`.
  Result Run();

  // Whether the source should be read when it is readable.
  bool wants_source() const { return !held_ && !source_ended_ && sink_->unsent_byte_count() == 0; }

  // While held, nothing is read from the source: a gate is closed, or it sends too fast.
  void Hold(bool held) { held_ = held; }

  // From now on octets come from, or go to, another connection, which outlives the pump. What the old
  // sink had not sent is lost. A source whose end was passed on already is not read any more, and the
  // sink gets that end.
  Result ReplaceSource(ByteStream& source);
  Result ReplaceSink(ByteStream& sink);

  // Whether the end of the source is passed on. Not while another connection is expected to take its
  // place; an end that has come meanwhile is passed on when this is set again.
  Result SetEndPassedOn(bool end_passed_on);

  // The end of the source has been passed on.
  bool finished() const { return finished_; }

  // Octets taken from the source, and octets given to the sink. Only a transformer makes them
  // differ.
  uint64_t received_byte_count() const { return received_byte_count_; }
  uint64_t sent_byte_count() const { return sent_byte_count_; }

  // Counts from zero again.
  void ResetByteCounts() { received_byte_count_ = sent_byte_count_ = 0; }

 private:
  Result Finish();
  absl::Status Send(absl::Span<const char> bytes);

  ByteStream* source_;
  ByteStream* sink_;
  Transformer* const transformer_;
  bool held_ = false;
  bool end_passed_on_ = true;
  bool source_ended_ = false;
  bool finished_ = false;
  bool busy_ = false;  // The last turn was full, and the sink took it all.
  uint64_t received_byte_count_ = 0;
  uint64_t sent_byte_count_ = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_PUMP_H_
