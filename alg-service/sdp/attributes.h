// Typed views of the attributes that e2ae media security for MSRP is about. Each function takes the
// value behind "a=<name>:" and tolerates white space around it. Pure.

#ifndef ALG_SERVICE_SDP_ATTRIBUTES_H_
#define ALG_SERVICE_SDP_ATTRIBUTES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace alg {

// "a=setup" (RFC 4145 clause 4).
enum class Setup { kActive, kPassive, kActpass, kHoldconn };

// Nothing for a value RFC 4145 does not know. Upper and lower case are the same.
absl::optional<Setup> ParseSetup(absl::string_view value);
absl::string_view ToString(Setup setup);

// "a=fingerprint" (RFC 8122 clause 5): a hash over the DER form of a certificate.
struct Fingerprint {
  std::string hash_function;    // In lower case: "sha-256".
  std::vector<uint8_t> digest;  // Not empty.

  friend bool operator==(const Fingerprint& a, const Fingerprint& b) {
    return a.hash_function == b.hash_function && a.digest == b.digest;
  }
  friend bool operator!=(const Fingerprint& a, const Fingerprint& b) { return !(a == b); }
};

// Octets in a digest of `hash_function` (in lower case), or nothing if RFC 8122 does not know it.
absl::optional<size_t> DigestSize(absl::string_view hash_function);

// Nothing for a broken value, or a digest whose length is not that of its known hash function. Hex
// digits may be in lower case.
absl::optional<Fingerprint> ParseFingerprint(absl::string_view value);

// "sha-256 AB:CD:..."
std::string ToString(const Fingerprint& fingerprint);

// One URI of "a=path" (RFC 4975 clause 9). Parts are as written; nothing is decoded.
struct MsrpUri {
  bool is_secure = false;  // "msrps"
  std::string user_info;   // Without "@"; empty if absent.
  std::string host;        // Without brackets.
  bool is_ipv6_literal = false;
  uint16_t port = 0;       // 0: absent, for a host name only.
  std::string session_id;  // Empty if absent.
  std::string transport;   // "tcp"
};

absl::optional<MsrpUri> ParseMsrpUri(absl::string_view text);

// The URIs of "a=path", at least one; nothing if one is broken. The next hop is the first, the peer
// the last.
absl::optional<std::vector<MsrpUri>> ParsePath(absl::string_view value);

// "a=3ge2ae" (TS 24.229 clause 7.5.2): the UE requests in its offer that TLS ends at the access
// edge, the P-CSCF says in an offer to the UE that it does.
enum class E2aeIndicator { kRequested, kApplied, kOther };
E2aeIndicator ParseE2aeIndicator(absl::string_view value);

}  // namespace alg

#endif  // ALG_SERVICE_SDP_ATTRIBUTES_H_
