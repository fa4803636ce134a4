// What offers and answers have in common: reading the media section of an MSRP stream (RFC 4975
// clause 8) as far as anchoring it needs. Pure.

#ifndef ALG_SERVICE_OFFER_ANSWER_MSRP_MEDIA_H_
#define ALG_SERVICE_OFFER_ANSWER_MSRP_MEDIA_H_

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "alg-service/offer_answer/reject_reason.h"
#include "alg-service/sdp/attributes.h"
#include "alg-service/sdp/session_description.h"
#include "common/ip_address.h"

namespace alg {

// The transports of MSRP in "m=". Compare with HasTransport().
inline constexpr absl::string_view kMsrpOverTcp = "TCP/MSRP";
inline constexpr absl::string_view kMsrpOverTls = "TCP/TLS/MSRP";

// Upper and lower case are the same.
bool HasTransport(const MediaField& field, absl::string_view transport);

// "m=message" over TCP or TLS, at whatever port.
bool IsMsrp(const MediaField& field);

// What the section says; what it leaves out, the session section says for it.
struct MsrpMedia {
  absl::optional<Setup> setup;
  common::TransportAddress address;  // From "c=" and "m=".
};

// `media` is an MSRP section of `description` whose port is not 0.
absl::variant<MsrpMedia, Rejection> ReadMsrpMedia(const SessionDescription& description,
                                                  const Section& media);

}  // namespace alg

#endif  // ALG_SERVICE_OFFER_ANSWER_MSRP_MEDIA_H_
