#include "agw-service/msrp/msrp_head.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace agw {
namespace {

constexpr absl::string_view kProtocol = "MSRP ";
constexpr absl::string_view kEndLineDashes = "-------";
constexpr absl::string_view kContinuationFlags = "+$#";
constexpr absl::string_view kToPath = "To-Path:";
constexpr absl::string_view kFromPath = "From-Path:";

// RFC 4975 clause 9: ident = ALPHANUM 3*31ident-char.
bool IsIdent(absl::string_view text) {
  return text.size() >= 4 && text.size() <= kMsrpTransactionIdLimit &&
         absl::ascii_isalnum(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(c) ||
                  absl::string_view(".-+%=").find(c) != absl::string_view::npos;
         });
}

// Most lines show with their first octet that they have another name.
bool HasName(absl::string_view line, absl::string_view name) {
  return !line.empty() && absl::ascii_toupper(line[0]) == name[0] &&
         absl::StartsWithIgnoreCase(line, name);
}

MsrpMethod MethodOf(absl::string_view name) {
  for (size_t i = 0; i + 1 < kMsrpMethodLabels.size(); ++i) {
    if (name == kMsrpMethodLabels[i]) return static_cast<MsrpMethod>(i);
  }
  return MsrpMethod::kOther;
}

uint8_t CodeIndexOf(absl::string_view code) {
  const auto* found = std::find(kMsrpCodeLabels.begin(), kMsrpCodeLabels.end() - 1, code);
  return static_cast<uint8_t>(found - kMsrpCodeLabels.begin());
}

}  // namespace

MsrpHead::Progress MsrpHead::Parse(absl::string_view octets) {
  for (;;) {
    // What is no MSRP at all shows before a line end comes.
    if (next_line_ == Line::kStart &&
        !absl::StartsWith(octets, kProtocol.substr(0, octets.size()))) {
      return Break(MsrpFramingError::kNotMsrp);
    }
    const size_t line_feed = octets.find('\n', searched_);
    if (std::min(line_feed, octets.size()) >= kMsrpHeadLimit) {
      return Break(MsrpFramingError::kHeadTooLarge);
    }
    if (line_feed == absl::string_view::npos) {
      searched_ = static_cast<uint16_t>(octets.size());
      return Progress::kIncomplete;
    }
    absl::string_view line = octets.substr(line_begin_, line_feed - line_begin_);
    // Where others might see another line end than we do, nothing may pass.
    if (!absl::ConsumeSuffix(&line, "\r") || absl::StrContains(line, '\r')) {
      return Break(next_line_ == Line::kStart ? MsrpFramingError::kMalformedStartLine
                                              : MsrpFramingError::kMalformedHeader);
    }
    const Progress progress = TakeLine(octets, line);
    searched_ = line_begin_ = static_cast<uint16_t>(line_feed + 1);
    if (progress != Progress::kIncomplete) return progress;
  }
}

MsrpHead::Progress MsrpHead::TakeLine(absl::string_view octets, absl::string_view line) {
  switch (next_line_) {
    case Line::kStart:
      next_line_ = Line::kToPath;
      return TakeStartLine(line);
    case Line::kToPath:
      next_line_ = Line::kFromPath;
      return TakePath(line, kToPath, to_path_, MsrpFramingError::kNoToPath);
    case Line::kFromPath:
      next_line_ = Line::kOther;
      return TakePath(line, kFromPath, from_path_, MsrpFramingError::kNoFromPath);
    case Line::kOther:
      break;
  }
  return TakeOtherLine(octets, line);
}

MsrpHead::Progress MsrpHead::TakeStartLine(absl::string_view line) {
  absl::string_view rest = line.substr(kProtocol.size());
  const absl::string_view id = rest.substr(0, rest.find(' '));
  if (!IsIdent(id)) return Break(MsrpFramingError::kBadTransactionId);
  transaction_id_ = {static_cast<uint16_t>(kProtocol.size()),
                     static_cast<uint16_t>(kProtocol.size() + id.size())};
  rest.remove_prefix(id.size());
  absl::ConsumePrefix(&rest, " ");
  is_request_ = !rest.empty() && std::all_of(rest.begin(), rest.end(), absl::ascii_isupper);
  if (is_request_) {
    method_ = MethodOf(rest);
    return Progress::kIncomplete;
  }
  const absl::string_view code = rest.substr(0, rest.find(' '));
  if (code.size() != 3 || !std::all_of(code.begin(), code.end(), absl::ascii_isdigit)) {
    return Break(MsrpFramingError::kMalformedStartLine);
  }
  code_index_ = CodeIndexOf(code);
  return Progress::kIncomplete;
}

MsrpHead::Progress MsrpHead::TakePath(absl::string_view line, absl::string_view name, Range& value,
                                      MsrpFramingError missing) {
  if (!HasName(line, name)) return Break(missing);
  const absl::string_view path = absl::StripAsciiWhitespace(line.substr(name.size()));
  if (path.empty()) return Break(missing);
  const auto begin = static_cast<uint16_t>(line_begin_ + (path.data() - line.data()));
  value = {begin, static_cast<uint16_t>(begin + path.size())};
  return Progress::kIncomplete;
}

MsrpHead::Progress MsrpHead::TakeOtherLine(absl::string_view octets, absl::string_view line) {
  if (line.empty()) return Progress::kComplete;
  absl::string_view rest = line;
  if (absl::ConsumePrefix(&rest, kEndLineDashes)) {
    if (!absl::ConsumePrefix(&rest, transaction_id(octets)) || rest.size() != 1 ||
        kContinuationFlags.find(rest[0]) == absl::string_view::npos) {
      return Break(MsrpFramingError::kBadEndLine);
    }
    end_flag_ = rest[0];
    return Progress::kComplete;
  }
  const size_t colon = line.find(':');
  if (colon == 0 || colon == absl::string_view::npos || absl::StartsWithIgnoreCase(line, kToPath) ||
      absl::StartsWithIgnoreCase(line, kFromPath)) {
    return Break(MsrpFramingError::kMalformedHeader);
  }
  return Progress::kIncomplete;
}

}  // namespace agw
