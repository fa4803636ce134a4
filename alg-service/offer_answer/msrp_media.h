// What offers and answers have in common: reading the media section of an MSRP stream (RFC 4975
// clause 8) as far as anchoring it needs. What the section leaves out, the session section says for
// it. Pure.

#ifndef ALG_SERVICE_OFFER_ANSWER_MSRP_MEDIA_H_
#define ALG_SERVICE_OFFER_ANSWER_MSRP_MEDIA_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "absl/types/variant.h"
#include "alg-service/offer_answer/reject_reason.h"
#include "alg-service/offer_answer/setup_role.h"
#include "alg-service/sdp/attributes.h"
#include "alg-service/sdp/session_description.h"
#include "common/ip_address.h"

namespace alg {

// The transport of MSRP on a side: TLS ends at the access edge.
inline absl::string_view MsrpTransport(Side side) {
  return side == Side::kAccess ? kMsrpOverTls : kMsrpOverTcp;
}

struct MsrpMedia {
  absl::optional<Setup> setup;
  common::TransportAddress address;  // From "c=" and "m=".
};

// Where the peer is and who is to connect. `media` is an MSRP section of `description` whose port
// is not 0.
absl::variant<MsrpMedia, Rejection> ReadMsrpMedia(const SessionDescription& description,
                                                  const Section& media);

// The fingerprints for the section `media` of `description`: its own, or else the session's
// (R-SEC-10). Those with md2, md5 and unknown hash functions are left out; that the strongest of
// the rest decides is the IMS-AGW's business (R-SEC-13). Rejected are: none at all or none left, a
// broken one, nothing better than sha-1 unless `allow_sha1`, and one of `own`, which is the
// IMS-AGW's (R-SEC-19).
absl::variant<std::vector<Fingerprint>, Rejection> ReadRemoteFingerprints(
    const SessionDescription& description, const Section& media, absl::Span<const Fingerprint> own,
    bool allow_sha1);

}  // namespace alg

#endif  // ALG_SERVICE_OFFER_ANSWER_MSRP_MEDIA_H_
