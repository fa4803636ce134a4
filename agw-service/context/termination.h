// One side of a media stream: a reserved transport address, what the IMS-ALG has ordered for it,
// and the connection with the peer, if there is one. A `ConnectionSetup` makes the connection:
//
//                 a connection was accepted, or connecting began
//        ┌──────┐ ──────────────────────────────────────────────► ┌─────────────┐
//   ───► │ idle │                                                 │ connecting, │
//        └──────┘ ◄────────────────────────────────────────────── │ handshake   │
//            │     it failed, and others may come                 └─────────────┘
//            │                                                       │       │ established: TCP,
//            │                                       it failed, and  │       │ and TLS if there is
//            │ nobody came in time, or the           no other may    │       ▼
//            │ other side failed                     come            │  ┌─────────────┐
//            ▼                                                       │  │ established │
//        ┌────────┐                                                  │  └─────────────┘
//        │ failed │ ◄────────────────────────────────────────────────┘       │ ended
//        └────────┘                                                          ▼
//                                                                      ┌──────────┐
//                                                                      │ released │
//                                                                      └──────────┘
//
// The established connection and the one that is being made are different members, so that a next
// connection can be made while the present one carries octets (`ConnectionRequest::kNew`). What the
// termination was told for the next one is its policy then, and the policy of the present one is kept:
//
//        ┌─────────────┐  a new connection is asked for  ┌──────────────┐
//        │ established │ ──────────────────────────────► │ established, │  for the next one the
//        └─────────────┘ ◄────────────────────────────── │  replacing   │  upper half of the
//            │     ▲       it failed for good, or the     └──────────────┘  picture above holds
//            │     │       present one is to stay           │        │
//            │     └────────────────────────────────────────┘        │ the present one ended:
//            │               the next one is established             ▼ idle, connecting or handshake
//            ▼ another peer's fingerprint: idle

#ifndef AGW_SERVICE_CONTEXT_TERMINATION_H_
#define AGW_SERVICE_CONTEXT_TERMINATION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "agw-service/bearer/byte_stream.h"
#include "agw-service/context/connection_point.h"
#include "agw-service/context/connection_setup.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/context/event.h"
#include "agw-service/context/handshake_queue.h"
#include "agw-service/context/media_inactivity_watch.h"
#include "agw-service/context/syn_drop_watch.h"
#include "agw-service/context/termination_policy.h"
#include "agw-service/context/traffic_policer.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/net/descriptor_budget.h"
#include "agw-service/net/timer.h"
#include "common/monotonic_time.h"

namespace agw {

// Lives on one worker.
class Termination final : private ReadinessHandler, private ConnectionSetup::Observer {
 public:
  using State = TerminationState;

  // What the media stream does about its terminations. Called from handlers of the event loop; the
  // termination still exists when the call returns.
  class Observer {
   public:
    // A TCP connection is there; TLS is not yet.
    virtual void OnTcpEstablished(Side side) = 0;

    // Bytes may flow: TCP, and TLS with a certificate that matched where there is TLS.
    virtual void OnEstablished(Side side) = 0;

    // The connection failed before it was established. Not `final`: another one may come.
    virtual void OnSetupFailed(Side side, bool final) = 0;

    // A next connection is established and takes the place of the present one, which is still there
    // and is closed after this.
    virtual void OnReplaced(Side side, ByteStream& next) = 0;

    // The present connection stays after all: no next one will come.
    virtual void OnReplacementAbandoned(Side side) = 0;

    // The established connection is ready.
    virtual void OnBearerReady(Side side, const Readiness& readiness) = 0;

    // It may be read again: see `reading_allowed()`.
    virtual void OnReadingAllowed(Side side) = 0;

    // Something happened that the IMS-ALG is told.
    virtual void Report(Side side, EventKind kind) = 0;

   protected:
    ~Observer() = default;
  };

  // Reserves a local address. `resources` and `observer` outlive the termination. Errors: those of
  // ReserveConnectionPoint.
  static absl::StatusOr<std::unique_ptr<Termination>> Reserve(WorkerResources& resources,
                                                              Observer& observer, Side side,
                                                              const LocalDescriptor& local);
  ~Termination();

  Termination(const Termination&) = delete;
  Termination& operator=(const Termination&) = delete;

  // Whether `Configure()` may be called with these. Errors: those of ConfigureConnectionPoint.
  absl::Status CheckConfigure(const RemoteDescriptor& remote, const BearerControl& control,
                              bool remote_known) const;

  // Whether what there is of a connection belongs to another peer than these. Then call
  // `GiveUpConnection()` before `Configure()`.
  bool GivesUpConnectionFor(const RemoteDescriptor& remote, const BearerControl& control) const;

  // Does what `CheckConfigure()` has found good. `remote_known` is false for a mere reservation,
  // whose timer then waits for the first call with true.
  void Configure(const RemoteDescriptor& remote, const BearerControl& control, bool remote_known);

  // Interlinkage: connects, if it is idle and knows where to.
  void ConnectByInterlinkage();

  // Resets the connection that is not established yet, or was of no use, and waits for the next.
  void Rearm();

  // Resets what there is of a connection; BearerReleased is reported if it was established. The
  // termination goes on, as one that has none.
  void GiveUpConnection(BearerReleased::Cause cause, absl::string_view detail);

  // Ends for good, with RST.
  void Fail();

  // The established connection is over, and with it the termination: reports BearerReleased and closes it,
  // with RST or FIN.
  void Release(BearerReleased::Cause cause, absl::string_view detail, bool reset);

  // The same, but if a next connection is being made, or waited for, the termination goes on with that.
  void LoseConnection(BearerReleased::Cause cause, absl::string_view detail, bool reset);

  State state() const;

  // A next connection is being made, or waited for, beside the established one.
  bool replacing() const { return kept_policy_ != nullptr; }

  // Of the connection that is being made: the same as `state()` unless `replacing()`.
  State setup_state() const;

  // Whether the policing lets octets be read from the established connection now.
  bool reading_allowed() const { return policer_ == nullptr || policer_->open(); }

  // Octets of the application came from the peer, or were sent to it.
  void OnReceived(uint64_t byte_count);
  void OnSent();

  // The established connection; nullptr if there is none.
  ByteStream* byte_stream() const { return connection_.get(); }

  // A connection exists, or a set-up timer runs that will end it.
  bool active() const;

  // What an audit shows.
  const LocalDescriptor& local() const { return local_; }
  const TerminationPolicy& policy() const { return policy_; }

  // That of the established connection, if a next one is being made beside it; else `policy()`.
  const TerminationPolicy& present_policy() const { return replacing() ? *kept_policy_ : policy_; }
  common::TransportAddress local_address() const { return point_->advertised_address(); }
  const TlsIdentity* identity() const { return identity_.get(); }  // nullptr without TLS.
  uint64_t dropped_syn_count() const { return point_->DroppedSynCount(); }
  uint32_t failed_attempt_count() const { return failed_attempts_; }

  // Of the latest connection, if there is or was one; else as configured.
  absl::optional<common::TransportAddress> remote_address() const;

  // Where the peer of the established connection is; nullopt if there is none.
  absl::optional<common::TransportAddress> connected_address() const;

  // Of all its connections. Octets are counted by the through-connection; the media stream adds them here
  // when it ends.
  TerminationStatistics statistics() const;
  void AddByteCounts(uint64_t received, uint64_t sent);

 private:
  // The listener and the connection are different descriptors with different handlers.
  class ListenerHandler : public ReadinessHandler {
   public:
    explicit ListenerHandler(Termination& termination) : termination_(termination) {}
    void OnReady(const Readiness&) override { termination_.AcceptConnection(); }

   private:
    Termination& termination_;
  };

  Termination(WorkerResources& resources, Observer& observer, Side side,
              const LocalDescriptor& local, std::shared_ptr<const TlsIdentity> identity);

  // Of the established connection.
  void OnReady(const Readiness& readiness) override;

  // Of the connection that is being made.
  void OnTcpEstablished() override;
  void OnTlsEstablished() override;
  void OnTcpFailed(const absl::Status& status) override;
  void OnTlsFailed(TlsFailed::Cause cause, absl::string_view detail) override;
  void Report(EventKind kind) override { observer_.Report(side_, std::move(kind)); }

  // What the policy says of a connection and its listener, whatever state they are in.
  void ApplyTreatment(const BearerControl& control);
  void WatchMediaInactivity();
  void Beat();

  void BeginNewConnection();
  void AbandonReplacement();

  void ApplySynPolicy();
  void AcceptConnection();
  void StartConnecting();
  void AdvanceTls();
  void Establish();
  void AwaitConfiguration();
  void AwaitConnection(common::MonotonicTime deadline);
  void CancelSetupTimers();
  void WaitForHandshakePlace();
  void RearmSetup();
  void CloseSetup(bool reset);
  void CloseConnection(bool reset);

  // Closes it when its peer has read what was sent, and has ended, too.
  void RetireConnection();
  void ReportReleased(BearerReleased::Cause cause, absl::string_view detail);

  WorkerResources& resources_;
  Observer& observer_;
  const Side side_;
  const LocalDescriptor local_;
  const std::shared_ptr<const TlsIdentity> identity_;  // Null without TLS.
  TerminationPolicy policy_;
  std::unique_ptr<TerminationPolicy> kept_policy_;  // Of the present connection, while replacing.

  ListenerHandler listener_handler_;
  DescriptorLease descriptors_;           // Given back when the sockets below are closed.
  DescriptorLease replacing_descriptor_;  // While there may be two connections.
  std::unique_ptr<ConnectionPoint> point_;
  SynDropWatch::Gate syn_drops_;

  std::unique_ptr<ConnectionSetup> setup_;  // The connection that is being made.
  std::unique_ptr<ByteStream> connection_;  // The one that is established.
  absl::optional<State> end_;               // kReleased or kFailed.

  uint32_t failed_attempts_ = 0;
  absl::optional<common::TransportAddress> connected_to_;  // By the latest connection.

  Timer await_configuration_;
  Timer await_connection_;
  std::unique_ptr<HandshakeQueue::Waiter> handshake_waiter_;  // Once it has had to wait.
  // When the peer must have connected, whatever attempts fail before.
  common::MonotonicTime connection_deadline_ = common::MonotonicTime::InfiniteFuture();

  common::MonotonicTime established_at_;
  TerminationStatistics statistics_;  // But for the established connection's time.

  // What the IMS-ALG has asked for; null if it has not.
  std::unique_ptr<MediaInactivityWatch> media_inactivity_watch_;  // While established.
  std::unique_ptr<TrafficPolicer> policer_;
  std::unique_ptr<Timer> heartbeat_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_TERMINATION_H_
