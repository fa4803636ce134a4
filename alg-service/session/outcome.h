// Plans to what a network function is told. Pure.

#ifndef ALG_SERVICE_SESSION_OUTCOME_H_
#define ALG_SERVICE_SESSION_OUTCOME_H_

#include <string>

#include "alg-service/offer_answer/media_plan.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

ims::alg::v1::RejectReason ToProto(RejectReason reason);

ims::alg::v1::MediaOutcome::Handling ToProto(Handling handling);

// Sets outcome and media of the response to an offer or an answer that is not forwarded:
// `OfferPlan` with `ProcessOfferResponse`, `AnswerPlan` with `ProcessAnswerResponse`.
template <typename Plan, typename Response>
void SetRejection(const Plan& plan, Response* response);

// The same for one that is forwarded as `sdp`.
template <typename Plan, typename Response>
void SetForward(const Plan& plan, std::string sdp, Response* response);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_OUTCOME_H_
