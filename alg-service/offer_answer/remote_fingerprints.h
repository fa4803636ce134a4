// Which fingerprints of a UE's answer its certificate may be checked against (RFC 8122). Pure.

#ifndef ALG_SERVICE_OFFER_ANSWER_REMOTE_FINGERPRINTS_H_
#define ALG_SERVICE_OFFER_ANSWER_REMOTE_FINGERPRINTS_H_

#include <vector>

#include "absl/types/span.h"
#include "absl/types/variant.h"
#include "alg-service/offer_answer/reject_reason.h"
#include "alg-service/sdp/attributes.h"
#include "alg-service/sdp/session_description.h"

namespace alg {

// The fingerprints for the section `media` of `answer`: its own, or else the session's (R-SEC-10).
// Those with md2, md5 and unknown hash functions are left out; that the strongest of the rest
// decides is the IMS-AGW's business (R-SEC-13). Rejected are: none at all or none left, a broken
// one, nothing better than sha-1 unless `allow_sha1`, and one of `own`, which is the IMS-AGW's
// (R-SEC-19).
absl::variant<std::vector<Fingerprint>, Rejection> ReadRemoteFingerprints(
    const SessionDescription& answer, const Section& media, absl::Span<const Fingerprint> own,
    bool allow_sha1);

}  // namespace alg

#endif  // ALG_SERVICE_OFFER_ANSWER_REMOTE_FINGERPRINTS_H_
