// What parsing and writing cost: an ordinary offer, and the largest bodies the limits allow, whose
// cost per octet must be about the same.

#include <string>

#include "absl/strings/str_cat.h"
#include "alg-service/sdp/parser.h"
#include "alg-service/sdp/session_description.h"
#include "benchmark/benchmark.h"
#include "common/check.h"

namespace alg {
namespace {

constexpr absl::string_view kOffer =
    "v=0\r\n"
    "o=alice 2890844526 2890844526 IN IP4 198.51.100.20\r\n"
    "s=-\r\n"
    "c=IN IP4 198.51.100.20\r\n"
    "t=0 0\r\n"
    "m=message 7654 TCP/MSRP *\r\n"
    "a=accept-types:message/cpim application/im-iscomposing+xml\r\n"
    "a=path:msrp://198.51.100.20:7654/jshA7weztas9vkq2;tcp\r\n"
    "a=setup:actpass\r\n"
    "a=msrp-cema\r\n";

// The offer with `line` behind it until a body or its lines are as many as may be.
std::string Fill(absl::string_view line) {
  std::string text(kOffer);
  size_t line_count = 10;
  while (text.size() + line.size() <= SdpLimits::kBodySize &&
         ++line_count <= SdpLimits::kLineCount) {
    absl::StrAppend(&text, line);
  }
  return text;
}

void Run(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    const absl::StatusOr<SessionDescription> description = ParseSessionDescription(text);
    CHECK(description.ok());
    benchmark::DoNotOptimize(WriteSessionDescription(*description));
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * text.size()));
}

void BM_Offer(benchmark::State& state) { Run(state, std::string(kOffer)); }
BENCHMARK(BM_Offer);

void BM_ManyLines(benchmark::State& state) { Run(state, Fill("a=x-attribute:0123456789\r\n")); }
BENCHMARK(BM_ManyLines);

void BM_LongLines(benchmark::State& state) {
  Run(state, Fill(absl::StrCat("a=x:", std::string(8000, 'x'), "\r\n")));
}
BENCHMARK(BM_LongLines);

}  // namespace
}  // namespace alg
