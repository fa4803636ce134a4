#include "agw-service/msrp/end_line_search.h"

#include <algorithm>
#include <cstring>

#include "common/check.h"

namespace agw {
namespace {

constexpr absl::string_view kPrefix = "\r\n-------";
bool IsFlag(char c) { return c == '+' || c == '$' || c == '#'; }

// Four octets, and four times four.
using Word = uint32_t;
using Words = Word __attribute__((vector_size(16)));
using Halves = uint64_t __attribute__((vector_size(16)));
constexpr Word kHyphens = 0x2d2d2d2d;
constexpr size_t kBlockSize = 4 * sizeof(Words);

Words HyphensAt(const char* place) {
  Words words;
  std::memcpy(&words, place, sizeof(words));
  return words == kHyphens;
}

// Whether one of the words from `place` on, a block of them, is hyphens.
bool BlockHasHyphens(const char* place) {
  const Words found = HyphensAt(place) | HyphensAt(place + sizeof(Words)) |
                      HyphensAt(place + 2 * sizeof(Words)) | HyphensAt(place + 3 * sizeof(Words));
  const auto halves = reinterpret_cast<Halves>(found);
  return (halves[0] | halves[1]) != 0;
}

bool AreHyphens(const char* place) {
  Word word;
  std::memcpy(&word, place, sizeof(word));
  return word == kHyphens;
}

// The first place from `begin` on where the prefix may begin: it is there, or the octets end before
// it can be told. Their number if there is none.
//
// Of words that lie side by side, seven hyphens in a row fill one, wherever the words begin. Most
// bodies have none that is filled, so this is what each octet of a body costs.
size_t FindPrefix(absl::string_view octets, size_t begin) {
  const char* const data = octets.data();
  const size_t size = octets.size();
  const size_t first_hyphen = begin + 2;
  size_t word = first_hyphen;
  for (; word + sizeof(Word) <= size; word += sizeof(Word)) {
    while (word + kBlockSize <= size && !BlockHasHyphens(data + word)) word += kBlockSize;
    if (word + sizeof(Word) > size) break;
    if (!AreHyphens(data + word)) continue;
    // Those before it are in the word before, which is not filled.
    size_t hyphen = word;
    while (hyphen > first_hyphen && hyphen + sizeof(Word) > word + 1 && data[hyphen - 1] == '-') {
      --hyphen;
    }
    if (data[hyphen - 1] == '\n' && data[hyphen - 2] == '\r') return hyphen - 2;
  }
  // The word of a prefix that begins here has not been looked at.
  const size_t behind = std::max(begin, word - std::min(word, 2 + sizeof(Word) - 1));
  return std::min(octets.find('\r', behind), size);
}

}  // namespace

void EndLineSearch::Start(absl::string_view transaction_id) {
  CHECK(transaction_id.size() <= kMsrpTransactionIdLimit);
  auto end = std::copy(kPrefix.begin(), kPrefix.end(), end_line_.begin());
  end = std::copy(transaction_id.begin(), transaction_id.end(), end);
  for (char c : absl::string_view("#\r\n")) *end++ = c;
  size_ = static_cast<uint8_t>(end - end_line_.begin());
  // The blank line before a body ends with CRLF, and that of an empty body may be all there is.
  matched_ = 2;
}

absl::optional<EndLineSearch::Found> EndLineSearch::Find(absl::string_view octets) {
  for (size_t i = 0; i < octets.size();) {
    if (matched_ == 0) {
      i = FindPrefix(octets, i);
      if (i + size_ <= octets.size()) {
        if (IsEndLine(octets.data() + i)) return Found{i + size_, octets[i + flag_position()]};
        ++i;
        continue;
      }
      if (i == octets.size()) break;
    }
    Step(octets[i++]);
    if (matched_ == size_) return Found{i, end_line_[flag_position()]};
  }
  return absl::nullopt;
}

std::string EndLineSearch::Completion() const {
  std::string end_line(end_line_.data(), size_);
  if (flag_seen() == '\0') end_line[flag_position()] = '#';
  // A CRLF may be the body's.
  return matched_ > 2 ? end_line.substr(matched_) : end_line;
}

bool EndLineSearch::IsExpected(char c) const {
  return matched_ == flag_position() ? IsFlag(c) : c == end_line_[matched_];
}

void EndLineSearch::Step(char c) {
  if (IsExpected(c)) {
    end_line_[matched_++] = c;
  } else {
    // The only place of an end-line where another one can begin.
    matched_ = c == '\r' ? 1 : 0;
  }
}

bool EndLineSearch::IsEndLine(const char* octets) const {
  return std::memcmp(octets, end_line_.data(), flag_position()) == 0 &&
         IsFlag(octets[flag_position()]) && octets[size_ - 2] == '\r' && octets[size_ - 1] == '\n';
}

}  // namespace agw
