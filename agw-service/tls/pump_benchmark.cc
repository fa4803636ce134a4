// What a worker pays for an octet, a message and a session.
//
//   bazel run --config=bench //agw-service/tls:pump_benchmark
//
// Time is CPU time of the pump alone, its system calls included: the peers do their work in the
// same thread, outside the clock, on the other ends of two loopback TCP connections. `s_per_GB` is
// the figure to compare with `Aead`, which is AES-128-GCM by itself. TLS is 1.3 with that cipher.
//
//   Pump/...      turns of 64 KiB
//   RoundTrip/... a message there and its answer back, of the size given
//   Handshake/... the gateway's part of a full handshake with client certificate
//   IdleStream    heap octets that an established TLS stream owns, as `bytes_per_stream`

#include <malloc.h>
#include <time.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "agw-service/bearer/pump.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/bearer/tcp_stream.h"
#include "agw-service/tls/testing/aead_baseline.h"
#include "agw-service/tls/testing/certificates.h"
#include "agw-service/tls/testing/connected_sockets.h"
#include "agw-service/tls/testing/tls_peer.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/tls/tls_profile.h"
#include "agw-service/tls/tls_stream.h"
#include "benchmark/benchmark.h"
#include "common/check.h"

namespace agw {
namespace {

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
void Move(Connection& source, Connection& sink, Pump& pump, size_t size, CpuClock& clock) {
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

void SetSecondsPerGigabyte(benchmark::State& state, double seconds, double byte_count) {
  state.counters["s_per_GB"] = seconds / byte_count * 1e9;
}

template <typename Source, typename Sink>
void BM_Pump(benchmark::State& state) {
  World world;
  Source source(world);
  Sink sink(world);
  Pump pump(source.stream(), sink.stream());
  // A turn on the wire: what TLS adds must not make it two.
  const std::string bytes(kTurnSize - kTlsOverhead, 'x');
  CpuClock clock;
  // The sockets' windows open during the first megabytes.
  for (int i = 0; i < 100; ++i) {
    source.PeerSends(std::string(16 * 1024, 'x'));
    Move(source, sink, pump, 16 * 1024, clock);
  }
  clock.Take();

  double seconds = 0;
  for (auto _ : state) {
    source.PeerSends(bytes);
    Move(source, sink, pump, bytes.size(), clock);
    const double spent = clock.Take();
    state.SetIterationTime(spent);
    seconds += spent;
  }
  SetSecondsPerGigabyte(state, seconds, static_cast<double>(state.iterations() * bytes.size()));
}
BENCHMARK(BM_Pump<PlainConnection, PlainConnection>)->Name("Pump/PlainToPlain")->UseManualTime();
BENCHMARK(BM_Pump<TlsConnection, PlainConnection>)->Name("Pump/Decrypt")->UseManualTime();
BENCHMARK(BM_Pump<PlainConnection, TlsConnection>)->Name("Pump/Encrypt")->UseManualTime();

template <bool kSeal>
void BM_Aead(benchmark::State& state) {
  AeadBaseline aead;
  aead.Seal();
  CpuClock clock;
  double seconds = 0;
  for (auto _ : state) {
    clock.Start();
    for (int i = 0; i < 4; ++i) {
      if constexpr (kSeal) {
        aead.Seal();
      } else {
        aead.Open();
      }
    }
    clock.Stop();
    const double spent = clock.Take();
    state.SetIterationTime(spent);
    seconds += spent;
  }
  SetSecondsPerGigabyte(state, seconds,
                        static_cast<double>(state.iterations() * 4 * AeadBaseline::kRecordSize));
}
BENCHMARK(BM_Aead<false>)->Name("Aead/Open")->UseManualTime();
BENCHMARK(BM_Aead<true>)->Name("Aead/Seal")->UseManualTime();

template <typename Access>
void BM_RoundTrip(benchmark::State& state) {
  World world;
  Access access(world);
  PlainConnection core(world);
  Pump uplink(access.stream(), core.stream());
  Pump downlink(core.stream(), access.stream());
  const std::string message(static_cast<size_t>(state.range(0)), 'x');
  CpuClock clock;
  for (auto _ : state) {
    access.PeerSends(message);
    Move(access, core, uplink, message.size(), clock);
    core.PeerSends(message);
    Move(core, access, downlink, message.size(), clock);
    state.SetIterationTime(clock.Take());
  }
}
BENCHMARK(BM_RoundTrip<PlainConnection>)->Name("RoundTrip/Plain")->Arg(1024)->UseManualTime();
BENCHMARK(BM_RoundTrip<TlsConnection>)->Name("RoundTrip/Tls")->Arg(1024)->UseManualTime();

template <uint16_t kVersion>
void BM_Handshake(benchmark::State& state) {
  World world;
  CpuClock clock;
  for (auto _ : state) {
    TlsConnection connection(world, &clock, kVersion);
    clock.Start();
    connection.DestroyStream();
    clock.Stop();
    state.SetIterationTime(clock.Take());
  }
}
BENCHMARK(BM_Handshake<0x0303>)
    ->Name("Handshake/Tls12")
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(BM_Handshake<0x0304>)
    ->Name("Handshake/Tls13")
    ->UseManualTime()
    ->Unit(benchmark::kMicrosecond);

// Octets on the heap.
size_t HeapInUse() { return ::mallinfo2().uordblks; }

void BM_IdleStream(benchmark::State& state) {
  constexpr int kCount = 500;
  World world;
  for (auto _ : state) {
    std::vector<std::unique_ptr<TlsConnection>> connections;
    for (int i = 0; i < kCount; ++i) {
      connections.push_back(std::make_unique<TlsConnection>(world));
      // Neither direction may have left a buffer behind.
      CHECK(connections.back()->stream().Write(absl::MakeConstSpan("a", 1)).ok());
      connections.back()->PeerSends("b");
      WaitFor(connections.back()->stream().fd(), POLLIN);
      CHECK(connections.back()->stream().Read(kTurnSize)->bytes.size() == 1);
    }
    const size_t before = HeapInUse();
    for (auto& connection : connections) connection->DestroyStream();
    state.counters["bytes_per_stream"] = static_cast<double>(before - HeapInUse()) / kCount;
  }
}
BENCHMARK(BM_IdleStream)->Name("IdleStream")->Iterations(1);

}  // namespace
}  // namespace agw

BENCHMARK_MAIN();
