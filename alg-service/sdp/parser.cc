#include "alg-service/sdp/parser.h"

#include <algorithm>
#include <bitset>
#include <iterator>
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
constexpr absl::string_view kTypeLetters = "vosiuepcbtrzkam";

// What we read or write in an MSRP section, or in the session section for it. A name that somebody
// could take for one of these must be exactly that.
constexpr absl::string_view kOwnAttributes[] = {"path", "setup", "fingerprint", "3ge2ae",
                                                "msrp-cema"};

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
  const std::vector<absl::string_view> words =
      absl::StrSplit(absl::StripTrailingAsciiWhitespace(value), ' ');
  return words.size() == 2 && std::all_of(words.begin(), words.end(), [](absl::string_view word) {
           return !word.empty() && std::all_of(word.begin(), word.end(), absl::ascii_isdigit);
         });
}

// Whether a peer could take a "m=" of this value for MSRP, however lenient it is.
bool MentionsMsrp(absl::string_view value) {
  return absl::StartsWithIgnoreCase(absl::StripLeadingAsciiWhitespace(value), "message") ||
         absl::StrContains(absl::AsciiStrToLower(value), "msrp");
}

// Whether a peer could take a broken attribute of this value for one of ours: as if white space and
// what else does not belong there were not there, or ended the name.
bool ResemblesOwnAttribute(absl::string_view value) {
  const auto begin = std::find_if(value.begin(), value.end(), IsTokenChar);
  const auto end = std::find_if_not(begin, value.end(), IsTokenChar);
  const absl::string_view name = value.substr(begin - value.begin(), end - begin);
  return std::any_of(std::begin(kOwnAttributes), std::end(kOwnAttributes),
                     [name](absl::string_view own) { return absl::EqualsIgnoreCase(name, own); });
}

class Parser {
 public:
  absl::StatusOr<SessionDescription> Parse(absl::string_view text);

 private:
  absl::Status TakeLine(absl::string_view line);
  absl::Status CheckFrame(char type);
  absl::Status CheckRequired();
  void NoteOrder(char type);
  absl::Status CheckValue(char type, absl::string_view value);
  absl::Status CheckMedia(absl::string_view value);
  absl::Status CheckAttribute(absl::string_view value);

  // Remembers that the description deviates from RFC 8866 without need to refuse it.
  void Note(Deviation deviation) { is_noted_[static_cast<size_t>(deviation)] = true; }

  // For the line in hand, of the session section: it can pass unless an MSRP section follows, which
  // `error` then refuses.
  void NoteUnlessMsrpFollows(Deviation deviation, absl::Status error);

  // Of a place in the value of the line in hand.
  Position At(size_t offset_in_value) const { return {line_number_, offset_in_value + 3}; }

  SessionDescription description_;
  bool in_media_ = false;
  bool mentions_msrp_ = false;  // This section.
  bool has_origin_ = false;
  char previous_type_ = 0;
  size_t rank_ = 0;  // The highest of this section so far, in its order.
  size_t line_number_ = 0;
  size_t fingerprint_count_ = 0;  // In this section.
  std::bitset<static_cast<size_t>(Deviation::kTrailingEmptyLine) + 1> is_noted_;
  absl::Status error_if_msrp_follows_;
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
  if (description_.session.Find('s') == nullptr) Note(Deviation::kSessionName);
  if (description_.trailing_empty_line_count > 0) Note(Deviation::kTrailingEmptyLine);
  for (size_t i = 0; i < is_noted_.size(); ++i) {
    if (is_noted_[i]) description_.deviations.push_back(static_cast<Deviation>(i));
  }
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
  if (line.empty()) {
    ++description_.trailing_empty_line_count;
    return absl::OkStatus();
  }
  if (description_.trailing_empty_line_count > 0) {
    // Some take an empty line for the end of the description, some do not.
    return Malformed({line_number_ - description_.trailing_empty_line_count, 1},
                     "the line is empty");
  }
  const char type = line[0];
  if (!Contains(kTypeLetters, type)) {
    return Malformed({line_number_, 1}, absl::StrCat("unknown type letter \"",
                                                     absl::CHexEscape(line.substr(0, 1)), "\""));
  }
  if (line.size() < 2 || line[1] != '=') {
    return Malformed({line_number_, 2}, "no \"=\" behind the type letter");
  }
  RETURN_IF_ERROR(CheckFrame(type));
  NoteOrder(type);
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

absl::Status Parser::CheckFrame(char type) {
  const Position at{line_number_, 1};
  const bool is_first = previous_type_ == 0;
  if (is_first && type != 'v') return Malformed(at, "the first line is not \"v=\"");
  if (!is_first && type == 'v') return Malformed(at, "a second \"v=\"");
  if (type == 'o') {
    if (has_origin_) return Malformed(at, "a second \"o=\"");
    has_origin_ = true;
  }
  if (type == 'm') {
    if (!in_media_) RETURN_IF_ERROR(CheckRequired());
    in_media_ = true;
    rank_ = 0;
    fingerprint_count_ = 0;
  }
  return absl::OkStatus();
}

absl::Status Parser::CheckRequired() {
  for (char type : {'v', 'o', 't'}) {
    if (description_.session.Find(type) == nullptr) {
      return Malformed({line_number_, 1},
                       absl::StrCat("\"", absl::string_view(&type, 1), "=\" is missing"));
    }
  }
  return absl::OkStatus();
}

void Parser::NoteOrder(char type) {
  if (previous_type_ == 0 || type == 'm') return;
  if (type == 'r' || type == 'z') {
    if (previous_type_ != 't' && previous_type_ != 'r') Note(Deviation::kLineOrder);
    return;
  }
  const size_t rank = (in_media_ ? kMediaOrder : kSessionOrder).find(type);
  const absl::string_view repeatable = in_media_ ? kRepeatableInMedia : kRepeatableInSession;
  if (rank == absl::string_view::npos) return Note(Deviation::kLineOrder);
  if (rank < rank_ || (rank == rank_ && !Contains(repeatable, type))) Note(Deviation::kLineOrder);
  rank_ = std::max(rank_, rank);
}

void Parser::NoteUnlessMsrpFollows(Deviation deviation, absl::Status error) {
  Note(deviation);
  error_if_msrp_follows_.Update(std::move(error));
}

absl::Status Parser::CheckValue(char type, absl::string_view value) {
  const absl::string_view trimmed = absl::StripTrailingAsciiWhitespace(value);
  if (Contains("votcm", type) && trimmed.size() < value.size()) Note(Deviation::kTrailingSpace);
  switch (type) {
    case 'v':
      if (trimmed != "0") return Malformed(At(0), "the version is not 0");
      break;
    case 'o':
      if (!ParseOriginField(value).has_value()) {
        NoteUnlessMsrpFollows(Deviation::kOrigin, Malformed(At(0), "\"o=\" is malformed"));
      }
      break;
    case 's':
      if (value.empty()) Note(Deviation::kSessionName);
      break;
    case 't':
      if (!IsNumberPair(value)) Note(Deviation::kTime);
      break;
    case 'c':
      // In an MSRP section, or where one relies on it, the plan refuses it.
      if (!mentions_msrp_ && !ParseConnectionField(value).has_value()) Note(Deviation::kConnection);
      break;
    case 'm':
      return CheckMedia(value);
    case 'a':
      return CheckAttribute(value);
  }
  return absl::OkStatus();
}

absl::Status Parser::CheckMedia(absl::string_view value) {
  mentions_msrp_ = MentionsMsrp(value);
  const bool is_readable = ParseMediaField(value).has_value();
  if (mentions_msrp_) {
    if (!is_readable) return Malformed(At(0), "\"m=\" is malformed");
    return error_if_msrp_follows_;
  }
  if (!is_readable) Note(Deviation::kMedia);
  return absl::OkStatus();
}

absl::Status Parser::CheckAttribute(absl::string_view value) {
  const absl::string_view name = AttributeName(value);
  if (!absl::StrContains(value, ':') && name.size() < value.size()) Note(Deviation::kTrailingSpace);
  const auto illegal = std::find_if_not(name.begin(), name.end(), IsTokenChar);
  if (name.empty() || illegal != name.end()) {
    const bool may_be_ours = (mentions_msrp_ || !in_media_) && ResemblesOwnAttribute(value);
    if (!may_be_ours) {
      Note(Deviation::kAttributeName);
      return absl::OkStatus();
    }
    absl::Status error =
        Malformed(At(illegal - name.begin()), "illegal character in the name of an attribute");
    if (in_media_) return error;
    NoteUnlessMsrpFollows(Deviation::kAttributeName, std::move(error));
    return absl::OkStatus();
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
