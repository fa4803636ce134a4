// The through-connection of a media stream: two pumps and the rules for what ends when
// (docs/half-close.md).

#ifndef AGW_SERVICE_BEARER_THROUGH_CONNECTION_H_
#define AGW_SERVICE_BEARER_THROUGH_CONNECTION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "agw-service/bearer/byte_stream.h"
#include "agw-service/bearer/pump.h"
#include "agw-service/bearer/side.h"
#include "agw-service/bearer/transformer.h"
#include "agw-service/net/event_loop.h"

namespace agw {

// Lives on one worker. Knows no event loop: its owner tells it what is ready and asks what to wait
// for.
class ThroughConnection {
 public:
  // What ended it.
  struct Failure {
    Side side;  // The one to blame.
    absl::Status status;
    bool of_transformer = false;  // The protocol inside was broken, not the connection.
  };

  // What to wait for at one side.
  struct Interest {
    bool readable = false;
    bool writable = false;
  };

  // All must outlive the through-connection. A transformer works on what comes from its side;
  // nullptr passes it on as it is.
  ThroughConnection(ByteStream& access, ByteStream& core, Transformer* from_access = nullptr,
                    Transformer* from_core = nullptr);

  // Moves what can be moved. A failure is the end: the owner resets the connection of the other
  // side.
  absl::optional<Failure> OnReady(Side side, const Readiness& readiness);

  Interest interest(Side side) const;

  // While held, nothing is read from `side`.
  void Hold(Side side, bool held) { pump_from(side).Hold(held); }

  // Another connection of the peer of `side` is to take the place of the present one: the end of that one is
  // not passed on until this is taken back.
  absl::optional<Failure> ExpectReplacement(Side side, bool expected);

  // It has come. `stream` outlives the through-connection; the old one is not used any more.
  absl::optional<Failure> Replace(Side side, ByteStream& stream);

  // Both directions have ended and everything has been sent: close both connections.
  bool finished() const;

  // One direction has ended, the other has not.
  bool half_closed() const;

  // Octets of the application that came in from, or went out to, a side.
  uint64_t received_byte_count(Side side) const { return pump_from(side).received_byte_count(); }
  uint64_t sent_byte_count(Side side) const { return pump_from(Opposite(side)).sent_byte_count(); }

  // Counts from zero again.
  void ResetByteCounts() {
    uplink_.ResetByteCounts();
    downlink_.ResetByteCounts();
  }

 private:
  ByteStream& stream(Side side) const { return side == Side::kAccess ? *access_ : *core_; }
  Pump& pump_from(Side side) { return side == Side::kAccess ? uplink_ : downlink_; }
  const Pump& pump_from(Side side) const { return side == Side::kAccess ? uplink_ : downlink_; }

  // What came of `pump_from(side)`.
  static absl::optional<Failure> FailureOf(Side side, const Pump::Result& result);

  ByteStream* access_;
  ByteStream* core_;
  Pump uplink_;
  Pump downlink_;
};

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_THROUGH_CONNECTION_H_
