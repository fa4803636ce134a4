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
#include <poll.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "agw-service/bearer/pump.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/tls/testing/aead_baseline.h"
#include "agw-service/tls/testing/connected_sockets.h"
#include "agw-service/tls/testing/measured_connection.h"
#include "benchmark/benchmark.h"
#include "common/check.h"

namespace agw {
namespace {

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
