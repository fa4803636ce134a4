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
    case absl::StatusCode::kAborted:
      return TcpFailed::Cause::kCongestion;
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
  CloseSetup(/*reset=*/true);
  // RST rather than FIN where bytes would be lost: the peer must not take it for a proper end.
  CloseConnection(
      /*reset=*/connection_ != nullptr && HasBytesInFlight(connection_->fd()));
}

Termination::State Termination::setup_state() const {
  if (end_.has_value()) return *end_;
  if (setup_ != nullptr) return setup_->connecting() ? State::kConnecting : State::kTlsHandshake;
  return connection_ != nullptr && !replacing() ? State::kEstablished : State::kIdle;
}

Termination::State Termination::state() const {
  return connection_ != nullptr ? State::kEstablished : setup_state();
}

absl::Status Termination::CheckConfigure(const RemoteDescriptor& remote,
                                         const BearerControl& control, bool remote_known) const {
  State effective_state = setup_state();
  const TerminationPolicy* policy = &policy_;
  if (control.connection_request == ConnectionRequest::kNew) {
    effective_state = State::kIdle;
    if (connection_ != nullptr && !replacing() && resources_.descriptors.available() < 1) {
      return IqError(absl::StatusCode::kResourceExhausted, "DESCRIPTOR_LIMIT",
                     "the file descriptors are not enough for one more connection");
    }
  } else if (control.connection_request == ConnectionRequest::kExisting && replacing()) {
    effective_state = State::kEstablished;
    policy = kept_policy_.get();
  }
  return policy->Check({.state = effective_state,
                        .bound_ip = point_->bound_address().ip,
                        .tls = local_.tls(),
                        .identities = resources_.identities,
                        .msrp = local_.msrp(),
                        .own_addresses = resources_.own_addresses,
                        .remote_prefixes = point_->remote_prefixes(),
                        .allow_sha1_fingerprints = resources_.limits.allow_sha1_fingerprints},
                       remote, control, remote_known);
}

bool Termination::GivesUpConnectionFor(const RemoteDescriptor& remote,
                                       const BearerControl& control) const {
  return control.connection_request == ConnectionRequest::kNone &&
         policy_.GivesUpConnectionFor(remote, control, setup_state());
}

void Termination::GiveUpConnection(BearerReleased::Cause cause, absl::string_view detail) {
  CloseSetup(/*reset=*/true);
  // While one is being made beside it, the present connection is not the one that is meant.
  if (replacing()) return;
  connected_to_.reset();
  if (connection_ == nullptr) return;
  ReportReleased(cause, detail);
  CloseConnection(/*reset=*/true);
}

void Termination::BeginNewConnection() {
  CloseSetup(/*reset=*/true);
  CancelSetupTimers();
  if (connection_ == nullptr) connected_to_.reset();
  failed_attempts_ = 0;
  connection_deadline_ = common::MonotonicTime::InfiniteFuture();
  end_.reset();
  if (connection_ != nullptr && !replacing()) {
    kept_policy_ = std::make_unique<TerminationPolicy>(policy_);
    absl::optional<DescriptorLease> descriptor = resources_.descriptors.Take(1);
    if (descriptor.has_value()) replacing_descriptor_ = *std::move(descriptor);
  }
  policy_.BeginNewConnection();
}

void Termination::AbandonReplacement() {
  if (!replacing()) return;
  CloseSetup(/*reset=*/true);
  CancelSetupTimers();
  syn_drops_.Stop(*point_);
  if (point_->listening()) point_->ForceGateClosed();
  policy_ = *std::exchange(kept_policy_, nullptr);
  replacing_descriptor_ = DescriptorLease();
  // Of all that it says, since any of it may have been changed for the next connection.
  BearerControl treatment;
  treatment.media_inactivity = policy_.media_inactivity();
  treatment.heartbeat_interval = policy_.heartbeat_interval();
  treatment.dscp = policy_.dscp().value_or(point_->realm_dscp());
  treatment.policing = policy_.policing();
  ApplyTreatment(treatment);
  observer_.OnReplacementAbandoned(side_);
}

void Termination::ApplyTreatment(const BearerControl& control) {
  if (control.dscp.has_value()) {
    point_->SetDscp(*control.dscp, connection_ != nullptr ? connection_->fd() : -1);
    if (setup_ != nullptr) point_->SetDscp(*control.dscp, setup_->fd());
  }
  if (control.media_inactivity.has_value() && connection_ != nullptr) WatchMediaInactivity();
  if (control.heartbeat_interval.has_value()) {
    heartbeat_.reset();
    if (policy_.heartbeat_interval() > absl::ZeroDuration()) {
      heartbeat_ = std::make_unique<Timer>(resources_.loop);
      Beat();
    }
  }
  if (control.policing.has_value()) {
    policer_.reset();
    if (policy_.policing().sustained_byte_rate > 0) {
      policer_ = std::make_unique<TrafficPolicer>(resources_.loop, policy_.policing(), [this] {
        if (connection_ != nullptr) observer_.OnReadingAllowed(side_);
      });
    }
  }
}

void Termination::WatchMediaInactivity() {
  media_inactivity_watch_.reset();
  if (policy_.media_inactivity().time == absl::ZeroDuration()) return;
  media_inactivity_watch_ =
      std::make_unique<MediaInactivityWatch>(resources_.loop, policy_.media_inactivity(),
                                             [this](MediaInactivity event) { Report(event); });
}

void Termination::Beat() {
  heartbeat_->Start(policy_.heartbeat_interval(), [this] {
    Report(TerminationHeartbeat{});
    Beat();
  });
}

void Termination::OnReceived(uint64_t byte_count) {
  if (policer_ != nullptr) policer_->Take(byte_count);
  if (media_inactivity_watch_ != nullptr) media_inactivity_watch_->OnReceived();
}

void Termination::OnSent() {
  if (media_inactivity_watch_ != nullptr) media_inactivity_watch_->OnSent();
}

void Termination::Configure(const RemoteDescriptor& remote, const BearerControl& control,
                            bool remote_known) {
  switch (control.connection_request) {
    case ConnectionRequest::kNone:
      break;
    case ConnectionRequest::kNew:
      BeginNewConnection();
      break;
    case ConnectionRequest::kExisting:
      AbandonReplacement();
      break;
  }
  const bool first_configuration = remote_known && !policy_.configured();
  policy_.Apply(remote, control, remote_known);
  ApplyTreatment(control);
  const common::MonotonicTime deadline = resources_.loop.Now() + policy_.timers().tcp_establishment;
  switch (setup_state()) {
    case State::kIdle:
      ApplySynPolicy();
      if (setup_state() != State::kIdle) break;
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
        RearmSetup();
        if (connection_ == nullptr) observer_.OnSetupFailed(side_, /*final=*/false);
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
  if (!applied.ok()) return OnTcpFailed(applied);
  syn_drops_.Start(*point_);
  if (policy_.tcp_role() == TcpRole::kActive) return;  // Nobody may connect; we shall.
  if (policy_.syn_policy().kind == SynPolicy::Kind::kLatch) {
    applied = point_->OpenGate();
  }
  if (applied.ok() && policy_.syn_policy().kind == SynPolicy::Kind::kAcceptFrom) {
    applied = point_->OpenGateFor(policy_.AcceptedSources());
  }
  if (!applied.ok()) OnTcpFailed(applied);
}

void Termination::WaitForHandshakePlace() {
  // It stays with the kernel meanwhile.
  point_->SetAccepting(false);
  if (handshake_waiter_ == nullptr) {
    handshake_waiter_ =
        std::make_unique<HandshakeQueue::Waiter>(resources_.handshake_queue, [this] {
          if (!point_->listening()) return;
          point_->SetAccepting(true);
          AcceptConnection();
        });
  }
  handshake_waiter_->Wait();
}

void Termination::AcceptConnection() {
  if (local_.tls() && setup_state() == State::kIdle && !resources_.handshake_queue.has_place()) {
    return WaitForHandshakePlace();
  }
  absl::StatusOr<absl::optional<Accepted>> accepted = point_->AcceptOne();
  resources_.counters.refused_connections += point_->TakeResetCount();
  if (!accepted.ok()) {
    // It comes up again when the connection point has paused.
    resources_.shortage_reporter.Report(accepted.status());
    return;
  }
  if (!accepted->has_value()) return;
  if (setup_state() != State::kIdle || policy_.tcp_role() == TcpRole::kActive ||
      !policy_.Accepts((*accepted)->remote) ||
      !point_->remote_prefixes().Permit((*accepted)->remote.ip)) {
    // It raced the one we have, or came through a gate that was closed for others than its sender.
    ++resources_.counters.refused_connections;
    SetResetOnClose((*accepted)->fd.get());
    if (setup_state() == State::kIdle) ApplySynPolicy();
    return;
  }
  absl::StatusOr<std::unique_ptr<ConnectionSetup>> setup =
      ConnectionSetup::ForAccepted(resources_, *this, *std::move(*accepted));
  if (!setup.ok()) {
    // Another one may come.
    ++resources_.counters.refused_connections;
    resources_.shortage_reporter.Report(setup.status());
    return ApplySynPolicy();
  }
  policy_.DecideTcpRole(TcpRole::kPassive);
  syn_drops_.Stop(*point_);
  setup_ = *std::move(setup);
  OnTcpEstablished();
}

void Termination::ConnectByInterlinkage() {
  if (setup_state() != State::kIdle || policy_.tcp_role() == TcpRole::kPassive ||
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
  if (connection_ == nullptr) connected_to_ = setup_->remote();
  await_connection_.Cancel();
  Report(TcpEstablished{local_address(), setup_->remote(), policy_.tcp_role()});
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
  if (setup_state() == State::kTlsHandshake) AdvanceTls();
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
  const common::TransportAddress remote = setup_->remote();
  std::unique_ptr<ByteStream> stream = setup_->TakeByteStream();
  resources_.loop.SetHandler(stream->fd(), *this);
  setup_.reset();
  SetPeerLossTimes(stream->fd(), resources_.limits.peer_loss_times);
  kept_policy_.reset();
  if (connection_ != nullptr) {
    observer_.OnReplaced(side_, *stream);
    RetireConnection();
  }
  connected_to_ = remote;
  connection_ = std::move(stream);
  replacing_descriptor_ = DescriptorLease();
  established_at_ = resources_.loop.Now();
  WatchMediaInactivity();
}

void Termination::OnReady(const Readiness& readiness) { observer_.OnBearerReady(side_, readiness); }

void Termination::OnTcpFailed(const absl::Status& status) {
  // It may belong to what is closed now.
  TcpFailed event{CauseOf(status), std::string(status.message())};
  if (replacing()) {
    Report(std::move(event));
    return AbandonReplacement();
  }
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
  CloseSetup(/*reset=*/false);
  if (replacing()) {
    Report(std::move(event));
    if (left > 0) return RearmSetup();
    return AbandonReplacement();
  }
  if (left > 0) {
    Rearm();
  } else {
    Fail();
  }
  Report(std::move(event));
  observer_.OnSetupFailed(side_, /*final=*/left == 0);
}

void Termination::Rearm() {
  CloseConnection(/*reset=*/true);
  RearmSetup();
}

void Termination::RearmSetup() {
  CloseSetup(/*reset=*/true);
  if (connection_ == nullptr) connected_to_.reset();
  ApplySynPolicy();
  if (setup_state() != State::kIdle) return;
  if (!policy_.configured()) {
    if (!await_configuration_.running()) AwaitConfiguration();
  } else if (connection_deadline_ < common::MonotonicTime::InfiniteFuture()) {
    AwaitConnection(connection_deadline_);
  }
}

void Termination::Fail() {
  CloseSetup(/*reset=*/true);
  CloseConnection(/*reset=*/true);
  CancelSetupTimers();
  syn_drops_.Stop(*point_);
  if (point_->listening()) point_->ForceGateClosed();
  end_ = State::kFailed;
}

void Termination::Release(BearerReleased::Cause cause, absl::string_view detail, bool reset) {
  CHECK(state() == State::kEstablished);
  CloseSetup(/*reset=*/true);
  CancelSetupTimers();
  // They waited for a next connection, if one was asked for.
  syn_drops_.Stop(*point_);
  if (point_->listening()) point_->ForceGateClosed();
  end_ = State::kReleased;
  ReportReleased(cause, detail);
  CloseConnection(reset);
}

void Termination::LoseConnection(BearerReleased::Cause cause, absl::string_view detail,
                                 bool reset) {
  if (!replacing()) return Release(cause, detail, reset);
  ReportReleased(cause, detail);
  CloseConnection(reset);
  connected_to_.reset();
  if (setup_ != nullptr && !setup_->connecting()) connected_to_ = setup_->remote();
}

void Termination::ReportReleased(BearerReleased::Cause cause, absl::string_view detail) {
  statistics_.duration +=
      resources_.loop.Now() - std::exchange(established_at_, resources_.loop.Now());
  Report(BearerReleased{cause, std::string(detail), statistics_});
}

void Termination::CloseSetup(bool reset) {
  if (setup_ == nullptr) return;
  if (reset) setup_->ResetOnClose();
  setup_.reset();
}

void Termination::CloseConnection(bool reset) {
  if (connection_ == nullptr) return;
  media_inactivity_watch_.reset();
  kept_policy_.reset();
  replacing_descriptor_ = DescriptorLease();
  resources_.loop.Remove(connection_->fd());
  if (reset) connection_->ResetOnClose();
  connection_.reset();
}

void Termination::RetireConnection() {
  // What the kernel has not taken is lost; the peer must not take that for a proper end.
  bool reset = connection_->unsent_byte_count() > 0;
  if (!reset) reset = !connection_->CloseWrite().ok();
  ReportReleased(BearerReleased::Cause::kReplaced, "a new connection has taken its place");
  if (reset) return CloseConnection(/*reset=*/true);
  resources_.loop.Remove(connection_->fd());
  resources_.draining_sockets.Add(connection_->TakeFd());
  connection_.reset();
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
    OnTcpFailed(handshake_waiter_ != nullptr && handshake_waiter_->waiting()
                    ? absl::AbortedError("too many handshakes were under way")
                    : absl::DeadlineExceededError("no connection came about in time"));
  });
}

void Termination::CancelSetupTimers() {
  handshake_waiter_.reset();
  await_configuration_.Cancel();
  await_connection_.Cancel();
}

bool Termination::active() const {
  return setup_ != nullptr || connection_ != nullptr || await_configuration_.running() ||
         await_connection_.running();
}

absl::optional<common::TransportAddress> Termination::remote_address() const {
  return connected_to_.has_value() && !replacing() ? connected_to_ : policy_.remote().address;
}

absl::optional<common::TransportAddress> Termination::connected_address() const {
  return connection_ != nullptr ? connected_to_ : absl::nullopt;
}

TerminationStatistics Termination::statistics() const {
  TerminationStatistics statistics = statistics_;
  if (connection_ != nullptr) statistics.duration += resources_.loop.Now() - established_at_;
  return statistics;
}

void Termination::AddByteCounts(uint64_t received, uint64_t sent) {
  statistics_.received_byte_count += received;
  statistics_.sent_byte_count += sent;
}

}  // namespace agw
