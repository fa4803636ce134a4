#include "alg-service/sdp/session_description.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/check.h"

namespace alg {
namespace {

// The words of `value`, which single spaces separate; nothing if a word is empty.
absl::optional<std::vector<absl::string_view>> SplitWords(absl::string_view value) {
  std::vector<absl::string_view> words =
      absl::StrSplit(absl::StripTrailingAsciiWhitespace(value), ' ');
  for (absl::string_view word : words) {
    if (word.empty()) return absl::nullopt;
  }
  return words;
}

bool IsNumber(absl::string_view text) {
  if (text.empty()) return false;
  for (char c : text) {
    if (!absl::ascii_isdigit(c)) return false;
  }
  return true;
}

bool IsAttribute(const Line& line, absl::string_view name) {
  return line.type == 'a' && absl::EqualsIgnoreCase(AttributeName(line.value), name);
}

void Append(const Section& section, std::string& text) {
  for (const Line& line : section.lines) {
    absl::StrAppend(&text, absl::string_view(&line.type, 1), "=", line.value, "\r\n");
  }
}

const Line& MediaLine(const Section& media) {
  CHECK(!media.lines.empty() && media.lines.front().type == 'm');
  return media.lines.front();
}

}  // namespace

std::string WriteSessionDescription(const SessionDescription& description) {
  std::string text;
  Append(description.session, text);
  for (const Section& media : description.media) Append(media, text);
  for (size_t i = 0; i < description.trailing_empty_line_count; ++i) absl::StrAppend(&text, "\r\n");
  return text;
}

absl::string_view ToString(Deviation deviation) {
  switch (deviation) {
    case Deviation::kSessionName:
      return "session_name";
    case Deviation::kLineOrder:
      return "line_order";
    case Deviation::kOrigin:
      return "origin";
    case Deviation::kTime:
      return "time";
    case Deviation::kConnection:
      return "connection";
    case Deviation::kMedia:
      return "media";
    case Deviation::kAttributeName:
      return "attribute_name";
    case Deviation::kTrailingSpace:
      return "trailing_space";
    case Deviation::kTrailingEmptyLine:
      return "trailing_empty_line";
  }
  return "";
}

const Line* Section::Find(char type) const {
  for (const Line& line : lines) {
    if (line.type == type) return &line;
  }
  return nullptr;
}

bool Section::HasAttribute(absl::string_view name) const {
  for (const Line& line : lines) {
    if (IsAttribute(line, name)) return true;
  }
  return false;
}

std::vector<absl::string_view> Section::Attributes(absl::string_view name) const {
  std::vector<absl::string_view> values;
  for (const Line& line : lines) {
    if (!IsAttribute(line, name)) continue;
    absl::string_view value = line.value;
    value.remove_prefix(name.size());
    if (!value.empty()) value.remove_prefix(1);
    values.push_back(value);
  }
  return values;
}

absl::optional<MediaField> ParseMediaField(absl::string_view value) {
  const absl::optional<std::vector<absl::string_view>> words = SplitWords(value);
  if (!words.has_value() || words->size() < 4) return absl::nullopt;

  MediaField field;
  field.media = std::string((*words)[0]);
  const std::pair<absl::string_view, absl::string_view> port =
      absl::StrSplit((*words)[1], absl::MaxSplits('/', 1));
  uint32_t number;
  if (!IsNumber(port.first) || !absl::SimpleAtoi(port.first, &number) || number > 65535) {
    return absl::nullopt;
  }
  field.port = static_cast<uint16_t>(number);
  if (port.first.size() != (*words)[1].size()) {
    if (!IsNumber(port.second)) return absl::nullopt;
    field.port_count = std::string(port.second);
  }
  field.proto = std::string((*words)[2]);
  for (size_t i = 3; i < words->size(); ++i) field.formats.emplace_back((*words)[i]);
  return field;
}

absl::optional<ConnectionField> ParseConnectionField(absl::string_view value) {
  const absl::optional<std::vector<absl::string_view>> words = SplitWords(value);
  if (!words.has_value() || words->size() != 3) return absl::nullopt;
  return ConnectionField{std::string((*words)[0]), std::string((*words)[1]),
                         std::string((*words)[2])};
}

absl::optional<OriginField> ParseOriginField(absl::string_view value) {
  const absl::optional<std::vector<absl::string_view>> words = SplitWords(value);
  if (!words.has_value() || words->size() != 6) return absl::nullopt;
  if (!IsNumber((*words)[1]) || !IsNumber((*words)[2])) return absl::nullopt;
  return OriginField{
      std::string((*words)[0]),
      std::string((*words)[1]),
      std::string((*words)[2]),
      {std::string((*words)[3]), std::string((*words)[4]), std::string((*words)[5])}};
}

std::string ToString(const MediaField& field) {
  return absl::StrCat(field.media, " ", field.port, field.port_count.empty() ? "" : "/",
                      field.port_count, " ", field.proto, " ", absl::StrJoin(field.formats, " "));
}

std::string ToString(const ConnectionField& field) {
  return absl::StrCat(field.network_type, " ", field.address_type, " ", field.address);
}

absl::optional<MediaField> MediaFieldOf(const Section& media) {
  return ParseMediaField(MediaLine(media).value);
}

absl::string_view MediaTypeOf(const Section& media) {
  const absl::string_view value = MediaLine(media).value;
  return value.substr(0, value.find_first_of(" \t"));
}

bool IsAtPortZero(const Section& media) {
  // One reading of a line that can be read: words are parted by spaces, and a tab belongs to its
  // word.
  const absl::optional<MediaField> field = MediaFieldOf(media);
  if (field.has_value()) return field->port == 0;
  const std::vector<absl::string_view> words =
      absl::StrSplit(MediaLine(media).value, absl::ByAnyChar(" \t"), absl::SkipEmpty());
  if (words.size() < 2) return false;
  const absl::string_view port = words[1].substr(0, words[1].find('/'));
  uint32_t number;
  return IsNumber(port) && absl::SimpleAtoi(port, &number) && number == 0;
}

bool HasTransport(const MediaField& field, absl::string_view transport) {
  return absl::EqualsIgnoreCase(field.proto, transport);
}

bool IsMsrp(const Section& media) {
  const absl::optional<MediaField> field = MediaFieldOf(media);
  return field.has_value() && absl::EqualsIgnoreCase(field->media, "message") &&
         (HasTransport(*field, kMsrpOverTcp) || HasTransport(*field, kMsrpOverTls));
}

absl::string_view AttributeName(absl::string_view value) {
  const size_t colon = value.find(':');
  if (colon == absl::string_view::npos) return absl::StripTrailingAsciiWhitespace(value);
  return value.substr(0, colon);
}

}  // namespace alg
