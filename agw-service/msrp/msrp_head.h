// The start line and the headers of an MSRP message (RFC 4975 clause 9).

#ifndef AGW_SERVICE_MSRP_MSRP_HEAD_H_
#define AGW_SERVICE_MSRP_MSRP_HEAD_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "agw-service/msrp/msrp_counters.h"
#include "agw-service/msrp/msrp_framing_error.h"

namespace agw {

// The longest head, in octets, with its last line end. RFC 4975 has no bound; what endpoints send is
// below 1 KiB.
inline constexpr size_t kMsrpHeadLimit = 16 * 1024;

// The longest transaction id (clause 9, "ident").
inline constexpr size_t kMsrpTransactionIdLimit = 32;

// Reads one head, which may arrive in pieces: it looks at each line once. Where things are it
// remembers as offsets, so it owns nothing.
//
// Strict in what decides the framing and the paths. Other headers need a name and a colon.
class MsrpHead {
 public:
  enum class Progress { kIncomplete, kComplete, kBroken };

  // `octets` begins with the first octet of the message; what was there at the call before must be
  // there again, with more behind it. After `kComplete` and `kBroken` do not call again.
  Progress Parse(absl::string_view octets);

  // After `kBroken`.
  MsrpFramingError error() const { return error_; }

  // All that follows: after `kComplete`, with the same octets.

  size_t size() const { return line_begin_; }
  bool is_request() const { return is_request_; }
  MsrpMethod method() const { return method_; }      // Of a request.
  size_t code_index() const { return code_index_; }  // Of a response, in `kMsrpCodeLabels`.
  absl::string_view transaction_id(absl::string_view octets) const {
    return transaction_id_.In(octets);
  }

  // The values, without space around them.
  absl::string_view to_path(absl::string_view octets) const { return to_path_.In(octets); }
  absl::string_view from_path(absl::string_view octets) const { return from_path_.In(octets); }

  // The continuation flag if the message ends with its head; '\0' if a body follows.
  char end_flag() const { return end_flag_; }

 private:
  enum class Line : uint8_t { kStart, kToPath, kFromPath, kOther };

  struct Range {
    uint16_t begin = 0;
    uint16_t end = 0;
    absl::string_view In(absl::string_view octets) const {
      return octets.substr(begin, end - begin);
    }
  };
  static_assert(kMsrpHeadLimit <= UINT16_MAX);

  // Each takes the line, without CRLF, that begins at `line_begin_`.
  Progress TakeLine(absl::string_view octets, absl::string_view line);
  Progress TakeStartLine(absl::string_view line);
  Progress TakePath(absl::string_view line, absl::string_view name, Range& value,
                    MsrpFramingError missing);
  Progress TakeOtherLine(absl::string_view octets, absl::string_view line);

  Progress Break(MsrpFramingError error) {
    error_ = error;
    return Progress::kBroken;
  }

  uint16_t line_begin_ = 0;  // Of the first line that is not complete.
  uint16_t searched_ = 0;    // There is no line end before this.
  Range transaction_id_;
  Range to_path_;
  Range from_path_;
  Line next_line_ = Line::kStart;
  bool is_request_ = false;
  MsrpMethod method_ = MsrpMethod::kOther;
  uint8_t code_index_ = 0;
  char end_flag_ = '\0';
  MsrpFramingError error_ = MsrpFramingError::kNotMsrp;
};

}  // namespace agw

#endif  // AGW_SERVICE_MSRP_MSRP_HEAD_H_
