// What a peer may do wrong in the framing of MSRP.

#ifndef AGW_SERVICE_MSRP_MSRP_FRAMING_ERROR_H_
#define AGW_SERVICE_MSRP_MSRP_FRAMING_ERROR_H_

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace agw {

enum class MsrpFramingError : uint8_t {
  kNotMsrp,             // What should be a message does not begin with "MSRP ".
  kMalformedStartLine,  // Neither a method in capitals nor a status code of three digits.
  kBadTransactionId,    // Not an ident of 4 to 32 characters.
  kHeadTooLarge,        // Start line and headers are over `kMsrpHeadLimit`.
  kNoToPath,            // The first header is not To-Path (RFC 4975 clause 7.1).
  kNoFromPath,          // The second header is not From-Path.
  kMalformedHeader,     // No colon, a lone CR or LF, or To-Path or From-Path once more.
  kBadEndLine,          // Among the headers, an end-line that is not this message's.
};

inline constexpr size_t kMsrpFramingErrorCount = 8;

// The value of a metric's label.
inline absl::string_view LabelOf(MsrpFramingError error) {
  switch (error) {
    case MsrpFramingError::kNotMsrp:
      return "not_msrp";
    case MsrpFramingError::kMalformedStartLine:
      return "malformed_start_line";
    case MsrpFramingError::kBadTransactionId:
      return "bad_transaction_id";
    case MsrpFramingError::kHeadTooLarge:
      return "head_too_large";
    case MsrpFramingError::kNoToPath:
      return "no_to_path";
    case MsrpFramingError::kNoFromPath:
      return "no_from_path";
    case MsrpFramingError::kMalformedHeader:
      return "malformed_header";
    case MsrpFramingError::kBadEndLine:
      return "bad_end_line";
  }
  return "";
}

// For people.
inline absl::string_view TextOf(MsrpFramingError error) {
  switch (error) {
    case MsrpFramingError::kNotMsrp:
      return "MSRP: a message does not begin with \"MSRP \"";
    case MsrpFramingError::kMalformedStartLine:
      return "MSRP: the start line has neither a method nor a status code";
    case MsrpFramingError::kBadTransactionId:
      return "MSRP: the transaction id is not one of 4 to 32 characters";
    case MsrpFramingError::kHeadTooLarge:
      return "MSRP: start line and headers are too large";
    case MsrpFramingError::kNoToPath:
      return "MSRP: the first header is not To-Path";
    case MsrpFramingError::kNoFromPath:
      return "MSRP: the second header is not From-Path";
    case MsrpFramingError::kMalformedHeader:
      return "MSRP: a header is malformed";
    case MsrpFramingError::kBadEndLine:
      return "MSRP: the end-line has another transaction id or no continuation flag";
  }
  return "";
}

}  // namespace agw

#endif  // AGW_SERVICE_MSRP_MSRP_FRAMING_ERROR_H_
