#include "alg-service/offer_answer/e2ae_support.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace alg {
namespace {

constexpr absl::string_view kMechanism = "msrp-tls";
constexpr absl::string_view kMediasecParameter = "mediasec";

// The parts of `text` between `separator`s outside quoted strings (RFC 3261 clause 25.1), without
// white space around them; nothing if a quoted string does not end.
absl::optional<std::vector<absl::string_view>> SplitOutsideQuotes(absl::string_view text,
                                                                  char separator) {
  std::vector<absl::string_view> parts;
  bool is_quoted = false;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      is_quoted = !is_quoted;
    } else if (text[i] == separator && !is_quoted) {
      parts.push_back(absl::StripAsciiWhitespace(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  if (is_quoted) return absl::nullopt;
  parts.push_back(absl::StripAsciiWhitespace(text.substr(start)));
  return parts;
}

bool IsE2aeForMsrp(absl::string_view mechanism) {
  const absl::optional<std::vector<absl::string_view>> parts = SplitOutsideQuotes(mechanism, ';');
  if (!parts.has_value() || !absl::EqualsIgnoreCase(parts->front(), kMechanism)) return false;
  for (size_t i = 1; i < parts->size(); ++i) {
    if (absl::EqualsIgnoreCase((*parts)[i], kMediasecParameter)) return true;
  }
  return false;
}

}  // namespace

bool AnnouncesE2aeForMsrp(absl::Span<const std::string> header_values) {
  for (const std::string& value : header_values) {
    const absl::optional<std::vector<absl::string_view>> mechanisms =
        SplitOutsideQuotes(value, ',');
    if (!mechanisms.has_value()) continue;
    for (absl::string_view mechanism : *mechanisms) {
      if (IsE2aeForMsrp(mechanism)) return true;
    }
  }
  return false;
}

}  // namespace alg
