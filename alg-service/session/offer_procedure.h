// From an SDP offer to reserved terminations and the offer to send on.

#ifndef ALG_SERVICE_SESSION_OFFER_PROCEDURE_H_
#define ALG_SERVICE_SESSION_OFFER_PROCEDURE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "alg-service/gateway/media_gateway.h"
#include "alg-service/session/session_resources.h"
#include "alg-service/session/task.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

// One run of ProcessOffer. Everything the offer needs is asked for at once, of one IMS-AGW after
// the other until one has it all. One that does not answer within the policy's `attempt_timeout` is
// passed over, too; if nobody else has room, the first of those that are late is taken. What the
// others have reserved, even if they say so much later, is given back; nobody waits for that but
// the caller of an offer that failed, and only as long as the IMS-AGW answers.
//
// A repeated request finds the context taken by the run before it. It takes over what that one has
// reserved, if the record is that of the same offer: it writes itself into the record, so that the
// other run, should it still be on its way to fail, does not release it.
//
// `request` is well-formed. Errors are those of the API.
Task<absl::StatusOr<ims::alg::v1::ProcessOfferResponse>> ProcessOffer(
    std::shared_ptr<SessionResources> resources, ims::alg::v1::ProcessOfferRequest request,
    CallScope scope);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_OFFER_PROCEDURE_H_
