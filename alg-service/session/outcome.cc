#include "alg-service/session/outcome.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/check.h"

namespace alg {
namespace {

using ims::alg::v1::MediaOutcome;
using ims::alg::v1::Outcome;

template <typename Streams, typename Response>
void AddMedia(const Streams& streams, Response* response) {
  for (const auto& stream : streams) {
    MediaOutcome* media = response->add_media();
    media->set_media_index(stream.stream_id);
    media->set_handling(ToProto(stream.handling));
    if (!stream.rejection.has_value()) continue;
    media->set_reason(ToProto(stream.rejection->reason));
    media->set_detail(stream.rejection->detail);
  }
}

}  // namespace

ims::alg::v1::RejectReason ToProto(RejectReason reason) {
  ims::alg::v1::RejectReason value;
  CHECK(ims::alg::v1::RejectReason_Parse(absl::StrCat("REJECT_REASON_", ToString(reason)), &value));
  return value;
}

MediaOutcome::Handling ToProto(Handling handling) {
  switch (handling) {
    case Handling::kE2ae:
      return MediaOutcome::HANDLING_E2AE;
    case Handling::kPassed:
      return MediaOutcome::HANDLING_PASSED;
    case Handling::kRejected:
      return MediaOutcome::HANDLING_REJECTED;
    case Handling::kDeclined:
      return MediaOutcome::HANDLING_DECLINED;
  }
  return MediaOutcome::HANDLING_UNSPECIFIED;
}

template <typename Plan, typename Response>
void SetRejection(const Plan& plan, Response* response) {
  CHECK(plan.rejection.has_value());
  Outcome::Reject* reject = response->mutable_outcome()->mutable_reject();
  reject->set_sip_status(kRejectionSipStatus);
  reject->set_reason(ToProto(plan.rejection->reason));
  reject->set_detail(plan.rejection->detail);
  AddMedia(plan.streams, response);
}

template <typename Plan, typename Response>
void SetForward(const Plan& plan, std::string sdp, Response* response) {
  response->mutable_outcome()->mutable_forward()->set_sdp(std::move(sdp));
  AddMedia(plan.streams, response);
}

template void SetRejection(const OfferPlan&, ims::alg::v1::ProcessOfferResponse*);
template void SetRejection(const AnswerPlan&, ims::alg::v1::ProcessAnswerResponse*);
template void SetForward(const OfferPlan&, std::string, ims::alg::v1::ProcessOfferResponse*);
template void SetForward(const AnswerPlan&, std::string, ims::alg::v1::ProcessAnswerResponse*);

}  // namespace alg
