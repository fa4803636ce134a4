#include "agw-service/context/connection_point.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "agw-service/context/iq_error.h"
#include "common/status_macros.h"

namespace agw {
namespace {

// One connection is wanted; a second place lets the kernel finish handshakes that race for it.
constexpr int kBacklog = 2;

// Ports of the range that other programs of the host hold are passed over, up to this many.
constexpr int kReservationAttempts = 16;

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionPoint>> ConnectionPoint::Reserve(
    const RealmAddress& address, GateKind gate_kind, EventLoop& loop, ReadinessHandler& on_ready,
    bool privileged) {
  // Leases of ports that are taken are kept until the end, so that each is tried once.
  std::vector<std::unique_ptr<ConnectionPoint>> taken;
  absl::Status last_error = absl::OkStatus();
  for (int i = 0; i < kReservationAttempts; ++i) {
    absl::optional<PortLease> lease = address.ports->Lease(privileged);
    if (!lease.has_value()) break;
    std::unique_ptr<ConnectionPoint> point(
        new ConnectionPoint(address, *std::move(lease), gate_kind, loop, on_ready));
    last_error = point->Listen();
    if (last_error.ok()) return point;
    if (last_error.code() == absl::StatusCode::kResourceExhausted) {
      return IqError(absl::StatusCode::kResourceExhausted, "DESCRIPTOR_LIMIT",
                     last_error.message());
    }
    // Whatever it is, another IMS-AGW may not suffer from it.
    if (last_error.code() != absl::StatusCode::kAlreadyExists) break;
    taken.push_back(std::move(point));
  }
  return IqError(absl::StatusCode::kResourceExhausted, "NO_FREE_PORT",
                 last_error.ok() ? "the realm has no free port" : last_error.message());
}

ConnectionPoint::~ConnectionPoint() { StopListening(); }

absl::Status ConnectionPoint::Listen() {
  ASSIGN_OR_RETURN(OwnedFd fd, BindTcp(bound_address(), socket_options_));
  listener_ = std::move(fd);
  filter_ = Filter::kNone;
  hop_gate_ = false;
  // The gate first: there must be no moment at which a SYN is answered.
  absl::Status listening = CloseGate();
  if (listening.ok()) listening = agw::Listen(listener_.get(), kBacklog);
  if (listening.ok()) listening = loop_.Add(listener_.get(), on_ready_);
  if (!listening.ok()) {
    listener_.reset();
    return listening;
  }
  loop_.SetInterest(listener_.get(), /*readable=*/true, /*writable=*/false);
  return absl::OkStatus();
}

void ConnectionPoint::StopListening() {
  if (!listener_) return;
  dropped_before_ += DroppedAtSynGate(listener_.get());
  accept_again_.Cancel();
  loop_.Remove(listener_.get());
  listener_.reset();
}

void ConnectionPoint::SetHopGate(bool on) {
  if (hop_gate_ != on) agw::SetHopGate(listener_.get(), on);
  hop_gate_ = on;
}

absl::Status ConnectionPoint::CloseGate() {
  if (filter_ == Filter::kDropAll) return absl::OkStatus();
  if (filter_ == Filter::kSources || gate_kind_ == GateKind::kHopLimit) {
    SetHopGate(true);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(CloseSynGate(listener_.get()));
  filter_ = Filter::kDropAll;
  return absl::OkStatus();
}

absl::Status ConnectionPoint::OpenGateFor(absl::Span<const SourceFilter> sources) {
  if (filter_ != Filter::kSources || sources != absl::MakeConstSpan(sources_)) {
    RETURN_IF_ERROR(OpenSynGateFor(listener_.get(), sources));
    filter_ = Filter::kSources;
    sources_.assign(sources.begin(), sources.end());
  }
  SetHopGate(false);
  return absl::OkStatus();
}

absl::Status ConnectionPoint::OpenGate() {
  RETURN_IF_ERROR(OpenSynGate(listener_.get()));
  filter_ = Filter::kNone;
  SetHopGate(false);
  return absl::OkStatus();
}

void ConnectionPoint::ForceGateClosed() {
  if (!CloseGate().ok()) SetHopGate(true);
}

absl::StatusOr<absl::optional<Accepted>> ConnectionPoint::AcceptOne() {
  absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener_.get());
  if (!accepted.ok()) {
    // Readiness is level-triggered: asking for it now would turn in circles.
    PauseAccepting();
    return accepted;
  }
  next_pause_ = kShortestPause;
  if (!accepted->has_value()) return accepted;
  ForceGateClosed();
  // An accepted socket has inherited both.
  RETURN_IF_ERROR(OpenSynGate((*accepted)->fd.get()));
  agw::SetHopGate((*accepted)->fd.get(), false);
  while (true) {
    absl::StatusOr<absl::optional<Accepted>> surplus = Accept(listener_.get());
    // What there is no descriptor for is left to the next time.
    if (!surplus.ok() || !surplus->has_value()) return accepted;
    SetResetOnClose((*surplus)->fd.get());
    ++reset_count_;
  }
}

void ConnectionPoint::PauseAccepting() {
  loop_.SetInterest(listener_.get(), /*readable=*/false, /*writable=*/false);
  accept_again_.Start(next_pause_, [this] {
    loop_.SetInterest(listener_.get(), /*readable=*/true, /*writable=*/false);
  });
  next_pause_ = std::min(2 * next_pause_, kLongestPause);
}

void ConnectionPoint::SetAccepting(bool accepting) {
  accept_again_.Cancel();
  loop_.SetInterest(listener_.get(), /*readable=*/accepting, /*writable=*/false);
}

void ConnectionPoint::SetDscp(uint8_t dscp, int connection) {
  socket_options_.dscp = dscp;
  for (const int fd : {listener_.get(), connection}) {
    if (fd >= 0) agw::SetDscp(fd, address_.bind, dscp);
  }
}

absl::StatusOr<OwnedFd> ConnectionPoint::TakeForConnecting() {
  StopListening();
  return BindTcp(bound_address(), socket_options_);
}

absl::Status ConnectionPoint::ListenAgain() { return listening() ? CloseGate() : Listen(); }

uint64_t ConnectionPoint::DroppedSynCount() const {
  return dropped_before_ + (listener_ ? DroppedAtSynGate(listener_.get()) : 0);
}

}  // namespace agw
