// A session description (RFC 8866) as its lines. SDP is what SIP messages carry to say which media
// somebody can send and receive, and where:
//
//   v=0                                     the session section: what holds for all media
//   o=alice 1 1 IN IP4 198.51.100.20        who made this, and in which version
//   s=-
//   c=IN IP4 198.51.100.20                  the address, unless a media section says another one
//   t=0 0
//   m=audio 49170 RTP/AVP 0                 a media section: one stream, its port, its transport
//   m=message 7654 TCP/MSRP *               and one more, which is MSRP and so ours
//   a=path:msrp://198.51.100.20:7654/s;tcp  an attribute of it
//
// Nothing is lost: a line keeps the bytes it came with, only the line end is not part of it.
// Values; a typed view of a line is made when somebody asks.

#ifndef ALG_SERVICE_SDP_SESSION_DESCRIPTION_H_
#define ALG_SERVICE_SDP_SESSION_DESCRIPTION_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace alg {

// "<type>=<value>".
struct Line {
  char type = 0;
  std::string value;

  friend bool operator==(const Line& a, const Line& b) {
    return a.type == b.type && a.value == b.value;
  }
};

// The session section, or a media section, whose first line is "m=".
struct Section {
  std::vector<Line> lines;

  // The first line of `type`, or null. Valid until `lines` changes.
  const Line* Find(char type) const;

  // True if there is an attribute `name`, with a value or without. Upper and lower case are the
  // same, here and below: what a lenient peer would take for a fingerprint must not get past us.
  bool HasAttribute(absl::string_view name) const;

  // The values of the attributes `name`, in order; "" for one without a value. They point into
  // `lines`.
  std::vector<absl::string_view> Attributes(absl::string_view name) const;
};

// What breaks RFC 8866 in a description that ParseSessionDescription() (parser.h) took all the
// same: it is nothing we need to understand. What it stands for goes on as it came.
enum class Deviation {
  kSessionName,        // "s=" is empty or missing.
  kLineOrder,          // Lines out of order, repeated, or in a section they do not belong to.
  kOrigin,             // "o=" cannot be read; no media section is MSRP.
  kTime,               // "t=" cannot be read.
  kConnection,         // "c=" cannot be read; not in a section that is MSRP.
  kMedia,              // "m=" cannot be read, and does not mention MSRP.
  kAttributeName,      // "a=" without a name, or with characters that no name has.
  kTrailingSpace,      // White space behind "v=", "o=", "t=", "c=", "m=" or a flag.
  kTrailingEmptyLine,  // Line ends behind the last line.
};

// "session_name", "line_order", ...: a label of metrics.
absl::string_view ToString(Deviation deviation);

// What ParseSessionDescription() (parser.h) returns. The first line of `session` is "v=", it has
// one "o=" and at least one "t="; the first line of each media section is its "m=". Everything else
// may be missing, repeated or unreadable, so ask a typed view whether there is one.
struct SessionDescription {
  Section session;
  std::vector<Section> media;
  size_t trailing_empty_line_count = 0;
  std::vector<Deviation> deviations;  // Each once, in the order of the enumeration.
};

// "m=<media> <port>[/<count>] <proto> <fmt> ..."
struct MediaField {
  std::string media;
  uint16_t port = 0;
  std::string port_count;  // As written; empty if absent.
  std::string proto;
  std::vector<std::string> formats;  // At least one.
};

// "c=<nettype> <addrtype> <connection-address>"
struct ConnectionField {
  std::string network_type;
  std::string address_type;
  std::string address;
};

// "o=<username> <sess-id> <sess-version> <nettype> <addrtype> <unicast-address>"
struct OriginField {
  std::string username;
  std::string session_id;
  std::string session_version;
  ConnectionField address;
};

// The text: every line as it is, each with CRLF behind it.
std::string WriteSessionDescription(const SessionDescription& description);

// From the value of a line; nothing if it breaks the grammar. White space at the end is tolerated.
absl::optional<MediaField> ParseMediaField(absl::string_view value);
absl::optional<ConnectionField> ParseConnectionField(absl::string_view value);
absl::optional<OriginField> ParseOriginField(absl::string_view value);

// The value of the line.
std::string ToString(const MediaField& field);
std::string ToString(const ConnectionField& field);

// The view of the "m=" line of a media section; nothing if it cannot be read, which happens only in
// sections that have nothing to do with MSRP.
absl::optional<MediaField> MediaFieldOf(const Section& media);

// The media type of a section, "audio": the first word of its "m=", whatever follows.
absl::string_view MediaTypeOf(const Section& media);

// Whether a section is at port 0: its sender does not want it, or gives it up (RFC 3264 clauses 5.1
// and 6). A port that cannot be read is none.
bool IsAtPortZero(const Section& media);

// The transports of MSRP in "m=" (RFC 4975 clause 8.1). Compare with HasTransport().
inline constexpr absl::string_view kMsrpOverTcp = "TCP/MSRP";
inline constexpr absl::string_view kMsrpOverTls = "TCP/TLS/MSRP";

// Upper and lower case are the same.
bool HasTransport(const MediaField& field, absl::string_view transport);

// Whether a section is "m=message" over TCP or TLS, at whatever port.
bool IsMsrp(const Section& media);

// The name of an attribute line's value: what precedes the first colon. White space behind a flag,
// which has none, is not part of it.
absl::string_view AttributeName(absl::string_view value);

}  // namespace alg

#endif  // ALG_SERVICE_SDP_SESSION_DESCRIPTION_H_
