#include "alg-service/sdp/parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace alg {
namespace {

// The type letters of a section in the order of RFC 8866 clause 9. "r=" and "z=" belong to the "t="
// before them and are looked at apart.
constexpr absl::string_view kSessionOrder = "vosiuepcbtka";
constexpr absl::string_view kRepeatableInSession = "epbta";
constexpr absl::string_view kMediaOrder = "micbka";
constexpr absl::string_view kRepeatableInMedia = "cba";
constexpr absl::string_view kRequiredInSession = "vost";
constexpr absl::string_view kTypeLetters = "vosiuepcbtrzkam";

struct Position {
  size_t line = 1;
  size_t column = 1;
};

absl::Status Error(absl::string_view reason, int sip_status, Position at, absl::string_view what) {
  return common::MakeError(absl::StatusCode::kInvalidArgument,
                           absl::StrCat("SDP line ", at.line, ", column ", at.column, ": ", what),
                           {std::string(reason),
                            "alg.ims",
                            {{"line", absl::StrCat(at.line)},
                             {"column", absl::StrCat(at.column)},
                             {"sip_status", absl::StrCat(sip_status)}}});
}

absl::Status Malformed(Position at, absl::string_view what) {
  return Error("SDP_MALFORMED", 400, at, what);
}

// More octets than a body or a line may have.
absl::Status TooLong(Position at, absl::string_view what) {
  return Error("SDP_TOO_LARGE", 413, at, what);
}

// More of something than a description may have.
absl::Status TooMany(Position at, absl::string_view what) {
  return Error("SDP_TOO_LARGE", 488, at, what);
}

bool Contains(absl::string_view letters, char letter) {
  return letters.find(letter) != absl::string_view::npos;
}

// RFC 8866 clause 9, "token-char".
bool IsTokenChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         (c != '\0' && Contains("!#$%&'*+-.^_`{|}~", c));
}

bool IsNumberPair(absl::string_view value) {
  const std::vector<absl::string_view> words = absl::StrSplit(value, ' ');
  return words.size() == 2 && std::all_of(words.begin(), words.end(), [](absl::string_view word) {
           return !word.empty() && std::all_of(word.begin(), word.end(), absl::ascii_isdigit);
         });
}

class Parser {
 public:
  absl::StatusOr<SessionDescription> Parse(absl::string_view text);

 private:
  absl::Status TakeLine(absl::string_view line);
  absl::Status CheckOrder(char type);
  absl::Status CheckRequired();
  absl::Status CheckValue(char type, absl::string_view value);
  absl::Status CheckAttribute(absl::string_view value);

  // Of a place in the value of the line in hand.
  Position At(size_t offset_in_value) const { return {line_number_, offset_in_value + 3}; }

  SessionDescription description_;
  bool in_media_ = false;
  char previous_type_ = 0;
  size_t rank_ = 0;  // Of the last line, in the order of its section.
  size_t line_number_ = 0;
  size_t fingerprint_count_ = 0;  // In this section.
};

absl::StatusOr<SessionDescription> Parser::Parse(absl::string_view text) {
  if (text.size() > SdpLimits::kBodySize) {
    const absl::string_view within = text.substr(0, SdpLimits::kBodySize);
    const size_t line = std::count(within.begin(), within.end(), '\n') + 1;
    return TooLong({line, 1},
                   absl::StrCat("the body has more than ", SdpLimits::kBodySize, " octets"));
  }
  while (!text.empty()) {
    ++line_number_;
    const size_t end = text.find('\n');
    absl::string_view line = text.substr(0, end);
    if (end == absl::string_view::npos) {
      text = {};
    } else {
      text.remove_prefix(end + 1);
      absl::ConsumeSuffix(&line, "\r");
    }
    RETURN_IF_ERROR(TakeLine(line));
  }
  ++line_number_;
  if (!in_media_) RETURN_IF_ERROR(CheckRequired());
  return std::move(description_);
}

absl::Status Parser::TakeLine(absl::string_view line) {
  if (line_number_ > SdpLimits::kLineCount) {
    return TooMany({line_number_, 1}, absl::StrCat("more than ", SdpLimits::kLineCount, " lines"));
  }
  if (line.size() > SdpLimits::kLineSize) {
    return TooLong({line_number_, SdpLimits::kLineSize + 1},
                   absl::StrCat("the line has more than ", SdpLimits::kLineSize, " octets"));
  }
  const size_t illegal = line.find_first_of(absl::string_view("\0\r", 2));
  if (illegal != absl::string_view::npos) {
    return Malformed({line_number_, illegal + 1},
                     line[illegal] == '\r' ? "CR inside a line" : "NUL inside a line");
  }
  if (line.empty()) return Malformed({line_number_, 1}, "the line is empty");
  const char type = line[0];
  if (!Contains(kTypeLetters, type)) {
    return Malformed({line_number_, 1}, absl::StrCat("unknown type letter \"",
                                                     absl::CHexEscape(line.substr(0, 1)), "\""));
  }
  if (line.size() < 2 || line[1] != '=') {
    return Malformed({line_number_, 2}, "no \"=\" behind the type letter");
  }
  RETURN_IF_ERROR(CheckOrder(type));
  const absl::string_view value = line.substr(2);
  RETURN_IF_ERROR(CheckValue(type, value));

  if (type == 'm') {
    if (description_.media.size() == SdpLimits::kMediaCount) {
      return TooMany({line_number_, 1},
                     absl::StrCat("more than ", SdpLimits::kMediaCount, " m-lines"));
    }
    description_.media.emplace_back();
  }
  Section& section = in_media_ ? description_.media.back() : description_.session;
  section.lines.push_back({type, std::string(value)});
  previous_type_ = type;
  return absl::OkStatus();
}

absl::Status Parser::CheckOrder(char type) {
  const Position at{line_number_, 1};
  if (type == 'm') {
    if (!in_media_) RETURN_IF_ERROR(CheckRequired());
    in_media_ = true;
    rank_ = 0;
    fingerprint_count_ = 0;
    return absl::OkStatus();
  }
  if (type == 'r' || type == 'z') {
    if (previous_type_ == 't' || previous_type_ == 'r') return absl::OkStatus();
    return Malformed(at, absl::StrCat("\"", absl::string_view(&type, 1), "=\" without its \"t=\""));
  }
  const size_t rank = (in_media_ ? kMediaOrder : kSessionOrder).find(type);
  const absl::string_view repeatable = in_media_ ? kRepeatableInMedia : kRepeatableInSession;
  if (previous_type_ == 0 && type != 'v') return Malformed(at, "the first line is not \"v=\"");
  if (rank == absl::string_view::npos) {
    return Malformed(at,
                     absl::StrCat("\"", absl::string_view(&type, 1), "=\" in a media description"));
  }
  if (previous_type_ != 0 && rank == rank_ && !Contains(repeatable, type)) {
    return Malformed(at, absl::StrCat("a second \"", absl::string_view(&type, 1), "=\""));
  }
  if (rank < rank_) {
    return Malformed(at, absl::StrCat("\"", absl::string_view(&type, 1), "=\" is out of order"));
  }
  // What the grammar requires cannot be skipped.
  const size_t first_skipped = previous_type_ == 0 ? 0 : rank_ + 1;
  for (size_t skipped = first_skipped; !in_media_ && skipped < rank; ++skipped) {
    if (Contains(kRequiredInSession, kSessionOrder[skipped])) {
      return Malformed(at, absl::StrCat("\"", kSessionOrder.substr(skipped, 1), "=\" is missing"));
    }
  }
  rank_ = rank;
  return absl::OkStatus();
}

absl::Status Parser::CheckRequired() {
  for (char type : kRequiredInSession) {
    if (description_.session.Find(type) == nullptr) {
      return Malformed({line_number_, 1},
                       absl::StrCat("\"", absl::string_view(&type, 1), "=\" is missing"));
    }
  }
  return absl::OkStatus();
}

absl::Status Parser::CheckValue(char type, absl::string_view value) {
  switch (type) {
    case 'v':
      if (value != "0") return Malformed(At(0), "the version is not 0");
      break;
    case 'o':
      if (!ParseOriginField(value).has_value()) return Malformed(At(0), "\"o=\" is malformed");
      break;
    case 's':
      if (value.empty()) return Malformed(At(0), "the session name is empty");
      break;
    case 't':
      if (!IsNumberPair(value)) return Malformed(At(0), "\"t=\" is malformed");
      break;
    case 'c':
      if (!ParseConnectionField(value).has_value()) return Malformed(At(0), "\"c=\" is malformed");
      break;
    case 'm':
      if (!ParseMediaField(value).has_value()) return Malformed(At(0), "\"m=\" is malformed");
      break;
    case 'a':
      return CheckAttribute(value);
  }
  return absl::OkStatus();
}

absl::Status Parser::CheckAttribute(absl::string_view value) {
  const absl::string_view name = AttributeName(value);
  if (name.empty()) return Malformed(At(0), "an attribute without a name");
  const auto illegal = std::find_if_not(name.begin(), name.end(), IsTokenChar);
  if (illegal != name.end()) {
    return Malformed(At(illegal - name.begin()), "illegal character in the name of an attribute");
  }
  if (absl::EqualsIgnoreCase(name, "fingerprint") &&
      ++fingerprint_count_ > SdpLimits::kFingerprintCount) {
    return TooMany(At(0), absl::StrCat("more than ", SdpLimits::kFingerprintCount,
                                       " fingerprints in a section"));
  }
  if (absl::EqualsIgnoreCase(name, "path") &&
      std::count(value.begin(), value.end(), ' ') + size_t{1} > SdpLimits::kPathUriCount) {
    return TooMany(At(0), absl::StrCat("more than ", SdpLimits::kPathUriCount, " URIs in a path"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<SessionDescription> ParseSessionDescription(absl::string_view text) {
  return Parser().Parse(text);
}

}  // namespace alg
