// Plans to what a network function is told. Pure.

#ifndef ALG_SERVICE_SESSION_OUTCOME_H_
#define ALG_SERVICE_SESSION_OUTCOME_H_

#include "alg-service/offer_answer/media_plan.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

ims::alg::v1::RejectReason ToProto(RejectReason reason);

ims::alg::v1::MediaOutcome::Handling ToProto(Handling handling);

// Sets outcome and media of a response to an offer that is not forwarded.
void SetRejection(const OfferPlan& plan, ims::alg::v1::ProcessOfferResponse* response);
void SetRejection(const AnswerPlan& plan, ims::alg::v1::ProcessAnswerResponse* response);

// The same for one that is, as `sdp`.
void SetForward(const OfferPlan& plan, std::string sdp,
                ims::alg::v1::ProcessOfferResponse* response);
void SetForward(const AnswerPlan& plan, std::string sdp,
                ims::alg::v1::ProcessAnswerResponse* response);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_OUTCOME_H_
