#include "agw-service/context/connection_setup.h"

#include <string>
#include <utility>

#include "agw-service/bearer/tcp_stream.h"
#include "common/status_macros.h"

namespace agw {

ConnectionSetup::ConnectionSetup(WorkerResources& resources, Observer& observer, OwnedFd fd,
                                 const common::TransportAddress& remote)
    : resources_(resources),
      observer_(observer),
      remote_(remote),
      fd_(std::move(fd)),
      tcp_establishment_(resources.loop),
      tls_establishment_(resources.loop) {
  SetNoDelay(fd_.get());
}

absl::StatusOr<std::unique_ptr<ConnectionSetup>> ConnectionSetup::ForAccepted(
    WorkerResources& resources, Observer& observer, Accepted accepted) {
  std::unique_ptr<ConnectionSetup> setup(
      new ConnectionSetup(resources, observer, std::move(accepted.fd), accepted.remote));
  RETURN_IF_ERROR(setup->Watch());
  return setup;
}

absl::Status ConnectionSetup::Watch() {
  absl::Status watched = resources_.loop.Add(fd_.get(), *this);
  if (watched.ok()) return watched;
  SetResetOnClose(fd_.get());
  fd_.reset();
  return watched;
}

absl::StatusOr<std::unique_ptr<ConnectionSetup>> ConnectionSetup::Connect(
    WorkerResources& resources, Observer& observer, OwnedFd fd,
    const common::TransportAddress& remote, absl::Duration time_limit) {
  RETURN_IF_ERROR(StartConnect(fd.get(), remote));
  std::unique_ptr<ConnectionSetup> setup(
      new ConnectionSetup(resources, observer, std::move(fd), remote));
  RETURN_IF_ERROR(setup->Watch());
  setup->connecting_ = true;
  resources.loop.SetInterest(setup->fd(), /*readable=*/false, /*writable=*/true);
  setup->tcp_establishment_.Start(time_limit, [&observer] {
    observer.Report(SetupTimedOut{SetupTimedOut::Timer::kTcpEstablishment});
    observer.OnTcpFailed(absl::DeadlineExceededError("no connection came about in time"));
  });
  return setup;
}

ConnectionSetup::~ConnectionSetup() {
  if (fd() >= 0) resources_.loop.Remove(fd());
}

void ConnectionSetup::OnReady(const Readiness& readiness) {
  if (connecting_) return OnConnected();
  // While the handshake is held, or has not begun, only a connection that broke is reported.
  if (tls_stream_ == nullptr || (!readiness.readable && !readiness.writable)) {
    const std::string detail(TakeSocketError(fd()).message());
    return observer_.OnTlsFailed(TlsFailed::Cause::kClosedByPeer, detail);
  }
  ContinueHandshake();
}

void ConnectionSetup::OnConnected() {
  const absl::Status outcome = TakeSocketError(fd());
  if (!outcome.ok()) return observer_.OnTcpFailed(outcome);
  connecting_ = false;
  tcp_establishment_.Cancel();
  resources_.loop.SetInterest(fd(), /*readable=*/false, /*writable=*/false);
  observer_.OnTcpEstablished();
}

void ConnectionSetup::LimitTls(absl::Duration time_limit) {
  tls_establishment_.Start(time_limit, [this] {
    observer_.Report(SetupTimedOut{SetupTimedOut::Timer::kTlsEstablishment});
    observer_.OnTlsFailed(TlsFailed::Cause::kTimedOut, "the handshake took too long");
  });
}

void ConnectionSetup::StartTls(TlsRole role, const std::shared_ptr<const TlsIdentity>& identity,
                               const FingerprintSet& remote_fingerprints) {
  tls_role_ = role;
  handshake_ = resources_.handshake_queue.Take();
  tls_stream_ = role == TlsRole::kServer
                    ? TlsStream::Server(resources_.tls_profile, identity, std::move(fd_))
                    : TlsStream::Client(resources_.tls_profile, identity, std::move(fd_));
  SetRemoteFingerprints(remote_fingerprints);
}

void ConnectionSetup::SetRemoteFingerprints(const FingerprintSet& remote_fingerprints) {
  tls_stream_->SetRemoteFingerprints(remote_fingerprints);
  ContinueHandshake();
}

void ConnectionSetup::ContinueHandshake() {
  using Progress = TlsStream::HandshakeProgress;
  const absl::StatusOr<Progress> progress = tls_stream_->Handshake();
  if (!progress.ok()) {
    const TlsFailed::Cause cause = *tls_stream_->failure();
    if (cause == TlsFailed::Cause::kFingerprintMismatch) {
      observer_.Report(FingerprintMismatch{*tls_stream_->presented_fingerprint()});
    }
    if (progress.status().code() == absl::StatusCode::kDataLoss) {
      resources_.loop.Remove(fd());
      resources_.draining_sockets.Add(tls_stream_->TakeFd());
    }
    return observer_.OnTlsFailed(cause, progress.status().message());
  }
  resources_.loop.SetInterest(fd(), *progress == Progress::kWantsReadable,
                              *progress == Progress::kWantsWritable);
  if (*progress != Progress::kDone) return;
  tls_establishment_.Cancel();
  observer_.Report(FingerprintVerified{*tls_stream_->presented_fingerprint()});
  observer_.Report(
      TlsEstablished{tls_stream_->protocol_version(), tls_stream_->cipher_suite(), tls_role_});
  observer_.OnTlsEstablished();
}

std::unique_ptr<ByteStream> ConnectionSetup::TakeByteStream() {
  if (tls_stream_ != nullptr) return std::move(tls_stream_);
  return std::make_unique<TcpStream>(std::move(fd_), resources_.scratch);
}

}  // namespace agw
