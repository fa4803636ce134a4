// What benchmarks of pumps need: connections over loopback, with and without TLS, whose peers are in
// the same thread, and a clock that runs only while the pump works.

#ifndef AGW_SERVICE_TLS_TESTING_MEASURED_CONNECTION_H_
#define AGW_SERVICE_TLS_TESTING_MEASURED_CONNECTION_H_

#include <poll.h>
#include <time.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/types/span.h"
#include "agw-service/bearer/byte_stream.h"
#include "agw-service/bearer/pump.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/bearer/tcp_stream.h"
#include "agw-service/net/owned_fd.h"
#include "agw-service/net/socket.h"
#include "agw-service/tls/fingerprint.h"
#include "agw-service/tls/testing/certificates.h"
#include "agw-service/tls/testing/connected_sockets.h"
#include "agw-service/tls/testing/tls_peer.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/tls/tls_profile.h"
#include "agw-service/tls/tls_stream.h"
#include "common/check.h"

namespace agw {

// CPU seconds of this thread while it runs.
class CpuClock {
 public:
  void Start() { started_ = Now(); }
  void Stop() { seconds_ += Now() - started_; }
  double Take() { return std::exchange(seconds_, 0); }

 private:
  static double Now() {
    timespec now;
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
  }

  double started_ = 0;
  double seconds_ = 0;
};

// A worker's share of things, and one UE's.
struct World {
  Scratch scratch;
  TlsProfile profile{scratch};
  std::shared_ptr<const TlsIdentity> identity = *TlsIdentity::Generate({.now = absl::Now()});
  TestCertificate certificate = MakeTestCertificate();
  FingerprintSet fingerprints{{certificate.FingerprintBy(HashFunction::kSha256)}};
};

// One connection: the gateway's end and the peer's.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual ByteStream& stream() = 0;
  virtual void PeerSends(const std::string& bytes) = 0;

  // Takes what has arrived at the peer, as it is on the wire.
  void PeerDiscards() {
    static char buffer[256 * 1024];
    for (;;) {
      const absl::StatusOr<RecvResult> result = Recv(peer_fd(), absl::MakeSpan(buffer));
      if (!result.ok() || result->byte_count == 0) return;
    }
  }
  virtual int peer_fd() = 0;
};

class PlainConnection : public Connection {
 public:
  explicit PlainConnection(World& world) {
    ConnectedSockets sockets = ConnectSockets();
    stream_ = std::make_unique<TcpStream>(std::move(sockets.accepted), world.scratch);
    peer_ = std::move(sockets.connected);
  }
  ByteStream& stream() override { return *stream_; }
  void PeerSends(const std::string& bytes) override {
    CHECK(*Send(peer_.get(), bytes) == bytes.size());
  }
  int peer_fd() override { return peer_.get(); }

 private:
  std::unique_ptr<TcpStream> stream_;
  OwnedFd peer_;
};

class TlsConnection : public Connection {
 public:
  explicit TlsConnection(World& world, CpuClock* clock = nullptr, uint16_t version = 0x0304) {
    ConnectedSockets sockets = ConnectSockets();
    TlsPeer::Options peer_options;
    peer_options.min_version = peer_options.max_version = version;
    peer_options.certificate = &world.certificate;
    peer_ = std::make_unique<TlsPeer>(std::move(sockets.connected), peer_options);
    if (clock != nullptr) clock->Start();
    stream_ = TlsStream::Server(world.profile, world.identity, std::move(sockets.accepted));
    stream_->SetRemoteFingerprints(world.fingerprints);
    if (clock != nullptr) clock->Stop();
    while (!stream_->handshake_done() || !peer_->handshake_done()) {
      peer_->Step();
      if (stream_->handshake_done()) continue;
      if (clock != nullptr) clock->Start();
      CHECK(stream_->Handshake().ok());
      if (clock != nullptr) clock->Stop();
    }
  }
  ByteStream& stream() override { return *stream_; }
  void DestroyStream() { stream_.reset(); }
  void PeerSends(const std::string& bytes) override {
    peer_->Write(bytes);
    peer_->Send();
    CHECK(peer_->unsent_byte_count() == 0);
  }
  int peer_fd() override { return peer_->fd(); }

 private:
  std::unique_ptr<TlsPeer> peer_;
  std::unique_ptr<TlsStream> stream_;
};

// Moves `size` octets from the peer of `source` to that of `sink`.
inline void Move(Connection& source, Connection& sink, Pump& pump, size_t size, CpuClock& clock) {
  const uint64_t target = pump.received_byte_count() + size;
  while (pump.received_byte_count() < target) {
    WaitFor(source.stream().fd(), POLLIN);
    clock.Start();
    CHECK(pump.Run().status.ok());
    clock.Stop();
    sink.PeerDiscards();
    if (sink.stream().unsent_byte_count() > 0) {
      clock.Start();
      CHECK(sink.stream().Flush().ok());
      clock.Stop();
      sink.PeerDiscards();
    }
  }
}

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TESTING_MEASURED_CONNECTION_H_
