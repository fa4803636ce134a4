#include "agw-service/context/stream.h"

#include <utility>

#include "common/status_macros.h"

namespace agw {
namespace {

BearerReleased::Cause ReleaseCause(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kDataLoss:
      return BearerReleased::Cause::kTlsError;
    case absl::StatusCode::kDeadlineExceeded:
      return BearerReleased::Cause::kTimedOut;
    default:
      return BearerReleased::Cause::kResetByPeer;
  }
}

}  // namespace

Stream::~Stream() {
  resources_.loop.CancelTimer(timer_);
  through_.reset();  // Before the connections it refers to.
}

absl::Status Stream::Reserve(Side side, const LocalDescriptor& local,
                             const absl::optional<RemoteDescriptor>& remote,
                             const BearerControl& control) {
  ASSIGN_OR_RETURN(std::unique_ptr<Termination> termination,
                   Termination::Reserve(resources_, *this, side, local));
  const RemoteDescriptor known = remote.value_or(RemoteDescriptor());
  RETURN_IF_ERROR(termination->CheckConfigure(known, control));
  slot(side) = std::move(termination);
  if (control.interlinkage.has_value()) interlinkage_ = *control.interlinkage;
  slot(side)->Configure(known, control, /*remote_known=*/remote.has_value());
  return absl::OkStatus();
}

absl::Status Stream::CheckConfigure(Side side, const RemoteDescriptor& remote,
                                    const BearerControl& control) const {
  return slot(side)->CheckConfigure(remote, control);
}

void Stream::Configure(Side side, const RemoteDescriptor& remote, const BearerControl& control) {
  // What it triggered goes with it, by the interlinkage there was.
  slot(side)->YieldToRole(control);
  // Before the rest, so that a connection that comes about in this very call finds it.
  if (control.interlinkage.has_value()) interlinkage_ = *control.interlinkage;
  slot(side)->Configure(remote, control, /*remote_known=*/true);
}

void Stream::ReleaseTermination(Side side) {
  resources_.loop.CancelTimer(timer_);
  KeepByteCounts();
  through_.reset();
  slot(side).reset();
  Termination* other = slot(Opposite(side)).get();
  if (other == nullptr) return;
  if (other->state() == Termination::State::kEstablished) {
    other->Release(BearerReleased::Cause::kOtherSideEnded, "the other termination was released",
                   /*reset=*/true);
  } else if (other->state() != Termination::State::kReleased) {
    other->Fail();
  }
}

bool Stream::Triggers(Side side) const {
  return interlinkage_.topology == (side == Side::kAccess ? Interlinkage::Topology::kT1ToT2
                                                          : Interlinkage::Topology::kT2ToT1);
}

void Stream::OnTcpEstablished(Side side) {
  // A side without TLS has no later event: OnEstablished() follows at once.
  Termination* other = slot(Opposite(side)).get();
  if (Triggers(side) && other != nullptr &&
      interlinkage_.trigger == Interlinkage::Trigger::kOnTcpSyn) {
    other->ConnectByInterlinkage();
  }
}

void Stream::OnEstablished(Side side) {
  Termination* other = slot(Opposite(side)).get();
  if (other == nullptr) return AwaitOtherSide(side);
  if (Triggers(side)) other->ConnectByInterlinkage();
  if (slot(side)->state() != Termination::State::kEstablished)
    return;  // The other one failed at once.
  if (other->state() == Termination::State::kEstablished) {
    StartThroughConnection();
  } else {
    AwaitOtherSide(side);
  }
}

void Stream::OnSetupFailed(Side side, bool final) {
  Termination* other = slot(Opposite(side)).get();
  if (other == nullptr || other->state() == Termination::State::kFailed ||
      other->state() == Termination::State::kReleased) {
    return;
  }
  resources_.loop.CancelTimer(timer_);
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

void Stream::AwaitOtherSide(Side waiting) {
  const Termination* other = slot(Opposite(waiting)).get();
  const absl::Duration patience = other == nullptr
                                      ? resources_.limits.setup_timers.await_configuration
                                      : other->setup_timers().await_configuration;
  resources_.loop.CancelTimer(timer_);
  timer_ = resources_.loop.AddTimer(resources_.loop.Now() + patience, [this, waiting] {
    timer_ = 0;
    Termination* late = slot(Opposite(waiting)).get();
    if (late != nullptr) {
      report_(Opposite(waiting), SetupTimedOut{SetupTimedOut::Timer::kAwaitConfiguration});
      late->Fail();
    }
    slot(waiting)->Release(BearerReleased::Cause::kOtherSideEnded,
                           "the other side did not come about in time", /*reset=*/true);
  });
}

void Stream::StartThroughConnection() {
  resources_.loop.CancelTimer(timer_);
  through_ = std::make_unique<ThroughConnection>(*access_->stream(), *core_->stream());
  UpdateInterest();
}

void Stream::OnBearerReady(Side side, const Readiness& readiness) {
  if (through_ == nullptr) {
    // Established, but the other side is not: nothing is read, so this can only be an end.
    slot(side)->Release(BearerReleased::Cause::kResetByPeer,
                        "reset before the other side was there",
                        /*reset=*/true);
    Termination* other = slot(Opposite(side)).get();
    resources_.loop.CancelTimer(timer_);
    if (other != nullptr) other->Fail();
    return;
  }
  const uint64_t before = through_->received_byte_count(side);
  const absl::optional<ThroughConnection::Failure> failure = through_->OnReady(side, readiness);
  const uint64_t moved = through_->received_byte_count(side) - before;
  (side == Side::kAccess ? resources_.byte_counters.received_from_access
                         : resources_.byte_counters.received_from_core) += moved;
  if (failure.has_value()) {
    EndThroughConnection(*failure);
  } else if (through_->finished()) {
    FinishThroughConnection();
  } else {
    UpdateInterest();
    if (readiness.broken && !through_->interest(side).readable &&
        !through_->interest(side).writable) {
      // Both ends have shut it down and what it received must wait; epoll would tell so for ever.
      resources_.loop.Mute(slot(side)->stream()->fd());
    }
    if (through_->half_closed() && timer_ == 0) WatchHalfClosed();
  }
}

void Stream::UpdateInterest() {
  for (Side side : {Side::kAccess, Side::kCore}) {
    const ThroughConnection::Interest interest = through_->interest(side);
    resources_.loop.SetInterest(slot(side)->stream()->fd(), interest.readable, interest.writable);
  }
}

void Stream::WatchHalfClosed() {
  bytes_at_last_look_ =
      through_->received_byte_count(Side::kAccess) + through_->received_byte_count(Side::kCore);
  timer_ =
      resources_.loop.AddTimer(resources_.loop.Now() + resources_.limits.half_close_time, [this] {
        timer_ = 0;
        const uint64_t bytes = through_->received_byte_count(Side::kAccess) +
                               through_->received_byte_count(Side::kCore);
        if (bytes != bytes_at_last_look_) return WatchHalfClosed();
        KeepByteCounts();
        through_.reset();
        for (Side side : {Side::kAccess, Side::kCore}) {
          slot(side)->Release(BearerReleased::Cause::kTimedOut,
                              "one direction had ended and the other was silent", /*reset=*/true);
        }
      });
}

void Stream::KeepByteCounts() {
  if (through_ == nullptr) return;
  for (Side side : {Side::kAccess, Side::kCore}) {
    slot(side)->set_byte_counts(through_->received_byte_count(side),
                                through_->sent_byte_count(side));
  }
}

void Stream::EndThroughConnection(const ThroughConnection::Failure& failure) {
  resources_.loop.CancelTimer(timer_);
  KeepByteCounts();
  through_.reset();
  const BearerReleased::Cause cause = ReleaseCause(failure.status);
  // After a violation of TLS an alert is on its way, which RST could overtake.
  slot(failure.side)
      ->Release(cause, failure.status.message(),
                /*reset=*/cause != BearerReleased::Cause::kTlsError);
  slot(Opposite(failure.side))
      ->Release(BearerReleased::Cause::kOtherSideEnded, "the other side's connection broke",
                /*reset=*/true);
}

void Stream::FinishThroughConnection() {
  resources_.loop.CancelTimer(timer_);
  KeepByteCounts();
  through_.reset();
  for (Side side : {Side::kAccess, Side::kCore}) {
    const bool clean = slot(side)->stream()->ended_cleanly();
    slot(side)->Release(clean ? BearerReleased::Cause::kClosedByPeers
                              : BearerReleased::Cause::kClosedWithoutCloseNotify,
                        "", /*reset=*/false);
  }
}

TerminationStatistics Stream::Statistics(Side side) const {
  TerminationStatistics statistics = slot(side)->statistics();
  if (through_ != nullptr) {
    statistics.received_byte_count = through_->received_byte_count(side);
    statistics.sent_byte_count = through_->sent_byte_count(side);
  }
  return statistics;
}

bool Stream::active() const {
  return timer_ != 0 || (access_ != nullptr && access_->active()) ||
         (core_ != nullptr && core_->active());
}

}  // namespace agw
