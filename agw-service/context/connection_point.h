// The connection point of a termination: its reserved transport address, and who may connect to it.

#ifndef AGW_SERVICE_CONTEXT_CONNECTION_POINT_H_
#define AGW_SERVICE_CONTEXT_CONNECTION_POINT_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/owned_fd.h"
#include "agw-service/net/socket.h"
#include "agw-service/net/timer.h"
#include "agw-service/realm/ip_realm.h"
#include "common/ip_address.h"

namespace agw {

// Lives on one worker.
//
// A SYN to the address is never answered by RST: until the gate opens, the address listens and
// drops.
class ConnectionPoint {
 public:
  // How a gate is closed. Attaching a packet filter is the dearest thing in a session's set-up, so
  // it is done where it must hold against anybody.
  enum class GateKind {
    kFilter,    // A packet filter: towards UEs.
    kHopLimit,  // `SetHopGate()`: towards the core, whose peers learn the address from the answer.
  };

  // Leases a port of `address`, which outlives this, and listens there behind a closed gate. The
  // ports that are kept are for those that are `privileged`. `on_ready` is called when a connection may be accepted. `kResourceExhausted` (NO_FREE_PORT,
  // DESCRIPTOR_LIMIT).
  static absl::StatusOr<std::unique_ptr<ConnectionPoint>> Reserve(const RealmAddress& address,
                                                                  GateKind gate_kind,
                                                                  EventLoop& loop,
                                                                  ReadinessHandler& on_ready,
                                                                  bool privileged = false);
  ~ConnectionPoint();

  ConnectionPoint(const ConnectionPoint&) = delete;
  ConnectionPoint& operator=(const ConnectionPoint&) = delete;

  common::TransportAddress bound_address() const { return {address_.bind, lease_.port()}; }
  common::TransportAddress advertised_address() const {
    return {address_.advertised, lease_.port()};
  }

  // Where the realm lets peers be.
  const common::RemotePrefixes& remote_prefixes() const { return address_.remote_prefixes; }

  // Whether SYNs can come in: not after `TakeForConnecting()`.
  bool listening() const { return static_cast<bool>(listener_); }

  // Nobody, these, or everybody may connect. Only while listening. Costs nothing if it is so
  // already. A gate that was open for some sources only is closed with the hop gate in front of
  // them: nobody else can come in.
  absl::Status CloseGate();
  absl::Status OpenGateFor(absl::Span<const SourceFilter> sources);
  absl::Status OpenGate();

  // Nobody may connect, as far as that can be done without memory: if there is none for a filter,
  // the hop gate stands in for it. Only while listening.
  void ForceGateClosed();

  // Takes the connection that waits, if there is one, and closes the gate; others that slipped in
  // beside it are reset.
  //
  // `kResourceExhausted` if there is no descriptor or memory for it. Then nothing is lost: it stays
  // with the kernel, and `on_ready` is called for it again after a pause, which gets longer as long
  // as the shortage lasts.
  absl::StatusOr<absl::optional<Accepted>> AcceptOne();

  // Leaves connections that come with the kernel, or takes them again. Only while listening.
  void SetAccepting(bool accepting);

  // Of packets sent from here and, if there is one, from `connection`, a socket that was accepted or taken
  // here. 0 to 63.
  void SetDscp(uint8_t dscp, int connection);

  // What it is where nothing else was said.
  uint8_t realm_dscp() const { return address_.socket_options.dscp.value_or(0); }

  // Connections that `AcceptOne()` has reset since this was called last.
  uint64_t TakeResetCount() { return std::exchange(reset_count_, 0); }

  // Stops listening and gives a socket bound to the same address, to connect with.
  absl::StatusOr<OwnedFd> TakeForConnecting();

  // Listens again behind a closed gate, if it does not.
  absl::Status ListenAgain();

  // SYNs the gate has dropped since the reservation.
  uint64_t DroppedSynCount() const;

 private:
  enum class Filter { kNone, kDropAll, kSources };

  // Between two attempts to accept while there is a shortage.
  static constexpr absl::Duration kShortestPause = absl::Milliseconds(100);
  static constexpr absl::Duration kLongestPause = absl::Seconds(2);

  ConnectionPoint(const RealmAddress& address, PortLease lease, GateKind gate_kind, EventLoop& loop,
                  ReadinessHandler& on_ready)
      : address_(address),
        socket_options_(address.socket_options),
        lease_(std::move(lease)),
        gate_kind_(gate_kind),
        loop_(loop),
        on_ready_(on_ready),
        accept_again_(loop) {}

  absl::Status Listen();
  void StopListening();
  void PauseAccepting();
  void SetHopGate(bool on);

  const RealmAddress& address_;
  SocketOptions socket_options_;
  PortLease lease_;
  const GateKind gate_kind_;
  EventLoop& loop_;
  ReadinessHandler& on_ready_;
  OwnedFd listener_;
  // The state of the listener's gate.
  Filter filter_ = Filter::kNone;
  std::vector<SourceFilter> sources_;  // Who passes the filter, if it is `kSources`.
  bool hop_gate_ = false;

  Timer accept_again_;
  absl::Duration next_pause_ = kShortestPause;

  uint64_t reset_count_ = 0;
  uint64_t dropped_before_ = 0;  // By listeners that are gone.
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_CONNECTION_POINT_H_
