#include "agw-service/context/termination.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agw-service/bearer/tcp_stream.h"
#include "agw-service/context/iq_error.h"
#include "agw-service/net/socket.h"
#include "common/check.h"
#include "common/status_macros.h"

namespace agw {
namespace {

// How often a closed gate is asked for what it dropped, and so the shortest time between two
// notifications about it.
constexpr absl::Duration kDropPollInterval = absl::Seconds(1);

TcpFailed::Cause ConnectFailureCause(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return TcpFailed::Cause::kRefused;
    case absl::StatusCode::kNotFound:
      return TcpFailed::Cause::kUnreachable;
    case absl::StatusCode::kDeadlineExceeded:
      return TcpFailed::Cause::kTimedOut;
    default:
      return TcpFailed::Cause::kLocal;
  }
}

TlsFailed::Cause HandshakeFailureCause(TlsFailure failure) {
  switch (failure) {
    case TlsFailure::kNotTls:
      return TlsFailed::Cause::kNotTls;
    case TlsFailure::kProtocolVersion:
      return TlsFailed::Cause::kProtocolVersion;
    case TlsFailure::kNoCommonCipher:
      return TlsFailed::Cause::kNoCommonCipher;
    case TlsFailure::kNoCertificate:
      return TlsFailed::Cause::kNoCertificate;
    case TlsFailure::kFingerprintMismatch:
      return TlsFailed::Cause::kFingerprintMismatch;
    case TlsFailure::kAlertReceived:
      return TlsFailed::Cause::kAlertReceived;
    case TlsFailure::kClosedByPeer:
      return TlsFailed::Cause::kClosedByPeer;
    case TlsFailure::kHandshakeTooLarge:
      return TlsFailed::Cause::kHandshakeTooLarge;
    case TlsFailure::kNone:
    case TlsFailure::kProtocolError:
      return TlsFailed::Cause::kProtocolError;
  }
  return TlsFailed::Cause::kProtocolError;
}

}  // namespace

Termination::Termination(WorkerResources& resources, Observer& observer, Side side,
                         const LocalDescriptor& local)
    : resources_(resources),
      observer_(observer),
      side_(side),
      local_(local),
      identity_(local.tls ? resources.identity : nullptr),
      listener_handler_(*this),
      timers_(resources.limits.setup_timers) {}

absl::StatusOr<std::unique_ptr<Termination>> Termination::Reserve(WorkerResources& resources,
                                                                  Observer& observer, Side side,
                                                                  const LocalDescriptor& local) {
  const IpRealm* realm = resources.realms.Find(local.ip_realm, side);
  if (realm == nullptr) {
    return IqError(absl::StatusCode::kNotFound, "REALM_UNKNOWN",
                   absl::StrCat("no realm \"", local.ip_realm, "\""), "local.ip_realm");
  }
  const bool want_ipv6 = local.family == LocalDescriptor::Family::kIpv6;
  const RealmAddress* address = realm->FindAddress(/*ipv4=*/!want_ipv6);
  if (address == nullptr && local.family == LocalDescriptor::Family::kAny) {
    address = realm->FindAddress(/*ipv4=*/false);
  }
  if (address == nullptr) {
    return IqError(absl::StatusCode::kNotFound, "REALM_UNKNOWN",
                   absl::StrCat("realm \"", realm->name, "\" has no address of this family"),
                   "local.address_family");
  }
  std::unique_ptr<Termination> termination(new Termination(resources, observer, side, local));
  ASSIGN_OR_RETURN(
      termination->point_,
      ConnectionPoint::Reserve(*address,
                               side == Side::kAccess ? ConnectionPoint::Strictness::kFilter
                                                     : ConnectionPoint::Strictness::kHopGate,
                               resources.loop, termination->listener_handler_));
  return termination;
}

Termination::~Termination() {
  resources_.loop.CancelTimer(timer_);
  resources_.loop.CancelTimer(drop_poll_);
  // RST rather than FIN where bytes would be lost: the peer must not take it for a proper end.
  if (stream_ != nullptr || connecting_) {
    const int fd = stream_ != nullptr ? stream_->fd() : connecting_.get();
    CloseConnection(/*reset=*/state_ != State::kEstablished || HasBytesInFlight(fd));
  }
}

bool Termination::YieldsTo(const BearerControl& control) const {
  return state_ == State::kTlsHandshake && tcp_role_ == TcpRole::kPassive &&
         control.tcp_role == TcpRole::kActive;
}

void Termination::YieldToRole(const BearerControl& control) {
  if (!YieldsTo(control)) return;
  Rearm();
  observer_.OnSetupFailed(side_, /*final=*/false);
}

void Termination::Configure(const RemoteDescriptor& remote, const BearerControl& control,
                            bool remote_known) {
  if (remote.address.has_value()) remote_.address = remote.address;
  if (!remote.fingerprints.empty()) remote_.fingerprints = remote.fingerprints;
  if (control.tcp_role.has_value()) tcp_role_ = *control.tcp_role;
  if (control.tls_role.has_value()) tls_role_ = control.tls_role;
  if (control.syn_policy.has_value()) syn_policy_ = *control.syn_policy;
  if (control.await_configuration) timers_.await_configuration = *control.await_configuration;
  if (control.tcp_establishment) timers_.tcp_establishment = *control.tcp_establishment;
  if (control.tls_establishment) timers_.tls_establishment = *control.tls_establishment;
  tls_ordered_ |= control.establish_tls;
  const bool first_configuration = remote_known && !configured_;
  configured_ |= remote_known;

  const absl::Time now = resources_.loop.Now();
  switch (state_) {
    case State::kIdle:
      ApplySynPolicy();
      if (state_ != State::kIdle) break;
      if (control.establish_tcp) {
        StartConnecting();
      } else if (!configured_) {
        StartTimer(SetupTimedOut::Timer::kAwaitConfiguration, now + timers_.await_configuration);
      } else if (point_->listening() && syn_policy_.kind != SynPolicy::Kind::kDropAll) {
        tcp_deadline_ = now + timers_.tcp_establishment;
        StartTimer(SetupTimedOut::Timer::kTcpEstablishment, tcp_deadline_);
      } else {
        // Waits for an order or for the other side, whose timer runs.
        resources_.loop.CancelTimer(timer_);
      }
      break;
    case State::kTlsHandshake:
      if (first_configuration) tcp_deadline_ = now + timers_.tcp_establishment;
      if (tcp_role_ == TcpRole::kPassive && !Accepts(connected_to_)) {
        // It came in while everybody could; now it is somebody else who may.
        Rearm();
        observer_.OnSetupFailed(side_, /*final=*/false);
        break;
      }
      if (first_configuration) {
        StartTimer(SetupTimedOut::Timer::kTlsEstablishment, now + timers_.tls_establishment);
      }
      if (tls_stream_ == nullptr) {
        StartTls();
      } else {
        tls_stream_->SetRemoteFingerprints(remote_.fingerprints);
        ContinueHandshake();
      }
      break;
    case State::kConnecting:
    case State::kEstablished:
    case State::kReleased:
    case State::kFailed:
      break;
  }
}

void Termination::ApplySynPolicy() {
  PollDroppedSyns();
  absl::Status applied = point_->ListenAgain();
  if (tcp_role_ == TcpRole::kActive) return;  // Nobody may connect; we shall.
  if (applied.ok() && syn_policy_.kind == SynPolicy::Kind::kLatch) applied = point_->OpenGate();
  if (applied.ok() && syn_policy_.kind == SynPolicy::Kind::kAcceptFrom) {
    if (!syn_policy_.sources.empty()) {
      applied = point_->OpenGateFor(syn_policy_.sources);
    } else {
      const common::IpAddress ip = remote_.address->ip;
      const SourceFilter source{.ip = ip,
                                .prefix_length = static_cast<uint8_t>(8 * ip.bytes().size())};
      applied = point_->OpenGateFor({&source, 1});
    }
  }
  if (!applied.ok()) ConnectFailed(TcpFailed::Cause::kLocal, applied.message());
}

bool Termination::Accepts(const common::TransportAddress& source) const {
  switch (syn_policy_.kind) {
    case SynPolicy::Kind::kDropAll:
      return false;
    case SynPolicy::Kind::kLatch:
      return true;
    case SynPolicy::Kind::kAcceptFrom:
      break;
  }
  if (syn_policy_.sources.empty()) return remote_.address->ip == source.ip;
  for (const SourceFilter& filter : syn_policy_.sources) {
    if (filter.Matches(source)) return true;
  }
  return false;
}

void Termination::OnConnectionWaits() {
  absl::StatusOr<absl::optional<Accepted>> accepted = point_->AcceptOne();
  if (!accepted.ok()) {
    // No descriptor, most likely; the peer would wait in vain.
    Fail();
    observer_.Report(side_,
                     TcpFailed{TcpFailed::Cause::kLocal, std::string(accepted.status().message())});
    observer_.OnSetupFailed(side_, /*final=*/true);
    return;
  }
  if (!accepted->has_value()) return;
  if (state_ != State::kIdle || tcp_role_ == TcpRole::kActive || !Accepts((*accepted)->remote)) {
    // It raced the one we have, or came through a gate that was closed for others than its sender.
    SetResetOnClose((*accepted)->fd.get());
    if (state_ == State::kIdle) ApplySynPolicy();
    return;
  }
  tcp_role_ = TcpRole::kPassive;
  TcpIsEstablished(std::move((*accepted)->fd), (*accepted)->remote, TcpRole::kPassive);
}

void Termination::ConnectByInterlinkage() {
  if (state_ != State::kIdle) return;
  if (tcp_role_ == TcpRole::kPassive || !remote_.address.has_value() ||
      remote_.address->port == 0) {
    return;
  }
  tcp_role_ = TcpRole::kActive;
  StartConnecting();
}

void Termination::StartConnecting() {
  PollDroppedSyns();
  absl::StatusOr<OwnedFd> fd = point_->TakeForConnecting();
  if (!fd.ok()) {
    ConnectFailed(TcpFailed::Cause::kLocal, fd.status().message());
    return;
  }
  absl::Status started = StartConnect(fd->get(), *remote_.address);
  if (!started.ok()) {
    ConnectFailed(ConnectFailureCause(started), started.message());
    return;
  }
  state_ = State::kConnecting;
  connecting_ = *std::move(fd);
  resources_.loop.Add(connecting_.get(), *this);
  resources_.loop.SetInterest(connecting_.get(), /*readable=*/false, /*writable=*/true);
  StartTimer(SetupTimedOut::Timer::kTcpEstablishment,
             resources_.loop.Now() + timers_.tcp_establishment);
}

void Termination::OnConnected() {
  absl::Status outcome = TakeSocketError(connecting_.get());
  if (!outcome.ok()) {
    ConnectFailed(ConnectFailureCause(outcome), outcome.message());
    return;
  }
  resources_.loop.Remove(connecting_.get());
  TcpIsEstablished(OwnedFd(connecting_.release()), *remote_.address, TcpRole::kActive);
}

void Termination::TcpIsEstablished(OwnedFd fd, const common::TransportAddress& remote,
                                   TcpRole role) {
  SetNoDelay(fd.get());
  connected_to_ = remote;
  resources_.loop.Add(fd.get(), *this);
  observer_.Report(side_, TcpEstablished{local_address(), remote, role});
  const absl::Time now = resources_.loop.Now();
  if (!local_.tls) {
    stream_ = std::make_unique<TcpStream>(std::move(fd), resources_.scratch);
    state_ = State::kEstablished;
    established_at_ = now;
    resources_.loop.CancelTimer(timer_);
    observer_.OnTcpEstablished(side_);
    // The other side may have failed at once, and taken this one with it.
    if (state_ == State::kEstablished) observer_.OnEstablished(side_);
    return;
  }
  state_ = State::kTlsHandshake;
  connecting_ = std::move(fd);
  if (configured_) {
    StartTimer(SetupTimedOut::Timer::kTlsEstablishment, now + timers_.tls_establishment);
  }
  // The other side connects while the handshake goes on.
  observer_.OnTcpEstablished(side_);
  if (state_ == State::kTlsHandshake) StartTls();
}

void Termination::StartTls() {
  if (!tls_role_.has_value()) return;
  if (*tls_role_ == TlsRole::kClient && !tls_ordered_) return;
  std::unique_ptr<TlsStream> stream =
      *tls_role_ == TlsRole::kServer
          ? TlsStream::Server(resources_.tls_profile, identity_, std::move(connecting_))
          : TlsStream::Client(resources_.tls_profile, identity_, std::move(connecting_), "");
  stream->SetRemoteFingerprints(remote_.fingerprints);
  tls_stream_ = stream.get();
  stream_ = std::move(stream);
  ContinueHandshake();
}

void Termination::ContinueHandshake() {
  absl::StatusOr<TlsStream::HandshakeProgress> progress = tls_stream_->Handshake();
  if (!progress.ok()) {
    HandshakeFailed(progress.status());
    return;
  }
  using Progress = TlsStream::HandshakeProgress;
  resources_.loop.SetInterest(tls_stream_->fd(), *progress == Progress::kWantsReadable,
                              *progress == Progress::kWantsWritable);
  if (*progress != Progress::kDone) return;
  state_ = State::kEstablished;
  established_at_ = resources_.loop.Now();
  resources_.loop.CancelTimer(timer_);
  observer_.Report(side_, FingerprintVerified{*tls_stream_->presented_fingerprint()});
  observer_.Report(side_, TlsEstablished{std::string(tls_stream_->protocol_version()),
                                         std::string(tls_stream_->cipher_suite()), *tls_role_});
  observer_.OnEstablished(side_);
}

void Termination::HandshakeFailed(const absl::Status& status) {
  const TlsFailure failure = tls_stream_->failure();
  if (failure == TlsFailure::kFingerprintMismatch) {
    observer_.Report(side_, FingerprintMismatch{*tls_stream_->presented_fingerprint()});
  }
  AttemptFailed(HandshakeFailureCause(failure), status.message());
}

void Termination::AttemptFailed(TlsFailed::Cause cause, absl::string_view detail) {
  ++failed_attempts_;
  const bool passive = tcp_role_ == TcpRole::kPassive;
  uint32_t left = 0;
  if (passive && failed_attempts_ < resources_.limits.attempt_limit &&
      resources_.loop.Now() < tcp_deadline_) {
    left = resources_.limits.attempt_limit - failed_attempts_;
  }
  const std::string detail_copy(detail);
  // No RST: an alert may be on its way.
  CloseConnection(/*reset=*/false);
  if (left > 0) {
    Rearm();
  } else {
    Fail();
  }
  observer_.Report(side_, TlsFailed{cause, detail_copy, left});
  observer_.OnSetupFailed(side_, /*final=*/left == 0);
}

void Termination::ConnectFailed(TcpFailed::Cause cause, absl::string_view detail) {
  const std::string detail_copy(detail);
  Fail();
  observer_.Report(side_, TcpFailed{cause, detail_copy});
  observer_.OnSetupFailed(side_, /*final=*/true);
}

void Termination::Rearm() {
  CloseConnection(/*reset=*/true);
  resources_.loop.CancelTimer(timer_);  // It was that of the connection.
  state_ = State::kIdle;
  ApplySynPolicy();
  if (state_ != State::kIdle) return;
  if (!configured_) {
    StartTimer(SetupTimedOut::Timer::kAwaitConfiguration,
               resources_.loop.Now() + timers_.await_configuration);
  } else if (tcp_deadline_ < absl::InfiniteFuture()) {
    StartTimer(SetupTimedOut::Timer::kTcpEstablishment, tcp_deadline_);
  }
}

void Termination::Fail() {
  CloseConnection(/*reset=*/true);
  resources_.loop.CancelTimer(timer_);
  resources_.loop.CancelTimer(drop_poll_);
  if (point_->listening()) (void)point_->CloseGate();
  state_ = State::kFailed;
}

void Termination::Release(BearerReleased::Cause cause, absl::string_view detail, bool reset) {
  CHECK(state_ == State::kEstablished);
  statistics_.duration = resources_.loop.Now() - established_at_;
  const std::string detail_copy(detail);
  CloseConnection(reset);
  state_ = State::kReleased;
  observer_.Report(side_, BearerReleased{cause, detail_copy, statistics_});
}

void Termination::CloseConnection(bool reset) {
  const int fd = stream_ != nullptr ? stream_->fd() : connecting_.get();
  if (fd < 0) return;
  resources_.loop.Remove(fd);
  if (reset) SetResetOnClose(fd);
  stream_.reset();
  tls_stream_ = nullptr;
  connecting_.reset();
}

void Termination::OnReady(const Readiness& readiness) {
  switch (state_) {
    case State::kConnecting:
      OnConnected();
      return;
    case State::kTlsHandshake:
      // While the handshake is held, or has not begun, only a connection that broke is reported.
      if (tls_stream_ == nullptr || (!readiness.readable && !readiness.writable)) {
        const int fd = tls_stream_ != nullptr ? tls_stream_->fd() : connecting_.get();
        AttemptFailed(TlsFailed::Cause::kClosedByPeer, TakeSocketError(fd).message());
        return;
      }
      ContinueHandshake();
      return;
    case State::kEstablished:
      observer_.OnBearerReady(side_, readiness);
      return;
    case State::kIdle:
    case State::kReleased:
    case State::kFailed:
      return;
  }
}

void Termination::StartTimer(SetupTimedOut::Timer timer, absl::Time deadline) {
  resources_.loop.CancelTimer(timer_);
  timer_kind_ = timer;
  timer_ = resources_.loop.AddTimer(deadline, [this] {
    timer_ = 0;
    OnTimer();
  });
}

void Termination::OnTimer() {
  observer_.Report(side_, SetupTimedOut{timer_kind_});
  switch (timer_kind_) {
    case SetupTimedOut::Timer::kTlsEstablishment:
      AttemptFailed(TlsFailed::Cause::kTimedOut, "the handshake took too long");
      return;
    case SetupTimedOut::Timer::kTcpEstablishment:
      ConnectFailed(TcpFailed::Cause::kTimedOut, "no connection came about in time");
      return;
    case SetupTimedOut::Timer::kAwaitConfiguration:
      Fail();
      observer_.OnSetupFailed(side_, /*final=*/true);
      return;
  }
}

void Termination::PollDroppedSyns() {
  resources_.loop.CancelTimer(drop_poll_);
  const uint64_t dropped = point_->DroppedSynCount();
  if (dropped > reported_drops_) {
    observer_.Report(side_, SynDropped{dropped - reported_drops_});
    reported_drops_ = dropped;
  }
  if (state_ != State::kIdle || !point_->listening()) return;
  drop_poll_ = resources_.loop.AddTimer(resources_.loop.Now() + kDropPollInterval, [this] {
    drop_poll_ = 0;
    PollDroppedSyns();
  });
}

bool Termination::active() const {
  return timer_ != 0 || state_ == State::kConnecting || state_ == State::kTlsHandshake ||
         state_ == State::kEstablished;
}

absl::optional<common::TransportAddress> Termination::remote_address() const {
  if (connected_to_.port == 0) return remote_.address;
  return connected_to_;
}

TerminationStatistics Termination::statistics() const {
  TerminationStatistics statistics = statistics_;
  if (state_ == State::kEstablished) {
    statistics.duration = resources_.loop.Now() - established_at_;
  }
  return statistics;
}

void Termination::set_byte_counts(uint64_t received, uint64_t sent) {
  statistics_.received_byte_count = received;
  statistics_.sent_byte_count = sent;
}

}  // namespace agw
