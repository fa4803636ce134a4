#include "agw-service/context/media_stream.h"

#include <utility>

#include "agw-service/net/socket.h"
#include "common/status_macros.h"

namespace agw {
namespace {

// Of a connection that broke.
BearerReleased::Cause CauseOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
      return BearerReleased::Cause::kTlsError;
    // TCP gave up, whether a router told us why or not.
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kNotFound:
      return BearerReleased::Cause::kPeerVanished;
    default:
      return BearerReleased::Cause::kResetByPeer;
  }
}

}  // namespace

absl::Status MediaStream::Reserve(Side side, const LocalDescriptor& local,
                                  const absl::optional<RemoteDescriptor>& remote,
                                  const BearerControl& control) {
  ASSIGN_OR_RETURN(std::unique_ptr<Termination> termination,
                   Termination::Reserve(resources_, *this, side, local));
  const RemoteDescriptor known = remote.value_or(RemoteDescriptor());
  RETURN_IF_ERROR(termination->CheckConfigure(known, control));
  at(side) = std::move(termination);
  if (control.interlinkage.has_value()) interlinkage_ = *control.interlinkage;
  at(side)->Configure(known, control, /*remote_known=*/remote.has_value());
  return absl::OkStatus();
}

absl::Status MediaStream::CheckConfigure(Side side, const RemoteDescriptor& remote,
                                         const BearerControl& control) const {
  return at(side)->CheckConfigure(remote, control);
}

void MediaStream::Configure(Side side, const RemoteDescriptor& remote,
                            const BearerControl& control) {
  // What it triggered goes with it, by the interlinkage there was.
  at(side)->YieldToRole(control);
  // Before the rest, so that a connection that comes about in this very call finds it.
  if (control.interlinkage.has_value()) interlinkage_ = *control.interlinkage;
  at(side)->Configure(remote, control, /*remote_known=*/true);
}

void MediaStream::ReleaseTermination(Side side) {
  await_other_side_.Cancel();
  half_close_silence_.Cancel();
  KeepByteCounts();
  through_.reset();
  at(side).reset();
  Termination* other = at(Opposite(side)).get();
  if (other == nullptr) return;
  if (other->state() == Termination::State::kEstablished) {
    other->Release(BearerReleased::Cause::kOtherSideEnded, "the other termination was released",
                   /*reset=*/true);
  } else if (other->state() != Termination::State::kReleased) {
    other->Fail();
  }
}

void MediaStream::CloseForDrain() {
  await_other_side_.Cancel();
  half_close_silence_.Cancel();
  KeepByteCounts();
  through_.reset();
  for (Side side : {Side::kAccess, Side::kCore}) {
    if (at(side) == nullptr) continue;
    if (at(side)->state() == Termination::State::kEstablished) {
      at(side)->Release(BearerReleased::Cause::kDrainDeadline,
                        "the IMS-AGW has drained, and its time is over", /*reset=*/true);
    }
  }
}

bool MediaStream::Triggers(Side side) const {
  return interlinkage_.topology == (side == Side::kAccess ? Interlinkage::Topology::kT1ToT2
                                                          : Interlinkage::Topology::kT2ToT1);
}

void MediaStream::OnTcpEstablished(Side side) {
  // A side without TLS has no later event: OnEstablished() follows at once.
  Termination* other = at(Opposite(side)).get();
  if (Triggers(side) && other != nullptr &&
      interlinkage_.trigger == Interlinkage::Trigger::kOnTcpSyn) {
    other->ConnectByInterlinkage();
  }
}

void MediaStream::OnEstablished(Side side) {
  Termination* other = at(Opposite(side)).get();
  if (other == nullptr) return AwaitOtherSide(side);
  if (Triggers(side)) other->ConnectByInterlinkage();
  if (at(side)->state() != Termination::State::kEstablished)
    return;  // The other one failed at once.
  if (other->state() == Termination::State::kEstablished) {
    StartThroughConnection();
  } else {
    AwaitOtherSide(side);
  }
}

void MediaStream::OnSetupFailed(Side side, bool final) {
  Termination* other = at(Opposite(side)).get();
  if (other == nullptr || other->state() == Termination::State::kFailed ||
      other->state() == Termination::State::kReleased) {
    return;
  }
  await_other_side_.Cancel();
  if (final) {
    if (other->state() == Termination::State::kEstablished) {
      other->Release(BearerReleased::Cause::kOtherSideEnded, "the other side was not set up",
                     /*reset=*/true);
    } else {
      other->Fail();
    }
  } else if (Triggers(side)) {
    // What the failed connection triggered goes with it; the next one triggers it anew.
    other->Rearm();
  } else if (other->state() == Termination::State::kEstablished) {
    AwaitOtherSide(Opposite(side));
  }
}

void MediaStream::AwaitOtherSide(Side waiting) {
  const Termination* other = at(Opposite(waiting)).get();
  const absl::Duration patience = other == nullptr
                                      ? resources_.limits.setup_timers.await_configuration
                                      : other->policy().timers().await_configuration;
  await_other_side_.Start(patience, [this, waiting] {
    Termination* late = at(Opposite(waiting)).get();
    if (late != nullptr) {
      report_(Opposite(waiting), SetupTimedOut{SetupTimedOut::Timer::kAwaitConfiguration});
      late->Fail();
    }
    at(waiting)->Release(BearerReleased::Cause::kOtherSideEnded,
                         "the other side did not come about in time", /*reset=*/true);
  });
}

void MediaStream::StartThroughConnection() {
  await_other_side_.Cancel();
  through_ = std::make_unique<ThroughConnection>(*access_->byte_stream(), *core_->byte_stream());
  UpdateInterest();
}

void MediaStream::OnBearerReady(Side side, const Readiness& readiness) {
  if (through_ == nullptr) {
    // Established, but the other side is not: nothing is read, so this can only be an end.
    const absl::Status error = TakeSocketError(at(side)->byte_stream()->fd());
    at(side)->Release(CauseOf(error), "it broke before the other side was there", /*reset=*/true);
    Termination* other = at(Opposite(side)).get();
    await_other_side_.Cancel();
    if (other != nullptr) other->Fail();
    return;
  }
  const uint64_t before = through_->received_byte_count(side);
  const absl::optional<ThroughConnection::Failure> failure = through_->OnReady(side, readiness);
  const uint64_t moved = through_->received_byte_count(side) - before;
  (side == Side::kAccess ? resources_.counters.received_from_access
                         : resources_.counters.received_from_core) += moved;
  if (failure.has_value()) {
    EndThroughConnection(*failure);
  } else if (through_->finished()) {
    FinishThroughConnection();
  } else {
    UpdateInterest();
    if (readiness.broken && !through_->interest(side).readable &&
        !through_->interest(side).writable) {
      // Both ends have shut it down and what it received must wait; epoll would tell so for ever.
      resources_.loop.Mute(at(side)->byte_stream()->fd());
    }
    if (through_->half_closed() && !half_close_silence_.running()) WatchHalfClosed();
  }
}

void MediaStream::UpdateInterest() {
  for (Side side : {Side::kAccess, Side::kCore}) {
    const ThroughConnection::Interest interest = through_->interest(side);
    resources_.loop.SetInterest(at(side)->byte_stream()->fd(), interest.readable,
                                interest.writable);
  }
}

uint64_t MediaStream::ProgressCount() const {
  uint64_t count = 0;
  for (Side side : {Side::kAccess, Side::kCore}) {
    count += through_->received_byte_count(side);
    count += AcknowledgedByteCount(at(side)->byte_stream()->fd());
  }
  return count;
}

void MediaStream::WatchHalfClosed() {
  progress_at_last_look_ = ProgressCount();
  half_close_silence_.Start(resources_.limits.half_close_time, [this] {
    if (ProgressCount() != progress_at_last_look_) return WatchHalfClosed();
    KeepByteCounts();
    through_.reset();
    for (Side side : {Side::kAccess, Side::kCore}) {
      at(side)->Release(BearerReleased::Cause::kTimedOut,
                        "one direction had ended and the other stood still", /*reset=*/true);
    }
  });
}

void MediaStream::KeepByteCounts() {
  if (through_ == nullptr) return;
  for (Side side : {Side::kAccess, Side::kCore}) {
    at(side)->set_byte_counts(through_->received_byte_count(side), through_->sent_byte_count(side));
  }
}

void MediaStream::EndThroughConnection(const ThroughConnection::Failure& failure) {
  half_close_silence_.Cancel();
  KeepByteCounts();
  through_.reset();
  const BearerReleased::Cause cause =
      failure.of_transformer ? BearerReleased::Cause::kProtocolError : CauseOf(failure.status);
  // After a violation of TLS an alert is on its way, which RST could overtake.
  at(failure.side)
      ->Release(cause, failure.status.message(),
                /*reset=*/cause != BearerReleased::Cause::kTlsError);
  at(Opposite(failure.side))
      ->Release(BearerReleased::Cause::kOtherSideEnded, "the other side's connection broke",
                /*reset=*/true);
}

void MediaStream::FinishThroughConnection() {
  half_close_silence_.Cancel();
  KeepByteCounts();
  through_.reset();
  for (Side side : {Side::kAccess, Side::kCore}) {
    const bool clean = at(side)->byte_stream()->ended_cleanly();
    at(side)->Release(clean ? BearerReleased::Cause::kClosedByPeers
                            : BearerReleased::Cause::kClosedWithoutCloseNotify,
                      "", /*reset=*/false);
  }
}

TerminationStatistics MediaStream::Statistics(Side side) const {
  TerminationStatistics statistics = at(side)->statistics();
  if (through_ != nullptr) {
    statistics.received_byte_count = through_->received_byte_count(side);
    statistics.sent_byte_count = through_->sent_byte_count(side);
  }
  return statistics;
}

bool MediaStream::active() const {
  return await_other_side_.running() || half_close_silence_.running() ||
         (access_ != nullptr && access_->active()) || (core_ != nullptr && core_->active());
}

}  // namespace agw
