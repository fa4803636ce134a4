// Property: whatever is offered and answered, what goes on is a session description with the same
// m-lines; an MSRP section of the offer carries no fingerprint and no "a=3ge2ae" but ours, one of
// the answer none at all; media that is not ours keeps its bytes.
//
// The input is an offer, an empty line, and an answer.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "alg-service/offer_answer/media_plan.h"
#include "alg-service/offer_answer/msrp_media.h"
#include "alg-service/offer_answer/rewrite.h"
#include "alg-service/offer_answer/testing/descriptions.h"
#include "alg-service/sdp/parser.h"
#include "common/check.h"
#include "common/error.h"

namespace alg {
namespace {

// `sent` is what became of `received`; `offer` says which sections are MSRP, `e2ae_count` how many
// of them are secured.
void CheckRewritten(const SessionDescription& offer, const SessionDescription& received,
                    absl::string_view sent, size_t e2ae_count) {
  const absl::StatusOr<SessionDescription> parsed = ParseSessionDescription(sent);
  if (!parsed.ok()) {
    // What we add can take a description over the limits.
    CHECK(common::ErrorReasonOf(parsed.status()) == "SDP_TOO_LARGE");
    return;
  }
  CHECK(parsed->media.size() == received.media.size());
  size_t fingerprint_count = 0;
  size_t applied_count = 0;
  for (size_t i = 0; i < received.media.size(); ++i) {
    const Section& section = parsed->media[i];
    if (!IsMsrp(MediaFieldOf(offer.media[i]))) {
      CHECK(section.lines == received.media[i].lines);
      continue;
    }
    for (absl::string_view value : section.Attributes("fingerprint")) {
      CHECK(value == kAgwFingerprint);
      ++fingerprint_count;
    }
    for (absl::string_view value : section.Attributes("3ge2ae")) {
      CHECK(value == "applied");
      ++applied_count;
    }
  }
  CHECK(fingerprint_count == e2ae_count);
  CHECK(applied_count == e2ae_count);
}

size_t CountE2ae(const OfferPlan& plan) {
  size_t count = 0;
  for (const OfferedStream& stream : plan.streams) count += stream.handling == Handling::kE2ae;
  return count;
}

void CheckOneInput(absl::string_view input) {
  const std::pair<absl::string_view, absl::string_view> texts =
      absl::StrSplit(input, absl::MaxSplits("\r\n\r\n", 1));
  const absl::StatusOr<SessionDescription> offer = ParseSessionDescription(texts.first);
  if (!offer.ok()) return;
  const OfferPlan offer_plan = PlanOffer(*offer, BothHaveE2ae());
  if (offer_plan.rejection.has_value()) return;
  const std::vector<Reservation> reservations = Reservations(SdpLimits::kMediaCount);
  CheckRewritten(*offer, *offer, RewriteOffer(*offer, offer_plan, reservations),
                 CountE2ae(offer_plan));

  const absl::StatusOr<SessionDescription> answer = ParseSessionDescription(texts.second);
  if (!answer.ok()) return;
  const AnswerPlan plan = PlanAnswer(*offer, offer_plan, *answer, reservations, {});
  if (plan.rejection.has_value()) return;
  CheckRewritten(*offer, *answer, RewriteAnswer(*offer, offer_plan, *answer, plan, reservations),
                 0);
}

}  // namespace
}  // namespace alg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  alg::CheckOneInput(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
