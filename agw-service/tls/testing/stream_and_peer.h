// A `TlsStream` and its peer over loopback TCP, and a hand that moves both until something is true.

#ifndef AGW_SERVICE_TLS_TESTING_STREAM_AND_PEER_H_
#define AGW_SERVICE_TLS_TESTING_STREAM_AND_PEER_H_

#include <poll.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/tls/testing/certificates.h"
#include "agw-service/tls/testing/connected_sockets.h"
#include "agw-service/tls/testing/tls_peer.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/tls/tls_profile.h"
#include "agw-service/tls/tls_stream.h"
#include "gtest/gtest.h"

namespace agw {

// A fixture. The stream is the server unless told otherwise.
class StreamAndPeer : public testing::Test {
 protected:
  using Progress = TlsStream::HandshakeProgress;

  // Neither end has sent anything yet.
  void Start(TlsRole stream_role, TlsPeer::Options peer_options) {
    ConnectedSockets sockets = ConnectSockets();
    peer_options.role = stream_role == TlsRole::kServer ? TlsRole::kClient : TlsRole::kServer;
    if (stream_role == TlsRole::kServer) {
      stream_ = TlsStream::Server(profile_, identity_, std::move(sockets.accepted));
      peer_ = std::make_unique<TlsPeer>(std::move(sockets.connected), peer_options);
    } else {
      stream_ = TlsStream::Client(profile_, identity_, std::move(sockets.connected));
      peer_ = std::make_unique<TlsPeer>(std::move(sockets.accepted), peer_options);
    }
    progress_ = Progress::kWantsReadable;
    status_ = absl::OkStatus();
    received_.clear();
    stream_ended_ = false;
  }

  // Moves both ends until `condition`; a test that waits in vain fails here.
  void RunUntil(const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + absl::Seconds(20);
    while (!condition()) {
      ASSERT_LT(absl::Now(), deadline) << "in vain: " << status_;
      if (step_peer_) peer_->Step();
      StepStream();
      if (condition()) return;
      pollfd entries[] = {
          {.fd = stream_->fd(), .events = POLLIN, .revents = 0},
          {.fd = peer_->fd(), .events = POLLIN, .revents = 0},
      };
      ::poll(entries, 2, 1);
    }
  }

  void StepStream() {
    if (!status_.ok()) return;
    if (!stream_->handshake_done()) {
      if (progress_ == Progress::kHeld) return;
      const absl::StatusOr<Progress> progress = stream_->Handshake();
      status_ = progress.status();
      if (progress.ok()) progress_ = *progress;
      return;
    }
    if (!stream_reads_ || stream_ended_) return;
    const absl::StatusOr<ByteStream::ReadResult> result = stream_->Read(kTurnSize);
    status_ = result.status();
    if (!result.ok()) return;
    received_.append(result->bytes.data(), result->bytes.size());
    if (result->end_of_stream) stream_ended_ = true;
  }

  void RunHandshake() {
    RunUntil(
        [this] { return !status_.ok() || (stream_->handshake_done() && peer_->handshake_done()); });
    ASSERT_TRUE(status_.ok()) << status_;
    ASSERT_TRUE(stream_->handshake_done());
  }

  void RunUntilFailure() {
    RunUntil([this] { return !status_.ok(); });
  }

  // With everything as it should be.
  void Establish(TlsRole stream_role, TlsPeer::Options peer_options) {
    if (peer_options.certificate == nullptr) peer_options.certificate = &certificate_;
    Start(stream_role, peer_options);
    stream_->SetRemoteFingerprints(FingerprintsOf(*peer_options.certificate));
    RunHandshake();
  }

  static FingerprintSet FingerprintsOf(const TestCertificate& certificate) {
    return FingerprintSet({certificate.FingerprintBy(HashFunction::kSha256)});
  }

  Scratch scratch_;
  TlsProfile profile_{scratch_};
  const std::shared_ptr<const TlsIdentity> identity_ = *TlsIdentity::Generate({.now = absl::Now()});
  const TestCertificate certificate_ = MakeTestCertificate();

  std::unique_ptr<TlsStream> stream_;
  std::unique_ptr<TlsPeer> peer_;
  bool step_peer_ = true;
  bool stream_reads_ = true;

  Progress progress_ = Progress::kWantsReadable;  // The latest.
  absl::Status status_;                           // Of the stream.
  std::string received_;                          // What the stream has read.
  bool stream_ended_ = false;
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TESTING_STREAM_AND_PEER_H_
