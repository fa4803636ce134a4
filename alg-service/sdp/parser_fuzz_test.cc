// Property: no text crashes the parser, and what it accepts is written so that parsing and writing
// it once more changes nothing. The typed views take whatever value they get.

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "alg-service/sdp/attributes.h"
#include "alg-service/sdp/parser.h"
#include "alg-service/sdp/session_description.h"
#include "alg-service/sdp/writer.h"
#include "common/check.h"

namespace alg {
namespace {

void ReadAttributes(const Section& section) {
  for (absl::string_view value : section.Attributes("setup")) ParseSetup(value);
  for (absl::string_view value : section.Attributes("path")) ParsePath(value);
  for (absl::string_view value : section.Attributes("3ge2ae")) ParseE2aeIndicator(value);
  for (absl::string_view value : section.Attributes("accept-types")) ParseAcceptTypes(value);
  for (absl::string_view value : section.Attributes("fingerprint")) {
    const absl::optional<Fingerprint> fingerprint = ParseFingerprint(value);
    if (fingerprint.has_value()) CHECK(ParseFingerprint(ToString(*fingerprint)) == fingerprint);
  }
}

void CheckOneInput(absl::string_view text) {
  const absl::StatusOr<SessionDescription> first = ParseSessionDescription(text);
  if (!first.ok()) return;
  const std::string written = WriteSessionDescription(*first);
  // Normalised line ends make a body longer, perhaps longer than a body may be.
  if (written.size() > SdpLimits::kBodySize) return;
  const absl::StatusOr<SessionDescription> second = ParseSessionDescription(written);
  CHECK(second.ok());
  CHECK(WriteSessionDescription(*second) == written);

  ReadAttributes(first->session);
  for (const Section& media : first->media) {
    CHECK(ParseMediaField(ToString(MediaFieldOf(media))).has_value());
    ReadAttributes(media);
  }
}

}  // namespace
}  // namespace alg

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  alg::CheckOneInput(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
