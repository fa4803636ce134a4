// What becomes of To-Path and From-Path between the two sides of a stream.
//
// Towards MSRP the IMS-AGW is the far end of each of its peers (a B2BUA). In SDP each peer was given,
// as the path of its far end, one URI: the last one of the path the far end announced, with the
// scheme and the authority of the termination that the peer sees. session-id and parameters, which
// are the far end's, are the same on both sides:
//
//      UE                        T1 │ T2                          peer
//      msrps://ue:7000/a;tcp  ◄──── │ ────  "msrp://T2/a;tcp" is the UE to the peer
//      the peer to the UE is "msrps://T1/b;tcp"  ──── │ ────►  msrp://peer:9000/b;tcp

#ifndef AGW_SERVICE_MSRP_MSRP_REWRITING_H_
#define AGW_SERVICE_MSRP_MSRP_REWRITING_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ip_address.h"

namespace agw {

// The longest path as it stands in a header, in octets. Each message may grow by as much.
inline constexpr size_t kMsrpPathLimit = 2048;

// What is known of one side of a stream.
struct MsrpSide {
  // The path that the peer of the termination announced: the URIs of "a=path" (RFC 4975 clause 8.1).
  // More than one if there are relays before the peer, whose own is the last.
  std::vector<std::string> peer_path;

  // The termination has TLS, so its URIs are "msrps".
  bool tls = false;

  // What was announced to that peer as the address of the termination.
  common::TransportAddress termination;
};

// For one direction of a stream. A value. One made by the default constructor names nobody, so that
// every message passes as it came.
class MsrpRewriting {
 public:
  // From the side `source` to the side `sink`. `kInvalidArgument` if a path has no URI or one
  // that does not follow the grammar, or is over `kMsrpPathLimit`.
  static absl::StatusOr<MsrpRewriting> Create(const MsrpSide& source, const MsrpSide& sink);

  MsrpRewriting() = default;

  // Whether a To-Path that came from the source names the IMS-AGW: a single URI that is the same as
  // the one the source's peer was given (RFC 4975 clause 6.1).
  bool NamesUs(absl::string_view to_path) const;

  // What the source's peer was given as the path of its far end.
  const std::string& our_uri() const { return our_uri_; }

  // The To-Path of a request to the sink: the whole path that its peer announced.
  absl::string_view to_path_of_request() const { return to_path_; }

  // The To-Path of a response to the sink: the first URI of that path, for a response to SEND goes
  // back one hop only (RFC 4975 clause 7.2). Responses to other methods go back the whole way; where
  // there is no relay, that is the same.
  absl::string_view to_path_of_response() const {
    return absl::string_view(to_path_).substr(0, to_path_.find(' '));
  }

  // The From-Path of both: what the sink's peer was given as the path of its far end.
  absl::string_view from_path() const { return from_path_; }

 private:
  std::string our_uri_;
  std::string to_path_;
  std::string from_path_;
};

}  // namespace agw

#endif  // AGW_SERVICE_MSRP_MSRP_REWRITING_H_
