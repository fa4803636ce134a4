// Property: no text crashes the parser, and what it accepts is written as it came, but for the ends
// of lines; parsing and writing it once more changes nothing. A section whose "m=" cannot be read
// does not mention MSRP. The typed views take whatever value they get.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/optional.h"
#include "alg-service/sdp/attributes.h"
#include "alg-service/sdp/parser.h"
#include "alg-service/sdp/session_description.h"
#include "common/check.h"

namespace alg {
namespace {

void ReadAttributes(const Section& section) {
  for (absl::string_view value : section.Attributes("setup")) ParseSetup(value);
  for (absl::string_view value : section.Attributes("path")) ParsePath(value);
  for (absl::string_view value : section.Attributes("3ge2ae")) ParseE2aeIndicator(value);
  for (absl::string_view value : section.Attributes("fingerprint")) {
    const absl::optional<Fingerprint> fingerprint = ParseFingerprint(value);
    if (fingerprint.has_value()) CHECK(ParseFingerprint(ToString(*fingerprint)) == fingerprint);
  }
}

// `text` with CRLF at the end of every line.
std::string WithCrlf(absl::string_view text) {
  std::string result;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    absl::ConsumeSuffix(&line, "\r");
    absl::StrAppend(&result, line, "\r\n");
  }
  // What follows the last line end is no line.
  if (absl::EndsWith(text, "\n")) result.resize(result.size() - 2);
  return result;
}

void CheckOneInput(absl::string_view text) {
  const absl::StatusOr<SessionDescription> first = ParseSessionDescription(text);
  if (!first.ok()) return;
  const std::string written = WriteSessionDescription(*first);
  CHECK(written == WithCrlf(text));
  // Normalised line ends make a body longer, perhaps longer than a body may be.
  if (written.size() > SdpLimits::kBodySize) return;
  const absl::StatusOr<SessionDescription> second = ParseSessionDescription(written);
  CHECK(second.ok());
  CHECK(WriteSessionDescription(*second) == written);
  CHECK(second->deviations == first->deviations);

  ReadAttributes(first->session);
  for (const Section& media : first->media) {
    const absl::optional<MediaField> field = MediaFieldOf(media);
    if (field.has_value()) {
      CHECK(ParseMediaField(ToString(*field)).has_value());
      CHECK((field->port == 0) == IsAtPortZero(media));
    } else {
      CHECK(!absl::EqualsIgnoreCase(MediaTypeOf(media), "message"));
    }
    ReadAttributes(media);
  }
}

}  // namespace
}  // namespace alg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  alg::CheckOneInput(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
