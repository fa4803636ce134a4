#include "agw-service/msrp/end_line_search.h"

#include <algorithm>

#include "common/check.h"

namespace agw {
namespace {

constexpr absl::string_view kPrefix = "\r\n-------";
constexpr size_t kHyphenCount = 7;

// The first place from `begin` on where the prefix may begin: it is there, or the octets end before
// it can be told. Their number if there is none.
//
// Seven hyphens in a row cannot be missed by looking at every seventh octet.
size_t FindPrefix(absl::string_view octets, size_t begin) {
  constexpr size_t kLast = kPrefix.size() - 1;
  const char* const data = octets.data();
  const size_t size = octets.size();
  while (begin + kLast < size) {
    // Four looks with one branch, for most bodies have few hyphens.
    while (begin + kLast + 3 * kHyphenCount < size) {
      const char* const look = data + begin + kLast;
      if ((look[0] == '-') | (look[kHyphenCount] == '-') | (look[2 * kHyphenCount] == '-') |
          (look[3 * kHyphenCount] == '-')) {
        break;
      }
      begin += 4 * kHyphenCount;
    }
    if (begin + kLast >= size) break;
    if (data[begin + kLast] == '-') {
      size_t first_hyphen = begin + kLast;
      while (first_hyphen > begin + 2 && data[first_hyphen - 1] == '-') --first_hyphen;
      if (data[first_hyphen - 1] == '\n' && data[first_hyphen - 2] == '\r') {
        return first_hyphen - 2;
      }
    }
    begin += kHyphenCount;
  }
  return std::min(octets.find('\r', begin), size);
}

}  // namespace

void EndLineSearch::Start(absl::string_view transaction_id) {
  CHECK(transaction_id.size() <= transaction_id_.size());
  std::copy(transaction_id.begin(), transaction_id.end(), transaction_id_.begin());
  transaction_id_size_ = static_cast<uint8_t>(transaction_id.size());
  // The blank line before a body ends with CRLF, and that of an empty body may be all there is.
  matched_ = 2;
}

absl::optional<EndLineSearch::Found> EndLineSearch::Find(absl::string_view octets) {
  for (size_t i = 0; i < octets.size();) {
    if (matched_ == 0) {
      i = FindPrefix(octets, i);
      if (i == octets.size()) break;
    }
    Step(octets[i++]);
    if (matched_ == EndLineSize()) return Found{i, flag_};
  }
  return absl::nullopt;
}

std::string EndLineSearch::Completion() const {
  std::string end_line(kPrefix);
  end_line.append(transaction_id_.data(), transaction_id_size_);
  end_line.push_back(flag_seen() != '\0' ? flag_seen() : '#');
  end_line.append("\r\n");
  // A CRLF may be the body's.
  return matched_ > 2 ? end_line.substr(matched_) : end_line;
}

size_t EndLineSearch::FlagPosition() const { return kPrefix.size() + transaction_id_size_; }

void EndLineSearch::Step(char c) {
  if (IsExpected(c)) {
    if (matched_ == FlagPosition()) flag_ = c;
    ++matched_;
  } else {
    // The only place of an end-line where another one can begin.
    matched_ = c == '\r' ? 1 : 0;
  }
}

bool EndLineSearch::IsExpected(char c) const {
  if (matched_ < kPrefix.size()) return c == kPrefix[matched_];
  if (matched_ < FlagPosition()) return c == transaction_id_[matched_ - kPrefix.size()];
  if (matched_ == FlagPosition()) return c == '+' || c == '$' || c == '#';
  return c == (matched_ == FlagPosition() + 1 ? '\r' : '\n');
}

}  // namespace agw
