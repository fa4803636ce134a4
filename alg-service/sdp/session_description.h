// A session description (RFC 8866) as its lines. Nothing is lost: a line keeps the bytes it came
// with, only the line end is not part of it. Values; a typed view of a line is made when somebody
// asks.

#ifndef ALG_SERVICE_SDP_SESSION_DESCRIPTION_H_
#define ALG_SERVICE_SDP_SESSION_DESCRIPTION_H_

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

// What ParseSessionDescription() (parser.h) returns: every line is in its place (RFC 8866 clause 9)
// and the typed views below exist for every "o=", "c=" and "m=".
struct SessionDescription {
  Section session;
  std::vector<Section> media;
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

// From the value of a line; nothing if it breaks the grammar.
absl::optional<MediaField> ParseMediaField(absl::string_view value);
absl::optional<ConnectionField> ParseConnectionField(absl::string_view value);
absl::optional<OriginField> ParseOriginField(absl::string_view value);

// The value of the line.
std::string ToString(const MediaField& field);
std::string ToString(const ConnectionField& field);

// The view of the "m=" line of a media section of a parsed description.
MediaField MediaFieldOf(const Section& media);

// The name of an attribute line's value: what precedes the first colon.
absl::string_view AttributeName(absl::string_view value);

}  // namespace alg

#endif  // ALG_SERVICE_SDP_SESSION_DESCRIPTION_H_
