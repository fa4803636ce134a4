// A `Pump` carries bytes one way between the two connections of a stream. Two pumps, one for each
// direction, make a through-connection:
//
//        access side                         core side
//     ┌──────────────┐   uplink pump     ┌──────────────┐
//     │  ByteStream  │ ────────────────► │  ByteStream  │
//     │  TLS to UE   │ ◄──────────────── │  TCP to peer │
//     └──────────────┘   downlink pump   └──────────────┘
//
// FLOW CONTROL. A pump reads only when its sink has sent everything it was given. A slow sink thus
// stops the source, whose TCP window then stops the sender: there are no watermarks to tune, and no
// more than one turn is ever kept.
//
// FAIRNESS. One `Run()` moves at most one turn (64 KiB); readiness is level-triggered, so the rest
// comes after the worker's other streams had theirs.
//
// HALF-CLOSE. The end of the source is passed on as the end of the sink, after the last byte. The
// other direction is not touched. docs/half-close.md has the table of all cases.

#ifndef AGW_SERVICE_BEARER_PUMP_H_
#define AGW_SERVICE_BEARER_PUMP_H_

#include <cstdint>

#include "absl/status/status.h"
#include "agw-service/bearer/byte_stream.h"

namespace agw {

// Lives on one worker.
class Pump {
 public:
  struct Result {
    // Of the stream that failed; then do not run again.
    absl::Status status;
    enum class End { kSource, kSink } failed_end = End::kSource;
  };

  // Both must outlive the pump.
  Pump(ByteStream& source, ByteStream& sink) : source_(source), sink_(sink) {}

  Pump(const Pump&) = delete;
  Pump& operator=(const Pump&) = delete;

  // Moves one turn. Call it when the source is readable and `wants_source()`.
  Result Run();

  // Whether the source should be read when it is readable.
  bool wants_source() const { return !finished_ && sink_.unsent_byte_count() == 0; }

  // The end of the source has been passed on.
  bool finished() const { return finished_; }

  // Bytes the sink has been given so far.
  uint64_t moved_byte_count() const { return moved_byte_count_; }

 private:
  ByteStream& source_;
  ByteStream& sink_;
  bool finished_ = false;
  uint64_t moved_byte_count_ = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_PUMP_H_
