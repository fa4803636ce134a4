#include "agw-service/context/connection_point.h"

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
    const RealmAddress& address, EventLoop& loop, ReadinessHandler& on_ready) {
  // Leases of ports that are taken are kept until the end, so that each is tried once.
  std::vector<std::unique_ptr<ConnectionPoint>> taken;
  absl::Status last_error = absl::OkStatus();
  for (int i = 0; i < kReservationAttempts; ++i) {
    absl::optional<PortLease> lease = address.ports->Lease();
    if (!lease.has_value()) break;
    std::unique_ptr<ConnectionPoint> point(
        new ConnectionPoint(address, *std::move(lease), loop, on_ready));
    last_error = point->Listen();
    if (last_error.ok()) return point;
    if (last_error.code() == absl::StatusCode::kResourceExhausted) {
      return IqError(absl::StatusCode::kResourceExhausted, "DESCRIPTOR_LIMIT",
                     last_error.message());
    }
    taken.push_back(std::move(point));
  }
  return IqError(absl::StatusCode::kResourceExhausted, "NO_FREE_PORT",
                 last_error.ok() ? "the realm has no free port" : last_error.message());
}

ConnectionPoint::~ConnectionPoint() { StopListening(); }

absl::Status ConnectionPoint::Listen() {
  ASSIGN_OR_RETURN(OwnedFd fd, BindTcp(bound_address()));
  // The filter first: there must be no moment at which a SYN is answered.
  RETURN_IF_ERROR(CloseSynGate(fd.get()));
  RETURN_IF_ERROR(agw::Listen(fd.get(), kBacklog));
  listener_ = std::move(fd);
  loop_.Add(listener_.get(), on_ready_);
  loop_.SetInterest(listener_.get(), /*readable=*/true, /*writable=*/false);
  return absl::OkStatus();
}

void ConnectionPoint::StopListening() {
  if (!listener_) return;
  dropped_before_ += DroppedAtSynGate(listener_.get());
  loop_.Remove(listener_.get());
  listener_.reset();
}

absl::Status ConnectionPoint::CloseGate() { return CloseSynGate(listener_.get()); }

absl::Status ConnectionPoint::OpenGateFor(absl::Span<const SourceFilter> sources) {
  return OpenSynGateFor(listener_.get(), sources);
}

absl::Status ConnectionPoint::OpenGate() { return OpenSynGate(listener_.get()); }

absl::StatusOr<absl::optional<Accepted>> ConnectionPoint::AcceptOne() {
  ASSIGN_OR_RETURN(absl::optional<Accepted> accepted, Accept(listener_.get()));
  if (!accepted.has_value()) return accepted;
  RETURN_IF_ERROR(CloseGate());
  RETURN_IF_ERROR(OpenSynGate(accepted->fd.get()));
  while (true) {
    ASSIGN_OR_RETURN(absl::optional<Accepted> surplus, Accept(listener_.get()));
    if (!surplus.has_value()) return accepted;
    SetResetOnClose(surplus->fd.get());
  }
}

absl::StatusOr<OwnedFd> ConnectionPoint::TakeForConnecting() {
  StopListening();
  return BindTcp(bound_address());
}

absl::Status ConnectionPoint::ListenAgain() { return listening() ? CloseGate() : Listen(); }

uint64_t ConnectionPoint::DroppedSynCount() const {
  return dropped_before_ + (listener_ ? DroppedAtSynGate(listener_.get()) : 0);
}

}  // namespace agw
