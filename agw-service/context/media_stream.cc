#include "agw-service/context/media_stream.h"

#include <utility>

#include "agw-service/context/iq_error.h"
#include "agw-service/msrp/msrp_uri.h"
#include "agw-service/net/socket.h"
#include "common/check.h"
#include "common/status_macros.h"

namespace agw {
namespace {

// Of up to 256 KiB each, which a connection that was replaced may still bring.
constexpr int kLastTurns = 16;

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
  const Termination* other = at(Opposite(side)).get();
  if (other != nullptr && other->local().msrp() != local.msrp()) {
    return IqError(absl::StatusCode::kInvalidArgument, "TRANSPORT_MISMATCH",
                   "one termination of the stream is application-aware, the other is not",
                   "local.transport_protocol");
  }
  RETURN_IF_ERROR(termination->CheckConfigure(known, control, /*remote_known=*/remote.has_value()));
  at(side) = std::move(termination);
  if (control.interlinkage.has_value()) interlinkage_ = *control.interlinkage;
  at(side)->Configure(known, control, /*remote_known=*/remote.has_value());
  return absl::OkStatus();
}

absl::Status MediaStream::CheckConfigure(Side side, const RemoteDescriptor& remote,
                                         const BearerControl& control) const {
  return at(side)->CheckConfigure(remote, control, /*remote_known=*/true);
}

void MediaStream::Configure(Side side, const RemoteDescriptor& remote,
                            const BearerControl& control) {
  // What it triggered goes with it, by the interlinkage there was.
  if (at(side)->GivesUpConnectionFor(remote, control)) GiveUpConnection(side);
  // Before the rest, so that a connection that comes about in this very call finds it.
  if (control.interlinkage.has_value()) interlinkage_ = *control.interlinkage;
  at(side)->Configure(remote, control, /*remote_known=*/true);
  if (through_ == nullptr) {
    const Termination* other = at(Opposite(side)).get();
    if (other != nullptr && other->state() == Termination::State::kEstablished &&
        at(side)->state() == Termination::State::kEstablished && MayStart()) {
      StartThroughConnection();
    }
    return;
  }
  UpdateRewriting();
  if (at(side)->replacing()) through_->ExpectReplacement(side, true);
  UpdateInterest();
}

void MediaStream::GiveUpConnection(Side side) {
  const bool was_replacing = at(side)->replacing();
  const bool carried_octets = through_ != nullptr || lost_side_ == side;
  if (!was_replacing) {
    await_other_side_.Cancel();
    StopThroughConnection();
  }
  at(side)->GiveUpConnection(BearerReleased::Cause::kReplaced,
                             "the fingerprint of another peer has come");
  if (was_replacing) return;
  Termination* other = at(Opposite(side)).get();
  if (other != nullptr && Triggers(side)) {
    other->GiveUpConnection(BearerReleased::Cause::kOtherSideEnded,
                            "the other side has got another peer");
  } else if (carried_octets) {
    lost_side_ = side;
  }
  OnSetupFailed(side, /*final=*/false);
}

void MediaStream::ReleaseTermination(Side side) {
  await_other_side_.Cancel();
  StopThroughConnection();
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
  if (through_ != nullptr) {
    UpdateInterest();  // A next connection has taken the place of the one before.
  } else if (other->state() == Termination::State::kEstablished && MayStart()) {
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
    lost_side_.reset();
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
  // It may have been read until now: what it sends from here on stays with the kernel.
  resources_.loop.SetInterest(at(waiting)->byte_stream()->fd(), /*readable=*/false,
                              /*writable=*/false);
  const Termination* other = at(Opposite(waiting)).get();
  const absl::Duration patience = other == nullptr
                                      ? resources_.limits.setup_timers.await_configuration
                                      : other->policy().timers().await_configuration;
  await_other_side_.Start(patience, [this, waiting] {
    Termination* late = at(Opposite(waiting)).get();
    lost_side_.reset();
    if (late != nullptr) {
      report_(Opposite(waiting), SetupTimedOut{SetupTimedOut::Timer::kAwaitConfiguration});
      late->Fail();
    }
    at(waiting)->Release(BearerReleased::Cause::kOtherSideEnded,
                         "the other side did not come about in time", /*reset=*/true);
  });
}

bool MediaStream::MayStart() const {
  return !access_->local().msrp() || (!access_->present_policy().remote().msrp_path.empty() &&
                                      !core_->present_policy().remote().msrp_path.empty());
}

void MediaStream::StartThroughConnection() {
  await_other_side_.Cancel();
  if (lost_side_.has_value()) {
    UpdateRewriting();
  } else if (access_->local().msrp()) {
    from_access_ =
        std::make_unique<MsrpTransformer>(RewritingFrom(Side::kAccess), resources_.msrp_scratch,
                                          resources_.counters.msrp_from_access);
    from_core_ = std::make_unique<MsrpTransformer>(
        RewritingFrom(Side::kCore), resources_.msrp_scratch, resources_.counters.msrp_from_core);
  }
  through_ = std::make_unique<ThroughConnection>(*access_->byte_stream(), *core_->byte_stream(),
                                                 from_access_.get(), from_core_.get());
  if (lost_side_.has_value()) {
    // As if it had taken the place of the one before while that was there.
    through_->Replace(*lost_side_, *at(*lost_side_)->byte_stream());
    lost_side_.reset();
  }
  UpdateInterest();
}

MsrpRewriting MediaStream::RewritingFrom(Side source) const {
  const auto side = [this](Side of) {
    const Termination& termination = *at(of);
    return MsrpSide{.peer_path = termination.present_policy().remote().msrp_path,
                    .tls = termination.local().tls(),
                    .termination = termination.local_address()};
  };
  absl::StatusOr<MsrpRewriting> rewriting =
      MsrpRewriting::Create(side(source), side(Opposite(source)));
  // Paths are checked when they come.
  CHECK(rewriting.ok());
  return *std::move(rewriting);
}

void MediaStream::UpdateRewriting() {
  if (from_access_ == nullptr) return;
  from_access_->SetRewriting(RewritingFrom(Side::kAccess));
  from_core_->SetRewriting(RewritingFrom(Side::kCore));
}

std::string MediaStream::LocalMsrpPath(Side side) const {
  const Termination* other = at(Opposite(side)).get();
  if (other == nullptr || other->present_policy().remote().msrp_path.empty()) return "";
  const absl::StatusOr<MsrpUri> uri =
      MsrpUri::Parse(other->present_policy().remote().msrp_path.back());
  return uri.ok() ? uri->MovedTo(at(side)->local().tls(), at(side)->local_address()) : "";
}

absl::optional<ThroughConnection::Failure> MediaStream::MoveOctets(Side side,
                                                                   const Readiness& readiness) {
  const uint64_t received_before = through_->received_byte_count(side);
  const uint64_t sent_before = through_->sent_byte_count(Opposite(side));
  absl::optional<ThroughConnection::Failure> failure = through_->OnReady(side, readiness);
  const uint64_t received = through_->received_byte_count(side) - received_before;
  if (received > 0) {
    (side == Side::kAccess ? resources_.counters.received_from_access
                           : resources_.counters.received_from_core) += received;
    at(side)->OnReceived(received);
  }
  if (through_->sent_byte_count(Opposite(side)) > sent_before) at(Opposite(side))->OnSent();
  return failure;
}

void MediaStream::OnBearerReady(Side side, const Readiness& readiness) {
  if (through_ == nullptr) {
    // Established, but the other side is not: nothing is read, so this can only be an end.
    const absl::Status error = TakeSocketError(at(side)->byte_stream()->fd());
    await_other_side_.Cancel();
    lost_side_.reset();
    at(side)->LoseConnection(CauseOf(error), "it broke before the other side was there",
                             /*reset=*/true);
    if (at(side)->state() != Termination::State::kReleased) return;
    Termination* other = at(Opposite(side)).get();
    if (other != nullptr) other->Fail();
    return;
  }
  const absl::optional<ThroughConnection::Failure> failure = MoveOctets(side, readiness);
  if (failure.has_value()) {
    EndThroughConnection(*failure);
  } else if (through_->finished()) {
    FinishThroughConnection();
  } else {
    UpdateInterest();
    UpdateBufferedBytes();
    if (readiness.broken && !through_->interest(side).readable &&
        !through_->interest(side).writable) {
      // Both ends have shut it down and what it received must wait; epoll would tell so for ever.
      resources_.loop.Mute(at(side)->byte_stream()->fd());
    }
    if (through_->half_closed() && !half_close_silence_.running()) WatchHalfClosed();
  }
}

void MediaStream::OnReplaced(Side side, ByteStream& next) {
  if (through_ == nullptr) return;
  // What has come over the old connection is older than what the next one brings.
  for (int turns = kLastTurns; turns > 0 && through_->interest(side).readable; --turns) {
    const uint64_t before = through_->received_byte_count(side);
    const absl::optional<ThroughConnection::Failure> failure = MoveOctets(side, {.readable = true});
    // How the old one ends does not matter any more; how the other side's does shows by itself.
    if (failure.has_value() || through_->received_byte_count(side) == before) break;
  }
  KeepByteCounts();
  (side == Side::kAccess ? buffered_for_access_ : buffered_for_core_).reset();
  // It is not the termination's yet, so if it broke already, that shows when it is.
  through_->Replace(side, next);
  UpdateRewriting();
}

void MediaStream::OnReplacementAbandoned(Side side) {
  if (through_ == nullptr) return;
  const absl::optional<ThroughConnection::Failure> failure =
      through_->ExpectReplacement(side, false);
  if (failure.has_value()) return EndThroughConnection(*failure);
  if (through_->finished()) return FinishThroughConnection();
  UpdateInterest();
}

bool MediaStream::MayRead(Side side) const {
  return at(side)->policy().may_receive() && at(Opposite(side))->policy().may_send() &&
         at(side)->reading_allowed();
}

void MediaStream::UpdateInterest() {
  if (through_ == nullptr) return;
  for (Side side : {Side::kAccess, Side::kCore}) through_->Hold(side, !MayRead(side));
  for (Side side : {Side::kAccess, Side::kCore}) {
    const ThroughConnection::Interest interest = through_->interest(side);
    resources_.loop.SetInterest(at(side)->byte_stream()->fd(), interest.readable,
                                interest.writable);
  }
}

void MediaStream::UpdateBufferedBytes() {
  for (Side side : {Side::kAccess, Side::kCore}) {
    std::unique_ptr<BufferedBytes::Account>& account =
        side == Side::kAccess ? buffered_for_access_ : buffered_for_core_;
    const size_t unsent = at(side)->byte_stream()->unsent_byte_count();
    if (unsent == 0) {
      account.reset();
      continue;
    }
    if (account == nullptr) {
      account = std::make_unique<BufferedBytes::Account>(resources_.buffered_bytes,
                                                         [this, side] { EndForBufferLimit(side); });
    }
    account->Set(unsent);
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
    StopThroughConnection();
    for (Side side : {Side::kAccess, Side::kCore}) {
      at(side)->Release(BearerReleased::Cause::kTimedOut,
                        "one direction had ended and the other stood still", /*reset=*/true);
    }
  });
}

void MediaStream::KeepByteCounts() {
  if (through_ == nullptr) return;
  for (Side side : {Side::kAccess, Side::kCore}) {
    at(side)->AddByteCounts(through_->received_byte_count(side), through_->sent_byte_count(side));
  }
  through_->ResetByteCounts();
}

void MediaStream::StopThroughConnection() {
  half_close_silence_.Cancel();
  KeepByteCounts();
  through_.reset();
  lost_side_.reset();
  buffered_for_access_.reset();
  buffered_for_core_.reset();
}

void MediaStream::EndThroughConnection(const ThroughConnection::Failure& failure) {
  StopThroughConnection();
  const BearerReleased::Cause cause =
      failure.of_transformer ? BearerReleased::Cause::kProtocolError : CauseOf(failure.status);
  // After a violation of TLS an alert is on its way, which RST could overtake.
  at(failure.side)
      ->LoseConnection(cause, failure.status.message(),
                       /*reset=*/cause != BearerReleased::Cause::kTlsError);
  // If the next connection of that side is being made already, the other side waits for it.
  if (at(failure.side)->state() != Termination::State::kReleased) {
    lost_side_ = failure.side;
    return AwaitOtherSide(Opposite(failure.side));
  }
  at(Opposite(failure.side))
      ->Release(BearerReleased::Cause::kOtherSideEnded, "the other side's connection broke",
                /*reset=*/true);
}

void MediaStream::EndForBufferLimit(Side side) {
  StopThroughConnection();
  at(side)->Release(BearerReleased::Cause::kBufferLimit,
                    "its peer took nothing, and the memory for such octets is full",
                    /*reset=*/true);
  at(Opposite(side))
      ->Release(BearerReleased::Cause::kOtherSideEnded, "the other side's peer took nothing",
                /*reset=*/true);
}

void MediaStream::FinishThroughConnection() {
  StopThroughConnection();
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
    statistics.received_byte_count += through_->received_byte_count(side);
    statistics.sent_byte_count += through_->sent_byte_count(side);
  }
  return statistics;
}

bool MediaStream::active() const {
  return await_other_side_.running() || half_close_silence_.running() ||
         (access_ != nullptr && access_->active()) || (core_ != nullptr && core_->active());
}

}  // namespace agw
