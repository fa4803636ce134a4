#include "agw-service/bearer/through_connection.h"

#include "agw-service/net/socket.h"

namespace agw {

ThroughConnection::ThroughConnection(ByteStream& access, ByteStream& core, Transformer* from_access,
                                     Transformer* from_core)
    : access_(&access),
      core_(&core),
      uplink_(access, core, from_access),
      downlink_(core, access, from_core) {}

absl::optional<ThroughConnection::Failure> ThroughConnection::FailureOf(
    Side side, const Pump::Result& result) {
  if (result.status.ok()) return absl::nullopt;
  return Failure{result.failed_part == Pump::Part::kSink ? Opposite(side) : side, result.status,
                 result.failed_part == Pump::Part::kTransformer};
}

absl::optional<ThroughConnection::Failure> ThroughConnection::ExpectReplacement(Side side,
                                                                                bool expected) {
  return FailureOf(side, pump_from(side).SetEndPassedOn(!expected));
}

absl::optional<ThroughConnection::Failure> ThroughConnection::Replace(Side side,
                                                                      ByteStream& stream) {
  (side == Side::kAccess ? access_ : core_) = &stream;
  absl::optional<Failure> failure = FailureOf(side, pump_from(side).ReplaceSource(stream));
  if (!failure.has_value()) {
    failure = FailureOf(Opposite(side), pump_from(Opposite(side)).ReplaceSink(stream));
  }
  if (!failure.has_value()) failure = ExpectReplacement(side, false);
  return failure;
}

absl::optional<ThroughConnection::Failure> ThroughConnection::OnReady(Side side,
                                                                      const Readiness& readiness) {
  if (readiness.writable) {
    absl::Status flushed = stream(side).Flush();
    if (!flushed.ok()) return Failure{side, flushed};
  }
  Pump& pump = pump_from(side);
  // A broken connection is read too: what arrived before it broke is passed on, and the error, or
  // the end, shows when that is done.
  if ((readiness.readable || readiness.broken) && pump.wants_source()) {
    return FailureOf(side, pump.Run());
  }
  if (readiness.broken) {
    absl::Status error = TakeSocketError(stream(side).fd());
    if (!error.ok()) return Failure{side, error};
  }
  return absl::nullopt;
}

ThroughConnection::Interest ThroughConnection::interest(Side side) const {
  return {.readable = pump_from(side).wants_source(),
          .writable = stream(side).unsent_byte_count() > 0};
}

bool ThroughConnection::finished() const {
  return uplink_.finished() && downlink_.finished() && access_->unsent_byte_count() == 0 &&
         core_->unsent_byte_count() == 0;
}

bool ThroughConnection::half_closed() const { return uplink_.finished() != downlink_.finished(); }

}  // namespace agw
