#include "alg-service/sdp/writer.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace alg {
namespace {

void Append(const Section& section, std::string& text) {
  for (const Line& line : section.lines) {
    absl::StrAppend(&text, absl::string_view(&line.type, 1), "=", line.value, "\r\n");
  }
}

}  // namespace

std::string WriteSessionDescription(const SessionDescription& description) {
  std::string text;
  Append(description.session, text);
  for (const Section& media : description.media) Append(media, text);
  for (size_t i = 0; i < description.trailing_empty_line_count; ++i) absl::StrAppend(&text, "\r\n");
  return text;
}

}  // namespace alg
