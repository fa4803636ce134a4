// One side of a stream: a connection point, and the connection that comes about there.
//
//                 accept              TLS server, or client with its order
//        ┌─────┐ ────────► ┌───────────────┐ ──────────────────────────► ┌─────────────┐
//   ───► │idle │           │ TLS handshake │  certificate matched        │ established │
//        └─────┘ ◄──────── └───────────────┘                             └─────────────┘
//           │     attempt failed,   ▲                                           │
//   connect │     others are left   │                                           ▼
//           ▼                       │                                     ┌──────────┐
//     ┌────────────┐ ───────────────┘   (plain TCP: straight to           │ released │
//     │ connecting │                      established)                    └──────────┘
//     └────────────┘
//
//   From everywhere before "established": set-up failed for good ──► failed.

#ifndef AGW_SERVICE_CONTEXT_TERMINATION_H_
#define AGW_SERVICE_CONTEXT_TERMINATION_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agw-service/bearer/byte_stream.h"
#include "agw-service/context/connection_point.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/context/event.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/tls/tls_stream.h"

namespace agw {

// Lives on one worker.
class Termination final : private ReadinessHandler {
 public:
  enum class State { kIdle, kConnecting, kTlsHandshake, kEstablished, kReleased, kFailed };

  // What the stream does about its terminations. Called from handlers of the event loop; the
  // termination still exists when the call returns.
  class Observer {
   public:
    // A TCP connection is there; TLS is not yet.
    virtual void OnTcpEstablished(Side side) = 0;

    // Bytes may flow: TCP, and TLS with a certificate that matched where there is TLS.
    virtual void OnEstablished(Side side) = 0;

    // The connection failed before it was established. Not `final`: another one may come.
    virtual void OnSetupFailed(Side side, bool final) = 0;

    // Of an established connection.
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

  // A connection that came in before the answer, and is not verified, gives way if the answer
  // brings the other TCP role: whoever made it must not decide who connects. Call it before
  // `Configure()`.
  void YieldToRole(const BearerControl& control);

  // Does what `CheckConfigure()` has found good. `remote_known` is false for a mere reservation,
  // whose timer then waits for the first call with true.
  void Configure(const RemoteDescriptor& remote, const BearerControl& control, bool remote_known);

  // Interlinkage: connects, if it is idle and knows where to.
  void ConnectByInterlinkage();

  // Resets the connection that is not established yet and waits for the next one.
  void Rearm();

  // Ends for good. `reset`: with RST, else with FIN.
  void Fail();

  // The established connection is over: reports BearerReleased and closes it.
  void Release(BearerReleased::Cause cause, absl::string_view detail, bool reset);

  State state() const { return state_; }
  Side side() const { return side_; }
  ByteStream* stream() const { return stream_.get(); }

  // A connection exists, or a set-up timer runs that will end it.
  bool active() const;

  // What an audit shows.
  const LocalDescriptor& local() const { return local_; }
  const RemoteDescriptor& remote() const { return remote_; }

  // Of the connection, if there is or was one; else as configured.
  absl::optional<common::TransportAddress> remote_address() const;
  TcpRole tcp_role() const { return tcp_role_; }
  absl::optional<TlsRole> tls_role() const { return tls_role_; }
  const SynPolicy& syn_policy() const { return syn_policy_; }
  const SetupTimers& setup_timers() const { return timers_; }
  common::TransportAddress local_address() const { return point_->advertised_address(); }
  const TlsIdentity* identity() const { return identity_.get(); }  // Null without TLS.
  uint64_t dropped_syn_count() const { return point_->DroppedSynCount(); }
  uint32_t failed_attempt_count() const { return failed_attempts_; }

  // Octets are counted by the through-connection; the stream puts them here when it ends.
  TerminationStatistics statistics() const;
  void set_byte_counts(uint64_t received, uint64_t sent);

 private:
  // The listener and the connection are different descriptors with different handlers.
  class ListenerHandler : public ReadinessHandler {
   public:
    explicit ListenerHandler(Termination& termination) : termination_(termination) {}
    void OnReady(const Readiness&) override { termination_.OnConnectionWaits(); }

   private:
    Termination& termination_;
  };

  Termination(WorkerResources& resources, Observer& observer, Side side,
              const LocalDescriptor& local);

  // Parts of `CheckConfigure()`, in termination_check.cc.
  absl::Status CheckRemote(const RemoteDescriptor& remote) const;
  absl::Status CheckSynPolicy(const SynPolicy& policy, bool has_remote_address) const;
  absl::Status CheckOrders(const RemoteDescriptor& remote, const BearerControl& control) const;
  absl::Status CheckAgainstConnection(const RemoteDescriptor& remote,
                                      const BearerControl& control) const;

  bool YieldsTo(const BearerControl& control) const;

  void OnReady(const Readiness& readiness) override;
  void OnConnectionWaits();
  void OnConnected();
  void StartConnecting();
  void TcpIsEstablished(OwnedFd fd, const common::TransportAddress& remote, TcpRole role);
  void StartTls();
  void ContinueHandshake();
  void HandshakeFailed(const absl::Status& status);
  void AttemptFailed(TlsFailed::Cause cause, absl::string_view detail);
  void ConnectFailed(TcpFailed::Cause cause, absl::string_view detail);
  void ApplySynPolicy();
  void CloseConnection(bool reset);
  void StartTimer(SetupTimedOut::Timer timer, absl::Time deadline);
  void OnTimer();
  void PollDroppedSyns();
  bool Accepts(const common::TransportAddress& source) const;

  WorkerResources& resources_;
  Observer& observer_;
  const Side side_;
  const LocalDescriptor local_;
  std::shared_ptr<const TlsIdentity> identity_;
  ListenerHandler listener_handler_;
  std::unique_ptr<ConnectionPoint> point_;

  RemoteDescriptor remote_;
  TcpRole tcp_role_ = TcpRole::kUndecided;
  absl::optional<TlsRole> tls_role_;
  SynPolicy syn_policy_;
  SetupTimers timers_;
  bool configured_ = false;
  bool tls_ordered_ = false;

  State state_ = State::kIdle;
  uint32_t failed_attempts_ = 0;
  OwnedFd connecting_;  // While kConnecting, or waiting for the TLS role.
  common::TransportAddress connected_to_;
  std::unique_ptr<ByteStream> stream_;  // From kTlsHandshake on; a TlsStream if `tls_stream_`.
  TlsStream* tls_stream_ = nullptr;

  EventLoop::TimerId timer_ = 0;
  SetupTimedOut::Timer timer_kind_ = SetupTimedOut::Timer::kAwaitConfiguration;
  absl::Time tcp_deadline_ = absl::InfiniteFuture();  // Of all attempts together.
  EventLoop::TimerId drop_poll_ = 0;
  uint64_t reported_drops_ = 0;

  absl::Time established_at_ = absl::InfinitePast();
  TerminationStatistics statistics_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_TERMINATION_H_
