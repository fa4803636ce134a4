// Plans to requests of Iq: what the IMS-AGW is told of a stream, and nothing of when. Pure.

#ifndef ALG_SERVICE_SESSION_IQ_REQUEST_H_
#define ALG_SERVICE_SESSION_IQ_REQUEST_H_

#include <string>

#include "absl/types/optional.h"
#include "alg-service/offer_answer/media_plan.h"
#include "alg-service/session/session_policy.h"
#include "ims/alg/v1/session_record.pb.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace alg {

// T1 before the answer (TS 23.334 clause 6.2.10.3.1.2 steps 2 to 4). Roles that the answer decides
// stay open; interlinkage is armed only where the offer lets the UE connect (R-ALG-23).
ims::iq::v1::ReserveConnectionPointRequest ReserveAccess(const std::string& context_id,
                                                         const OfferedStream& stream,
                                                         const ims::alg::v1::SessionRecord& record,
                                                         const SessionPolicy& policy);

// T2 (steps 5 to 7).
ims::iq::v1::ReserveAndConfigureConnectionPointRequest ReserveCore(const std::string& context_id,
                                                                   const OfferedStream& stream,
                                                                   const SessionPolicy& policy);

// T1 with the answer (.1 steps 14 to 16, .2 steps 13 to 15).
ims::iq::v1::ConfigureConnectionPointRequest ConfigureAccess(
    const std::string& context_id, const AnsweredStream& stream,
    const ims::alg::v1::SessionRecord& record);

// T2 with the answer (.2 steps 16 to 18, and whenever the core peer connects); nothing if the
// trigger does it all. To be sent after `ConfigureAccess()` has succeeded.
absl::optional<ims::iq::v1::ConfigureConnectionPointRequest> ConfigureCore(
    const std::string& context_id, const AnsweredStream& stream,
    const ims::alg::v1::SessionRecord& record);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_IQ_REQUEST_H_
