// What a worker pays for application-aware MSRP.
//
//   bazel run --config=bench //agw-service/msrp/benchmark:msrp_benchmark
//
// Messages are SEND requests with bodies of the size given, from a phone, and the paths that a
// gateway has. Bodies are `binary` (any octet), `text` (lines of 70 characters) or `hyphens`, which
// is the worst that a body can hold for the search of its end.
//
//   Transform/...  the transformer alone, in turns of 64 KiB, as CPU seconds per GB
//   Pump/...       two pumps side by side, one of them agnostic, one aware; TLS 1.3 at one end
//                  unless it says Plain. `aware_s_per_GB` and `agnostic_s_per_GB` are CPU time of
//                  the pumps, with their system calls; `ratio` is the first by the second

#include <algorithm>
#include <random>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "agw-service/bearer/pump.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/msrp/msrp_counters.h"
#include "agw-service/msrp/msrp_rewriting.h"
#include "agw-service/msrp/msrp_transformer.h"
#include "agw-service/tls/testing/measured_connection.h"
#include "benchmark/benchmark.h"
#include "common/check.h"
#include "common/ip_address.h"

namespace agw {
namespace {

const MsrpSide kAccess = {.peer_path = {"msrps://203.0.113.7:7000/2s93i9ek2a;tcp"},
                          .tls = true,
                          .termination = *common::TransportAddress::Parse("198.51.100.1:20000")};
const MsrpSide kCore = {.peer_path = {"msrp://peer.ims.example:9000/jshA7weso3ks;tcp"},
                        .tls = false,
                        .termination = *common::TransportAddress::Parse("192.0.2.1:30000")};

enum class Body { kBinary, kText, kHyphens };

std::string MakeBody(Body kind, size_t size) {
  std::mt19937 random(1);
  std::string body(size, '-');
  if (kind == Body::kHyphens) return body;
  for (size_t i = 0; i < size; ++i) {
    body[i] = static_cast<char>(kind == Body::kBinary ? random() : 'a' + random() % 26);
    if (kind == Body::kText && i % 72 == 70) body[i] = '\r';
    if (kind == Body::kText && i % 72 == 71) body[i] = '\n';
  }
  return body;
}

std::string MakeMessage(Body kind, size_t body_size) {
  const std::string size = absl::StrCat(body_size);
  return absl::StrCat(
      "MSRP d93kswow SEND\r\nTo-Path: msrps://198.51.100.1:20000/jshA7weso3ks;tcp\r\n",
      "From-Path: ", kAccess.peer_path[0], "\r\nMessage-ID: 12339sdqwer\r\n", "Byte-Range: 1-",
      size, "/", size, "\r\n", "Content-Type: application/octet-stream\r\n\r\n",
      MakeBody(kind, body_size), "\r\n-------d93kswow$\r\n");
}

struct Aware {
  MsrpScratch scratch;
  MsrpCounters counters;
  MsrpTransformer transformer{*MsrpRewriting::Create(kAccess, kCore), scratch, counters};
};

template <Body kBody>
void BM_Transform(benchmark::State& state) {
  const std::string message = MakeMessage(kBody, static_cast<size_t>(state.range(0)));
  // So many that their ends come everywhere in a turn.
  std::string messages;
  while (messages.size() < 4 * 1024 * 1024) messages += message;
  Aware aware;
  CpuClock clock;
  double seconds = 0;
  std::string turn;
  for (auto _ : state) {
    for (size_t begin = 0; begin < messages.size(); begin += kTurnSize) {
      // In the cache, as what was just received.
      turn.assign(messages, begin, kTurnSize);
      clock.Start();
      const absl::StatusOr<absl::Span<const char>> result = aware.transformer.Transform(turn);
      clock.Stop();
      CHECK(result.ok());
      benchmark::DoNotOptimize(result->data());
    }
    const double spent = clock.Take();
    state.SetIterationTime(spent);
    seconds += spent;
  }
  CHECK(aware.counters.not_addressed == 0);
  CHECK(aware.counters.complete_messages > 0);
  state.counters["s_per_GB"] =
      seconds / static_cast<double>(state.iterations() * messages.size()) * 1e9;
}
BENCHMARK(BM_Transform<Body::kBinary>)
    ->Name("Transform/binary")
    ->Arg(64 << 10)
    ->Arg(2 << 10)
    ->Arg(100)
    ->UseManualTime();
BENCHMARK(BM_Transform<Body::kText>)
    ->Name("Transform/text")
    ->Arg(64 << 10)
    ->Arg(2 << 10)
    ->UseManualTime();
BENCHMARK(BM_Transform<Body::kHyphens>)->Name("Transform/hyphens")->Arg(64 << 10)->UseManualTime();

// Messages from the peer of `source` until a megabyte is through, taking turns with nobody.
template <typename Source, typename Sink>
class Line {
 public:
  explicit Line(Transformer* transformer)
      : source_(world_), sink_(world_), pump_(source_.stream(), sink_.stream(), transformer) {}

  double Move(const std::string& octets) {
    for (size_t begin = 0; begin < octets.size(); begin += kPiece) {
      const std::string piece = octets.substr(begin, kPiece);
      source_.PeerSends(piece);
      agw::Move(source_, sink_, pump_, piece.size(), clock_);
    }
    return clock_.Take();
  }

 private:
  // A turn on the wire: what TLS adds must not make it two.
  static constexpr size_t kPiece = kTurnSize - kTlsOverhead;

  World world_;
  Source source_;
  Sink sink_;
  Pump pump_;
  CpuClock clock_;
};

template <typename Source, typename Sink>
void BM_Pump(benchmark::State& state) {
  const std::string message = MakeMessage(Body::kBinary, static_cast<size_t>(state.range(0)));
  std::string messages;
  while (messages.size() < 1024 * 1024) messages += message;
  Aware aware;
  Line<Source, Sink> aware_line(&aware.transformer);
  Line<Source, Sink> agnostic_line(nullptr);
  // The sockets' windows open during the first megabytes; small pieces first, for a socket takes no
  // more at the beginning.
  for (size_t begin = 0; begin < messages.size(); begin += 16 * 1024) {
    aware_line.Move(messages.substr(begin, 16 * 1024));
    agnostic_line.Move(messages.substr(begin, 16 * 1024));
  }

  double aware_seconds = 0;
  double agnostic_seconds = 0;
  for (auto _ : state) {
    const double spent = aware_line.Move(messages);
    state.SetIterationTime(spent);
    aware_seconds += spent;
    agnostic_seconds += agnostic_line.Move(messages);
  }
  CHECK(aware.counters.not_addressed == 0);
  CHECK(aware.counters.complete_messages > 0);
  const double gigabytes = static_cast<double>(state.iterations() * messages.size()) * 1e-9;
  state.counters["aware_s_per_GB"] = aware_seconds / gigabytes;
  state.counters["agnostic_s_per_GB"] = agnostic_seconds / gigabytes;
  state.counters["ratio"] = aware_seconds / agnostic_seconds;
}
BENCHMARK(BM_Pump<PlainConnection, PlainConnection>)
    ->Name("Pump/Plain")
    ->Arg(64 << 10)
    ->Arg(2 << 10)
    ->UseManualTime();
BENCHMARK(BM_Pump<TlsConnection, PlainConnection>)
    ->Name("Pump/Decrypt")
    ->Arg(64 << 10)
    ->Arg(2 << 10)
    ->UseManualTime();
BENCHMARK(BM_Pump<PlainConnection, TlsConnection>)
    ->Name("Pump/Encrypt")
    ->Arg(64 << 10)
    ->Arg(2 << 10)
    ->UseManualTime();

}  // namespace
}  // namespace agw

BENCHMARK_MAIN();
