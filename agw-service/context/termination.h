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
// connection can be made while the current one carries bytes. Nothing on Iq orders that yet: while
// there is a current one, nobody is let in and nothing connects, so a failure closes whichever
// there is.

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
#include "agw-service/context/syn_drop_watch.h"
#include "agw-service/context/termination_policy.h"
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

    // The established connection is ready.
    virtual void OnBearerReady(Side side, const Readiness& readiness) = 0;

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
  absl::Status CheckConfigure(const RemoteDescriptor& remote, const BearerControl& control) const;

  // Gives up a connection that came in before the answer, if the answer brings the other TCP role.
  // Call it before `Configure()`.
  void YieldToRole(const BearerControl& control);

  // Does what `CheckConfigure()` has found good. `remote_known` is false for a mere reservation,
  // whose timer then waits for the first call with true.
  void Configure(const RemoteDescriptor& remote, const BearerControl& control, bool remote_known);

  // Interlinkage: connects, if it is idle and knows where to.
  void ConnectByInterlinkage();

  // Resets the connection that is not established yet, or was of no use, and waits for the next.
  void Rearm();

  // Ends for good, with RST.
  void Fail();

  // The established connection is over: reports BearerReleased and closes it, with RST or FIN.
  void Release(BearerReleased::Cause cause, absl::string_view detail, bool reset);

  State state() const;

  // The established connection; nullptr if there is none.
  ByteStream* byte_stream() const { return connection_.get(); }

  // A connection exists, or a set-up timer runs that will end it.
  bool active() const;

  // What an audit shows.
  const LocalDescriptor& local() const { return local_; }
  const TerminationPolicy& policy() const { return policy_; }
  common::TransportAddress local_address() const { return point_->advertised_address(); }
  const TlsIdentity* identity() const { return identity_.get(); }  // nullptr without TLS.
  uint64_t dropped_syn_count() const { return point_->DroppedSynCount(); }
  uint32_t failed_attempt_count() const { return failed_attempts_; }

  // Of the latest connection, if there is or was one; else as configured.
  absl::optional<common::TransportAddress> remote_address() const;

  // Octets are counted by the through-connection; the media stream puts them here when it ends.
  TerminationStatistics statistics() const;
  void set_byte_counts(uint64_t received, uint64_t sent);

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

  void ApplySynPolicy();
  void AcceptConnection();
  void StartConnecting();
  void AdvanceTls();
  void Establish();
  void AwaitConfiguration();
  void AwaitConnection(common::MonotonicTime deadline);
  void CancelSetupTimers();
  void CloseConnections(bool reset);

  WorkerResources& resources_;
  Observer& observer_;
  const Side side_;
  const LocalDescriptor local_;
  const std::shared_ptr<const TlsIdentity> identity_;  // Null without TLS.
  TerminationPolicy policy_;

  ListenerHandler listener_handler_;
  DescriptorLease descriptors_;  // Given back when the sockets below are closed.
  std::unique_ptr<ConnectionPoint> point_;
  SynDropWatch::Gate syn_drops_;

  std::unique_ptr<ConnectionSetup> setup_;  // The connection that is being made.
  std::unique_ptr<ByteStream> connection_;  // The one that is established.
  absl::optional<State> end_;               // kReleased or kFailed.

  uint32_t failed_attempts_ = 0;
  absl::optional<common::TransportAddress> connected_to_;  // By the latest connection.

  Timer await_configuration_;
  Timer await_connection_;
  // When the peer must have connected, whatever attempts fail before.
  common::MonotonicTime connection_deadline_ = common::MonotonicTime::InfiniteFuture();

  common::MonotonicTime established_at_;
  TerminationStatistics statistics_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_TERMINATION_H_
