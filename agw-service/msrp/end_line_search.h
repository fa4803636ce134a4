// Finds the end of an MSRP body: CRLF, seven hyphens, the transaction id, a continuation flag, CRLF
// (RFC 4975 clause 7.1). Nothing else ends a body, and nothing says how long it is.

#ifndef AGW_SERVICE_MSRP_END_LINE_SEARCH_H_
#define AGW_SERVICE_MSRP_END_LINE_SEARCH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "agw-service/msrp/msrp_head.h"

namespace agw {

// Remembers across pieces how much of an end-line has been seen; keeps no octet back and owns
// nothing.
class EndLineSearch {
 public:
  struct Found {
    size_t size;  // Octets up to and with the end-line.
    char flag;    // '+', '$' or '#'
  };

  // Begins a body. `transaction_id` has at most `kMsrpTransactionIdLimit` characters.
  void Start(absl::string_view transaction_id);

  // Looks at the next octets of the body.
  absl::optional<Found> Find(absl::string_view octets);

  // What makes an end-line of what was seen last; an aborted message's, unless the flag of another
  // one has been seen. Does not change the search.
  std::string Completion() const;

  // The flag that has been seen of an end-line which is not complete; '\0' if none has.
  char flag_seen() const { return matched_ > flag_position() ? end_line_[flag_position()] : '\0'; }

 private:
  // Octets of an end-line before the continuation flag, and behind it.
  static constexpr size_t kBeforeId = 9;
  static constexpr size_t kBehindFlag = 2;

  size_t flag_position() const { return size_ - kBehindFlag - 1u; }
  bool IsExpected(char c) const;

  // Takes one octet.
  void Step(char c);

  // Whether `octets`, which are as many, are the end-line.
  bool IsEndLine(const char* octets) const;

  // The end-line; its flag is the one seen last.
  std::array<char, kBeforeId + kMsrpTransactionIdLimit + 1 + kBehindFlag> end_line_;
  uint8_t size_ = 0;
  uint8_t matched_ = 0;  // Octets of the end-line that were the last ones of the body.
};

}  // namespace agw

#endif  // AGW_SERVICE_MSRP_END_LINE_SEARCH_H_
