// Text to SessionDescription. We are in the path of many calls that are none of our business, so
// what need not be understood is never refused. Strict is the parser where a description could be
// read in two ways: about its frame, and about what an MSRP section says or relies on. Linear in
// the size of the text, which is limited.

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
// "SDP_MALFORMED" or "SDP_TOO_LARGE", with the metadata "line" and "column" (from 1) and
// "sip_status" (400; for a limit on octets 413, for another 488). Malformed is
//
// * the frame (RFC 8866 clauses 5 and 9): "v=0" is not first or not the only "v=", there is no "o="
//   or more than one, no "t=" before the media, a line is not <known letter>=<value>, or has a NUL
//   or a CR inside, an empty line has another line behind it;
// * a "m=" that mentions MSRP and cannot be read;
// * if there is such a section: an unreadable "o=", and attributes of the section or the session
//   whose broken name resembles one that we go by ("a=fingerprint :...").
//
// What else breaks the grammar is listed in the result's `deviations`. "c=", "a=path", "a=setup"
// and "a=fingerprint" of MSRP are for PlanOffer() and PlanAnswer() to judge, line by line.
absl::StatusOr<SessionDescription> ParseSessionDescription(absl::string_view text);

}  // namespace alg

#endif  // ALG_SERVICE_SDP_PARSER_H_
