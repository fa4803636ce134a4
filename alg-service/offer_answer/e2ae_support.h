// Whether a registration announced e2ae media security for MSRP: "msrp-tls;mediasec" in
// Security-Client and Security-Server (RFC 3329, TS 24.229 clause 7.2A.7). Pure.

#ifndef ALG_SERVICE_OFFER_ANSWER_E2AE_SUPPORT_H_
#define ALG_SERVICE_OFFER_ANSWER_E2AE_SUPPORT_H_

#include <string>

#include "absl/types/span.h"

namespace alg {

// True if one of the header values (each a comma separated list of mechanisms) has the mechanism
// "msrp-tls" with the parameter "mediasec". Case, order, "q", other parameters and mechanisms do
// not matter; a mechanism that breaks the grammar is passed over.
bool AnnouncesE2aeForMsrp(absl::Span<const std::string> header_values);

}  // namespace alg

#endif  // ALG_SERVICE_OFFER_ANSWER_E2AE_SUPPORT_H_
