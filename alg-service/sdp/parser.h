// Text to SessionDescription. Strict about structure, blind to attributes: unknown ones are kept.
// Linear in the size of the text, which is limited.

#ifndef ALG_SERVICE_SDP_PARSER_H_
#define ALG_SERVICE_SDP_PARSER_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "alg-service/sdp/session_description.h"

namespace alg {

// More of any of these is `SDP_TOO_LARGE`.
struct SdpLimits {
  static constexpr size_t kBodySize = 64 * 1024;  // Octets.
  static constexpr size_t kLineSize = 8 * 1024;   // Octets without the line end.
  static constexpr size_t kLineCount = 2048;
  static constexpr size_t kMediaCount = 64;
  static constexpr size_t kFingerprintCount = 16;  // Per section.
  static constexpr size_t kPathUriCount = 32;      // Per "a=path".
};

// Reads one session description. Lines end in CRLF or LF; the last end may be missing.
//
// Errors are `kInvalidArgument` with common::ErrorInfo of the domain "alg.ims": reason
// "SDP_MALFORMED" (RFC 8866 clauses 5 and 9: order, type letters, a NUL or bare CR in a line, the
// syntax of "v=", "o=", "s=", "t=", "c=", "m=" and of attribute names) or "SDP_TOO_LARGE", with the
// metadata "line" and "column" (from 1) and "sip_status" (400; for a limit on octets 413, for
// another 488).
absl::StatusOr<SessionDescription> ParseSessionDescription(absl::string_view text);

}  // namespace alg

#endif  // ALG_SERVICE_SDP_PARSER_H_
