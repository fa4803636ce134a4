// Makes one connection of a termination: from a socket that connects, or was accepted, to a
// `ByteStream` that bytes may flow through.
//
//     Connect()                                accepted
//         │                                       │
//         ▼                                       │
//   ┌────────────┐  SYN/ACK                       ▼
//   │ connecting │ ──────────────────────► ┌─────────────┐   plain TCP: TakeByteStream()
//   └────────────┘    OnTcpEstablished()   │ TCP is there│ ────────────────────────────►
//         │                                └─────────────┘
//         │ refused, unreachable,                 │ StartTls()
//         │ too late                              ▼
//         ▼                                ┌───────────────┐  OnTlsEstablished(),
//    OnTcpFailed()                         │ TLS handshake │  TakeByteStream()
//                                          └───────────────┘ ───────────────────────────►
//                                                 │ alert, mismatch, FIN, RST, too late
//                                                 ▼
//                                           OnTlsFailed()
//
// Nothing is read beyond the handshake, which is held at the peer's certificate until its
// fingerprint is known. A set-up knows nothing of other connections of its termination.

#ifndef AGW_SERVICE_CONTEXT_CONNECTION_SETUP_H_
#define AGW_SERVICE_CONTEXT_CONNECTION_SETUP_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agw-service/bearer/byte_stream.h"
#include "agw-service/context/event.h"
#include "agw-service/context/handshake_queue.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/owned_fd.h"
#include "agw-service/net/socket.h"
#include "agw-service/net/timer.h"
#include "agw-service/tls/fingerprint.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/tls/tls_profile.h"
#include "agw-service/tls/tls_stream.h"
#include "common/ip_address.h"

namespace agw {

// Lives on one worker.
class ConnectionSetup final : private ReadinessHandler {
 public:
  // What became of it. Each call but `Report()` is the last thing the set-up does in a turn, so the
  // observer may destroy it.
  class Observer {
   public:
    // The peer has taken our connection. Not called for one that was accepted.
    virtual void OnTcpEstablished() = 0;

    // The peer's certificate matched.
    virtual void OnTlsEstablished() = 0;

    // The end of this set-up. Codes of `status`: see net/socket.h.
    virtual void OnTcpFailed(const absl::Status& status) = 0;

    // The end of this set-up. Close it without RST: FIN, or an alert, is on its way.
    virtual void OnTlsFailed(TlsFailed::Cause cause, absl::string_view detail) = 0;

    // Something happened that the IMS-ALG is told.
    virtual void Report(EventKind kind) = 0;

   protected:
    ~Observer() = default;
  };

  // Connects `fd`, which is bound, to `remote` within `time_limit`. Errors: those of
  // `StartConnect()` and of `EventLoop::Add()`. `resources` and `observer` outlive the set-up.
  static absl::StatusOr<std::unique_ptr<ConnectionSetup>> Connect(
      WorkerResources& resources, Observer& observer, OwnedFd fd,
      const common::TransportAddress& remote, absl::Duration time_limit);

  // Goes on with a connection that was accepted. Errors: those of `EventLoop::Add()`; the connection
  // is then reset.
  static absl::StatusOr<std::unique_ptr<ConnectionSetup>> ForAccepted(WorkerResources& resources,
                                                                      Observer& observer,
                                                                      Accepted accepted);

  // Closes the connection, unless it was taken: with RST after `ResetOnClose()`, else with FIN.
  ~ConnectionSetup();

  ConnectionSetup(const ConnectionSetup&) = delete;
  ConnectionSetup& operator=(const ConnectionSetup&) = delete;

  int fd() const { return tls_stream_ != nullptr ? tls_stream_->fd() : fd_.get(); }
  bool connecting() const { return connecting_; }
  bool tls_started() const { return tls_stream_ != nullptr; }
  const common::TransportAddress& remote() const { return remote_; }

  // From now on the handshake must be done within `time_limit`.
  void LimitTls(absl::Duration time_limit);

  // Begins the handshake, as soon as there is TCP. An empty set of fingerprints holds it.
  void StartTls(TlsRole role, const std::shared_ptr<const TlsIdentity>& identity,
                const FingerprintSet& remote_fingerprints);

  // Goes on with a handshake that was held. It has started.
  void SetRemoteFingerprints(const FingerprintSet& remote_fingerprints);

  void ResetOnClose() { SetResetOnClose(fd()); }

  // The connection, with TLS if that was started. Called once, when TCP or TLS is established; the
  // set-up is then of no more use. The event loop still knows the connection, for which another
  // handler must be set at once.
  std::unique_ptr<ByteStream> TakeByteStream();

 private:
  ConnectionSetup(WorkerResources& resources, Observer& observer, OwnedFd fd,
                  const common::TransportAddress& remote);

  void OnReady(const Readiness& readiness) override;
  absl::Status Watch();
  void OnConnected();
  void ContinueHandshake();

  WorkerResources& resources_;
  Observer& observer_;
  const common::TransportAddress remote_;
  OwnedFd fd_;  // Until TLS starts; then it is the stream's.
  bool connecting_ = false;
  TlsRole tls_role_ = TlsRole::kServer;
  std::unique_ptr<TlsStream> tls_stream_;
  HandshakeQueue::Place handshake_;  // As long as there is a handshake.
  Timer tcp_establishment_;
  Timer tls_establishment_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_CONNECTION_SETUP_H_
