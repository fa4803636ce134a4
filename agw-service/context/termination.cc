#include "agw-service/context/termination.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "agw-service/context/iq_error.h"
#include "agw-service/net/socket.h"
#include "common/check.h"
#include "common/status_macros.h"

namespace agw {
namespace {

TcpFailed::Cause CauseOf(const absl::Status& status) {
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

}  // namespace

Termination::Termination(WorkerResources& resources, Observer& observer, Side side,
                         const LocalDescriptor& local, std::shared_ptr<const TlsIdentity> identity)
    : resources_(resources),
      observer_(observer),
      side_(side),
      local_(local),
      identity_(std::move(identity)),
      policy_(resources.limits.setup_timers),
      listener_handler_(*this),
      syn_drops_(resources.syn_drop_watch, [this](uint64_t count) { Report(SynDropped{count}); }),
      await_configuration_(resources.loop),
      await_connection_(resources.loop) {}

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
  absl::optional<DescriptorLease> descriptors =
      resources.descriptors.Take(kDescriptorsPerTermination, local.privileged);
  if (!descriptors.has_value()) {
    return IqError(absl::StatusCode::kResourceExhausted, "DESCRIPTOR_LIMIT",
                   "the file descriptors are not enough for one more termination");
  }
  std::unique_ptr<Termination> termination(
      new Termination(resources, observer, side, local,
                      local.tls() ? resources.identities.Of(realm->name) : nullptr));
  termination->descriptors_ = *std::move(descriptors);
  ASSIGN_OR_RETURN(
      termination->point_,
      ConnectionPoint::Reserve(*address,
                               side == Side::kAccess ? ConnectionPoint::GateKind::kFilter
                                                     : ConnectionPoint::GateKind::kHopLimit,
                               resources.loop, termination->listener_handler_, local.privileged));
  return termination;
}

Termination::~Termination() {
  // RST rather than FIN where bytes would be lost: the peer must not take it for a proper end.
  CloseConnections(
      /*reset=*/connection_ == nullptr || HasBytesInFlight(connection_->fd()));
}

Termination::State Termination::state() const {
  if (end_.has_value()) return *end_;
  if (connection_ != nullptr) return State::kEstablished;
  if (setup_ == nullptr) return State::kIdle;
  return setup_->connecting() ? State::kConnecting : State::kTlsHandshake;
}

absl::Status Termination::CheckConfigure(const RemoteDescriptor& remote,
                                         const BearerControl& control) const {
  return policy_.Check({.state = state(),
                        .bound_ip = point_->bound_address().ip,
                        .tls = local_.tls(),
                        .identities = resources_.identities,
                        .own_addresses = resources_.own_addresses,
                        .remote_prefixes = point_->remote_prefixes(),
                        .allow_sha1_fingerprints = resources_.limits.allow_sha1_fingerprints},
                       remote, control);
}

void Termination::YieldToRole(const BearerControl& control) {
  if (!policy_.YieldsTo(control, state())) return;
  Rearm();
  observer_.OnSetupFailed(side_, /*final=*/false);
}

void Termination::Configure(const RemoteDescriptor& remote, const BearerControl& control,
                            bool remote_known) {
  const bool first_configuration = remote_known && !policy_.configured();
  policy_.Apply(remote, control, remote_known);
  const common::MonotonicTime deadline = resources_.loop.Now() + policy_.timers().tcp_establishment;
  switch (state()) {
    case State::kIdle:
      ApplySynPolicy();
      if (state() != State::kIdle) break;
      // Unless one is started again, it waits for an order or for the other side, whose timer runs.
      CancelSetupTimers();
      if (control.establish_tcp) {
        StartConnecting();
      } else if (!policy_.configured()) {
        AwaitConfiguration();
      } else if (point_->listening() && policy_.syn_policy().kind != SynPolicy::Kind::kDropAll) {
        AwaitConnection(deadline);
      }
      break;
    case State::kTlsHandshake:
      if (first_configuration) {
        await_configuration_.Cancel();
        connection_deadline_ = deadline;
      }
      if (policy_.tcp_role() == TcpRole::kPassive && !policy_.Accepts(setup_->remote())) {
        // It came in while everybody could; now it is somebody else who may.
        Rearm();
        observer_.OnSetupFailed(side_, /*final=*/false);
        break;
      }
      if (first_configuration) setup_->LimitTls(policy_.timers().tls_establishment);
      AdvanceTls();
      break;
    case State::kConnecting:
    case State::kEstablished:
    case State::kReleased:
    case State::kFailed:
      break;
  }
}

void Termination::ApplySynPolicy() {
  absl::Status applied = point_->ListenAgain();
  if (applied.ok()) syn_drops_.Start(*point_);
  if (policy_.tcp_role() == TcpRole::kActive) return;  // Nobody may connect; we shall.
  if (applied.ok() && policy_.syn_policy().kind == SynPolicy::Kind::kLatch) {
    applied = point_->OpenGate();
  }
  if (applied.ok() && policy_.syn_policy().kind == SynPolicy::Kind::kAcceptFrom) {
    applied = point_->OpenGateFor(policy_.AcceptedSources());
  }
  if (!applied.ok()) OnTcpFailed(applied);
}

void Termination::AcceptConnection() {
  absl::StatusOr<absl::optional<Accepted>> accepted = point_->AcceptOne();
  resources_.counters.refused_connections += point_->TakeResetCount();
  if (!accepted.ok()) {
    // It comes up again when the connection point has paused.
    resources_.shortage_reporter.Report(accepted.status());
    return;
  }
  if (!accepted->has_value()) return;
  if (state() != State::kIdle || policy_.tcp_role() == TcpRole::kActive ||
      !policy_.Accepts((*accepted)->remote) ||
      !point_->remote_prefixes().Permit((*accepted)->remote.ip)) {
    // It raced the one we have, or came through a gate that was closed for others than its sender.
    ++resources_.counters.refused_connections;
    SetResetOnClose((*accepted)->fd.get());
    if (state() == State::kIdle) ApplySynPolicy();
    return;
  }
  policy_.DecideTcpRole(TcpRole::kPassive);
  syn_drops_.Stop(*point_);
  setup_ = ConnectionSetup::ForAccepted(resources_, *this, *std::move(*accepted));
  OnTcpEstablished();
}

void Termination::ConnectByInterlinkage() {
  if (state() != State::kIdle || policy_.tcp_role() == TcpRole::kPassive ||
      !policy_.can_connect()) {
    return;
  }
  policy_.DecideTcpRole(TcpRole::kActive);
  StartConnecting();
}

void Termination::StartConnecting() {
  CancelSetupTimers();
  syn_drops_.Stop(*point_);
  absl::StatusOr<OwnedFd> fd = point_->TakeForConnecting();
  if (!fd.ok()) return OnTcpFailed(fd.status());
  absl::StatusOr<std::unique_ptr<ConnectionSetup>> setup =
      ConnectionSetup::Connect(resources_, *this, *std::move(fd), *policy_.remote().address,
                               policy_.timers().tcp_establishment);
  if (!setup.ok()) return OnTcpFailed(setup.status());
  setup_ = *std::move(setup);
}

void Termination::OnTcpEstablished() {
  connected_to_ = setup_->remote();
  await_connection_.Cancel();
  Report(TcpEstablished{local_address(), *connected_to_, policy_.tcp_role()});
  if (!local_.tls()) {
    Establish();
    observer_.OnTcpEstablished(side_);
    // The other side may have failed at once, and taken this one with it.
    if (connection_ != nullptr) observer_.OnEstablished(side_);
    return;
  }
  if (policy_.configured()) setup_->LimitTls(policy_.timers().tls_establishment);
  // The other side connects while the handshake goes on.
  observer_.OnTcpEstablished(side_);
  if (state() == State::kTlsHandshake) AdvanceTls();
}

void Termination::AdvanceTls() {
  if (setup_->tls_started()) {
    setup_->SetRemoteFingerprints(policy_.remote().fingerprints);
  } else if (policy_.may_start_tls()) {
    setup_->StartTls(*policy_.tls_role(), identity_, policy_.remote().fingerprints);
  }
}

void Termination::OnTlsEstablished() {
  Establish();
  observer_.OnEstablished(side_);
}

void Termination::Establish() {
  CancelSetupTimers();
  connection_ = setup_->TakeByteStream();
  setup_.reset();
  established_at_ = resources_.loop.Now();
  SetPeerLossTimes(connection_->fd(), resources_.limits.peer_loss_times);
  resources_.loop.Add(connection_->fd(), *this);
}

void Termination::OnReady(const Readiness& readiness) { observer_.OnBearerReady(side_, readiness); }

void Termination::OnTcpFailed(const absl::Status& status) {
  // It may belong to what is closed now.
  TcpFailed event{CauseOf(status), std::string(status.message())};
  Fail();
  Report(std::move(event));
  observer_.OnSetupFailed(side_, /*final=*/true);
}

void Termination::OnTlsFailed(TlsFailed::Cause cause, absl::string_view detail) {
  ++failed_attempts_;
  const uint32_t limit = resources_.limits.attempt_limit;
  uint32_t left = 0;
  if (policy_.tcp_role() == TcpRole::kPassive && failed_attempts_ < limit &&
      resources_.loop.Now() < connection_deadline_) {
    left = limit - failed_attempts_;
  }
  TlsFailed event{cause, std::string(detail), left};
  CloseConnections(/*reset=*/false);
  if (left > 0) {
    Rearm();
  } else {
    Fail();
  }
  Report(std::move(event));
  observer_.OnSetupFailed(side_, /*final=*/left == 0);
}

void Termination::Rearm() {
  CloseConnections(/*reset=*/true);
  ApplySynPolicy();
  if (state() != State::kIdle) return;
  if (!policy_.configured()) {
    if (!await_configuration_.running()) AwaitConfiguration();
  } else if (connection_deadline_ < common::MonotonicTime::InfiniteFuture()) {
    AwaitConnection(connection_deadline_);
  }
}

void Termination::Fail() {
  CloseConnections(/*reset=*/true);
  CancelSetupTimers();
  syn_drops_.Stop(*point_);
  if (point_->listening()) (void)point_->CloseGate();
  end_ = State::kFailed;
}

void Termination::Release(BearerReleased::Cause cause, absl::string_view detail, bool reset) {
  CHECK(state() == State::kEstablished);
  statistics_.duration = resources_.loop.Now() - established_at_;
  BearerReleased event{cause, std::string(detail), statistics_};
  CloseConnections(reset);
  end_ = State::kReleased;
  Report(std::move(event));
}

void Termination::CloseConnections(bool reset) {
  if (setup_ != nullptr) {
    if (reset) setup_->ResetOnClose();
    setup_.reset();
  }
  if (connection_ != nullptr) {
    resources_.loop.Remove(connection_->fd());
    if (reset) connection_->ResetOnClose();
    connection_.reset();
  }
}

void Termination::AwaitConfiguration() {
  await_configuration_.Start(policy_.timers().await_configuration, [this] {
    Report(SetupTimedOut{SetupTimedOut::Timer::kAwaitConfiguration});
    Fail();
    observer_.OnSetupFailed(side_, /*final=*/true);
  });
}

void Termination::AwaitConnection(common::MonotonicTime deadline) {
  connection_deadline_ = deadline;
  await_connection_.StartAt(deadline, [this] {
    Report(SetupTimedOut{SetupTimedOut::Timer::kTcpEstablishment});
    OnTcpFailed(absl::DeadlineExceededError("no connection came about in time"));
  });
}

void Termination::CancelSetupTimers() {
  await_configuration_.Cancel();
  await_connection_.Cancel();
}

bool Termination::active() const {
  return setup_ != nullptr || connection_ != nullptr || await_configuration_.running() ||
         await_connection_.running();
}

absl::optional<common::TransportAddress> Termination::remote_address() const {
  return connected_to_.has_value() ? connected_to_ : policy_.remote().address;
}

TerminationStatistics Termination::statistics() const {
  TerminationStatistics statistics = statistics_;
  if (connection_ != nullptr) statistics.duration = resources_.loop.Now() - established_at_;
  return statistics;
}

void Termination::set_byte_counts(uint64_t received, uint64_t sent) {
  statistics_.received_byte_count = received;
  statistics_.sent_byte_count = sent;
}

}  // namespace agw
