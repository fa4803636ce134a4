// Properties, whatever a peer sends and however it is cut into pieces:
//
// * what goes to the sink, the counts and the error, if any, are those of one piece;
// * where nobody is named, it is what came, but for the beginning of a head that is kept back;
// * where paths are rewritten, what goes to the sink is MSRP with the same messages;
// * when the source is replaced, what the sink has got ends between two messages;
// * when the sink is replaced, what the new one gets begins between two messages.
//
// The first two octets of the input say how it is cut, and where something is replaced.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "agw-service/msrp/msrp_counters.h"
#include "agw-service/msrp/msrp_framing_error.h"
#include "agw-service/msrp/msrp_head.h"
#include "agw-service/msrp/msrp_rewriting.h"
#include "agw-service/msrp/msrp_transformer.h"
#include "common/check.h"
#include "common/ip_address.h"

namespace agw {
namespace {

// The source's peer knows the sink's as msrp://192.0.2.1:1/t;tcp.
const MsrpRewriting& Rewriting() {
  static const auto& rewriting = *new MsrpRewriting(
      *MsrpRewriting::Create({.peer_path = {"msrp://s:1/s;tcp"},
                              .termination = *common::TransportAddress::Parse("192.0.2.1:1")},
                             {.peer_path = {"msrp://r:1/r;tcp", "msrp://t:1/t;tcp"},
                              .tls = true,
                              .termination = *common::TransportAddress::Parse("[2001:db8::1]:2")}));
  return rewriting;
}

// A transformer, and what has come of it.
struct Line {
  explicit Line(MsrpRewriting rewriting) : transformer(rewriting, scratch, counters) {}

  void Take(absl::string_view octets) {
    if (octets.empty() || !status.ok()) return;
    const absl::StatusOr<absl::Span<const char>> result =
        transformer.Transform({octets.data(), octets.size()});
    status = result.status();
    if (result.ok()) output.append(result->data(), result->size());
  }

  // In pieces of 1 to `longest` octets.
  void TakeInPieces(absl::string_view octets, size_t longest, uint32_t seed) {
    std::minstd_rand random(seed);
    while (!octets.empty()) {
      const absl::string_view piece = octets.substr(0, 1 + random() % longest);
      Take(piece);
      octets.remove_prefix(piece.size());
    }
  }

  bool broke_by(MsrpFramingError error) const { return status.message() == TextOf(error); }

  MsrpScratch scratch;
  MsrpCounters counters;
  MsrpTransformer transformer;
  std::string output;
  absl::Status status;
};

// The same messages; what does not name us is as before.
bool SameMessages(const MsrpCounters& a, const MsrpCounters& b) {
  return a.requests == b.requests && a.responses == b.responses && a.chunks == b.chunks &&
         a.complete_messages == b.complete_messages && a.aborted_messages == b.aborted_messages;
}

// Whether `octets` are MSRP that ends between two messages. A head may have grown over the limit.
void CheckIsWhole(absl::string_view octets) {
  Line reader{MsrpRewriting()};
  reader.Take(octets);
  if (reader.broke_by(MsrpFramingError::kHeadTooLarge)) return;
  CHECK(reader.status.ok());
  CHECK(reader.transformer.Finish().ok());
  CHECK(reader.counters.cut_off == 0);
}

void CheckOneInput(absl::string_view input) {
  if (input.size() < 2) return;
  const auto how = static_cast<uint8_t>(input[0]);
  const auto where = static_cast<uint8_t>(input[1]);
  const absl::string_view octets = input.substr(2);

  Line nobody{MsrpRewriting()};
  nobody.TakeInPieces(octets, 1 + how, where);
  CHECK(absl::StartsWith(octets, nobody.output));
  if (nobody.status.ok()) CHECK(octets.size() - nobody.output.size() <= kMsrpHeadLimit);

  Line whole(Rewriting());
  whole.Take(octets);
  Line pieces(Rewriting());
  pieces.TakeInPieces(octets, 1 + how, where);
  CHECK(whole.status == pieces.status && whole.status == nobody.status);
  CHECK(SameMessages(whole.counters, pieces.counters));
  CHECK(whole.counters.not_addressed == pieces.counters.not_addressed);
  if (whole.status.ok()) CHECK(whole.output == pieces.output);

  Line reader{MsrpRewriting()};
  reader.Take(pieces.output);
  if (!reader.broke_by(MsrpFramingError::kHeadTooLarge)) {
    CHECK(reader.status.ok());
    if (pieces.status.ok()) CHECK(SameMessages(reader.counters, pieces.counters));
  }

  const absl::string_view before = octets.substr(0, octets.size() * where / 255);
  const absl::string_view after = octets.substr(before.size());
  Line replaced(Rewriting());
  replaced.TakeInPieces(before, 1 + how, where);
  if (!replaced.status.ok()) return;
  Line source_replaced(Rewriting());
  source_replaced.TakeInPieces(before, 1 + how, where);
  const absl::Span<const char> end = source_replaced.transformer.OnSourceReplaced();
  source_replaced.output.append(end.data(), end.size());
  CheckIsWhole(source_replaced.output);
  // As if nothing had been before.
  source_replaced.output.clear();
  source_replaced.Take(after);
  Line anew(Rewriting());
  anew.Take(after);
  CHECK(source_replaced.status == anew.status && source_replaced.output == anew.output);

  replaced.transformer.OnSinkReplaced();
  replaced.output.clear();
  replaced.TakeInPieces(after, 1 + how, where);
  Line new_sink{MsrpRewriting()};
  new_sink.Take(replaced.output);
  CHECK(new_sink.status.ok() || new_sink.broke_by(MsrpFramingError::kHeadTooLarge));
}

}  // namespace
}  // namespace agw

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  agw::CheckOneInput(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
