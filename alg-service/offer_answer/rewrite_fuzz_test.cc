// Property: whatever is offered and answered, what goes on is a session description with the same
// m-lines; an MSRP section that goes to the UE carries no fingerprint and no "a=3ge2ae" but ours,
// one that goes to the core none at all; media that is not ours keeps its bytes, and so does the
// session section but for what is ours there. All that whichever side offers.
//
// The input is an offer, an empty line, and an answer.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "alg-service/offer_answer/media_plan.h"
#include "alg-service/offer_answer/rewrite.h"
#include "alg-service/offer_answer/setup_role.h"
#include "alg-service/offer_answer/testing/descriptions.h"
#include "alg-service/sdp/parser.h"
#include "alg-service/sdp/session_description.h"
#include "common/check.h"
#include "common/error.h"

namespace alg {
namespace {

// Those of the session section that are nobody's to change.
std::vector<Line> OthersLines(const Section& session) {
  std::vector<Line> lines;
  for (const Line& line : session.lines) {
    const absl::string_view name = AttributeName(line.value);
    const bool is_ours =
        line.type == 'c' || (line.type == 'a' && (absl::EqualsIgnoreCase(name, "fingerprint") ||
                                                  absl::EqualsIgnoreCase(name, "3ge2ae")));
    if (!is_ours) lines.push_back(line);
  }
  return lines;
}

// `sent` is what became of `received`; `offer` says which sections are MSRP. The counts are those
// of MSRP sections of `sent`: one each where a section is secured and goes to the UE.
void CheckRewritten(const SessionDescription& offer, const SessionDescription& received,
                    absl::string_view sent, size_t expected_fingerprint_count,
                    size_t expected_applied_count) {
  const absl::StatusOr<SessionDescription> parsed = ParseSessionDescription(sent);
  if (!parsed.ok()) {
    // What we add can take a description over the limits.
    CHECK(common::ErrorReasonOf(parsed.status()) == "SDP_TOO_LARGE");
    return;
  }
  CHECK(parsed->media.size() == received.media.size());
  CHECK(parsed->trailing_empty_line_count == received.trailing_empty_line_count);
  CHECK(OthersLines(parsed->session) == OthersLines(received.session));
  size_t fingerprint_count = 0;
  size_t applied_count = 0;
  for (size_t i = 0; i < received.media.size(); ++i) {
    const Section& section = parsed->media[i];
    if (!IsMsrp(offer.media[i])) {
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
  CHECK(fingerprint_count == expected_fingerprint_count);
  CHECK(applied_count == expected_applied_count);
}

template <typename Plan>
size_t CountE2ae(const Plan& plan) {
  size_t count = 0;
  for (const auto& stream : plan.streams) count += stream.handling == Handling::kE2ae;
  return count;
}

void CheckDirection(absl::string_view input, Side offerer) {
  const std::pair<absl::string_view, absl::string_view> texts =
      absl::StrSplit(input, absl::MaxSplits("\r\n\r\n", 1));
  const absl::StatusOr<SessionDescription> offer = ParseSessionDescription(texts.first);
  if (!offer.ok()) return;
  const OfferPlan offer_plan = PlanOffer(*offer, BothHaveE2ae(offerer));
  if (offer_plan.rejection.has_value()) return;
  const std::vector<Reservation> reservations = Reservations(SdpLimits::kMediaCount);
  CheckRewritten(*offer, *offer, RewriteOffer(*offer, offer_plan, reservations),
                 offerer == Side::kCore ? CountE2ae(offer_plan) : 0,
                 offerer == Side::kCore ? CountE2ae(offer_plan) : 0);

  const absl::StatusOr<SessionDescription> answer = ParseSessionDescription(texts.second);
  if (!answer.ok()) return;
  const AnswerPlan plan = PlanAnswer(*offer, offer_plan, *answer, reservations, {});
  if (plan.rejection.has_value()) return;
  CheckRewritten(*offer, *answer, RewriteAnswer(*offer, offer_plan, *answer, plan, reservations),
                 offerer == Side::kAccess ? CountE2ae(plan) : 0, 0);
}

void CheckOneInput(absl::string_view input) {
  CheckDirection(input, Side::kCore);
  CheckDirection(input, Side::kAccess);
}

}  // namespace
}  // namespace alg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  alg::CheckOneInput(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
