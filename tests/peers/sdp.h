// The SDP bodies that phone and core peer send, and what they read from those they receive.

#ifndef TESTS_PEERS_SDP_H_
#define TESTS_PEERS_SDP_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ip_address.h"

namespace peers {

// An MSRP m-line with application-agnostic handling ("a=msrp-cema").
struct MsrpMedia {
  common::TransportAddress address = {};  // Port 9 for an active end (RFC 4145 clause 4.1).
  std::string path = {};
  std::string setup = {};        // "actpass", "active", "passive".
  std::string fingerprint = {};  // "sha-256 AB:...", or empty.
};

// The offer of a core peer (TCP/MSRP) and the answer of a phone (TCP/TLS/MSRP).
std::string MakeOffer(const MsrpMedia& media);
std::string MakeAnswer(const MsrpMedia& media);

// What a body says of its first m-line.
struct ReceivedMedia {
  common::TransportAddress address;
  std::string transport;
  std::string path;
  std::string setup;
  std::string fingerprint;  // The value of the attribute; empty if there is none.
  std::string digest;       // The octets of it.
  bool e2ae_applied = false;
};
absl::StatusOr<ReceivedMedia> ReadMedia(absl::string_view sdp);

// "msrp://127.0.0.40:2855/NAME;tcp", with "msrps" where `secure`.
std::string MsrpUri(bool secure, const common::TransportAddress& address, absl::string_view name);

}  // namespace peers

#endif  // TESTS_PEERS_SDP_H_
