// A `Transformer` rewrites what a pump carries, between its source and its sink. Application-aware
// MSRP is one: it changes the To-Path and From-Path of each message on the way.

#ifndef AGW_SERVICE_BEARER_TRANSFORMER_H_
#define AGW_SERVICE_BEARER_TRANSFORMER_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace agw {

// Belongs to one pump, so to one direction of one media stream. Lives on one worker. After an error
// it is not called again.
class Transformer {
 public:
  virtual ~Transformer() = default;

  // Takes the next octets of the source, at most one turn (256 KiB) and never none, and returns what
  // goes to the sink in their place: more, fewer, the very same span, or nothing if they must wait
  // for others. What it keeps back it must bound itself. The result is valid until the next call of
  // any transformer of the worker.
  //
  // An error means that the source does not follow the protocol; its peer is to blame.
  virtual absl::StatusOr<absl::Span<const char>> Transform(absl::Span<const char> bytes) = 0;

  // The source has ended. Returns what was kept back and has to be sent still. An error means that
  // it must not end here. Called once, last.
  virtual absl::StatusOr<absl::Span<const char>> Finish() = 0;

  // A new connection has taken the place of the source, maybe amid a message; it begins with a new
  // one. Returns what has to be sent to the sink for the unfinished message to end there, and lets
  // go of what was kept back of it.
  virtual absl::Span<const char> OnSourceReplaced() = 0;

  // A new connection has taken the place of the sink, which has seen nothing of what the old one was
  // given. If that was part of a message, the rest of it will be dropped: the new sink gets the next
  // message first. What was kept back is for the new sink.
  virtual void OnSinkReplaced() = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_TRANSFORMER_H_
