// From an SDP answer to configured terminations and the answer to send on.

#ifndef ALG_SERVICE_SESSION_ANSWER_PROCEDURE_H_
#define ALG_SERVICE_SESSION_ANSWER_PROCEDURE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "alg-service/gateway/media_gateway.h"
#include "alg-service/session/session_id.h"
#include "alg-service/session/session_resources.h"
#include "alg-service/session/task.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

// One run of ProcessAnswer. In this order, each step for all streams at once:
//
// 1. T1 of the first accepted stream is configured, together with the record, whose revision makes
//    this answer the only one: of two replicas with different answers one is told so.
// 2. T1 of the other accepted streams.
// 3. T2, where the trigger does not do it all.
// 4. Streams that the answer has lost are released.
//
// What an IMS-AGW refuses because of the answer (an address or fingerprint it does not take)
// rejects that m-line only. Another refusal ends the session, and so does an answer that leaves no
// stream. If the IMS-AGW does not answer nothing is released, so that the call can be repeated: a
// repetition does only what is missing.
//
// The first Configure and every release hold at the revision this run knows only; the other
// Configures follow one that has. If it is old, the procedure looks again, once, and decides anew.
//
// `request` is well-formed. Errors are those of the API.
Task<absl::StatusOr<ims::alg::v1::ProcessAnswerResponse>> ProcessAnswer(
    std::shared_ptr<SessionResources> resources, ims::alg::v1::ProcessAnswerRequest request,
    SessionId id, CallScope scope);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_ANSWER_PROCEDURE_H_
