// What the tests of the procedures have in common.

#ifndef ALG_SERVICE_SESSION_TESTING_SESSION_CONTROL_FIXTURE_H_
#define ALG_SERVICE_SESSION_TESTING_SESSION_CONTROL_FIXTURE_H_

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "alg-service/gateway/testing/fake_media_gateway.h"
#include "alg-service/metrics.h"
#include "alg-service/offer_answer/testing/descriptions.h"
#include "alg-service/session/session_control.h"
#include "alg-service/session/testing/manual_timers.h"
#include "common/monotonic_time.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "prometheus/metric_family.h"

namespace alg {

// One replica or more, before one IMS-AGW or more.
class SessionControlTest : public testing::Test {
 protected:
  SessionControlTest() : directory_(std::make_shared<FakeGatewayDirectory>()) {
    directory_->Add({"agw-0", "run-1", false, 0, {}}, agw_);
  }
  // Ends what a test has left under way: it holds on to everything here.
  ~SessionControlTest() override {
    for (const auto& agw : {agw_, other_agw_}) agw->EndHeld(absl::UnavailableError("over"));
    timers_->Stop();
  }

  std::unique_ptr<SessionControl> MakeReplica(SessionPolicy policy = {},
                                              size_t cache_capacity = 100) {
    return std::make_unique<SessionControl>(directory_, std::move(policy), metrics_, cache_capacity,
                                            timers_);
  }

  // The kinds of iqgate_alg_sdp_deviations_total that have been counted once, sorted.
  std::vector<std::string> CountedDeviations() const {
    std::vector<std::string> kinds;
    for (const prometheus::MetricFamily& family : metrics_->registry()->Collect()) {
      if (family.name != "iqgate_alg_sdp_deviations_total") continue;
      for (const prometheus::ClientMetric& metric : family.metric) {
        if (metric.counter.value == 1) kinds.push_back(metric.label.at(0).value);
      }
    }
    std::sort(kinds.begin(), kinds.end());
    return kinds;
  }

  static ims::alg::v1::ProcessOfferRequest OfferRequest(
      const std::string& sdp = OfferText(), const std::string& request_id = "request-1") {
    ims::alg::v1::ProcessOfferRequest request;
    request.set_request_id(request_id);
    request.set_direction(ims::alg::v1::DIRECTION_TERMINATING);
    request.set_sdp(sdp);
    request.mutable_e2ae_support()->mutable_indications()->set_ue(true);
    request.mutable_e2ae_support()->mutable_indications()->set_p_cscf(true);
    request.mutable_dialogue()->set_call_id("call-1");
    return request;
  }

  static ims::alg::v1::ProcessAnswerRequest AnswerRequest(const std::string& session_id,
                                                          const std::string& sdp = AnswerText()) {
    ims::alg::v1::ProcessAnswerRequest request;
    request.set_request_id("answer-1");
    request.set_session_id(session_id);
    request.set_sdp(sdp);
    return request;
  }

  // The result of a call that the fake answers at once; an error of its own if it did not.
  template <typename Response, typename Call>
  static absl::StatusOr<Response> ResultOf(Call call) {
    auto result = std::make_shared<absl::optional<absl::StatusOr<Response>>>();
    call([result](absl::StatusOr<Response> response) { *result = std::move(response); });
    if (!result->has_value()) return absl::UnknownError("no answer yet");
    return **std::move(result);
  }

  static CallScope Scope() { return {common::MonotonicTime::Now() + absl::Seconds(10), nullptr}; }

  absl::StatusOr<ims::alg::v1::ProcessOfferResponse> Offer(
      const ims::alg::v1::ProcessOfferRequest& request, SessionControl* replica = nullptr) {
    return ResultOf<ims::alg::v1::ProcessOfferResponse>([&](auto done) {
      (replica == nullptr ? *alg_ : *replica).ProcessOffer(request, Scope(), std::move(done));
    });
  }

  absl::StatusOr<ims::alg::v1::ProcessAnswerResponse> Answer(
      const ims::alg::v1::ProcessAnswerRequest& request, SessionControl* replica = nullptr) {
    return ResultOf<ims::alg::v1::ProcessAnswerResponse>([&](auto done) {
      (replica == nullptr ? *alg_ : *replica).ProcessAnswer(request, Scope(), std::move(done));
    });
  }

  // The id of a session that has been offered.
  std::string OfferedSessionId(const ims::alg::v1::ProcessOfferRequest& request = OfferRequest()) {
    absl::StatusOr<ims::alg::v1::ProcessOfferResponse> response = Offer(request);
    EXPECT_THAT(response, common::IsOk());
    if (!response.ok()) return "";
    EXPECT_TRUE(response->outcome().has_forward());
    agw_->ClearLog();
    return response->session_id();
  }

  absl::Status Reject(const std::string& session_id) {
    ims::alg::v1::RejectOfferRequest request;
    request.set_session_id(session_id);
    return ResultOf<ims::alg::v1::RejectOfferResponse>(
               [&](auto done) { alg_->RejectOffer(request, Scope(), std::move(done)); })
        .status();
  }

  absl::StatusOr<ims::alg::v1::ReleaseSessionResponse> Release(const std::string& session_id) {
    ims::alg::v1::ReleaseSessionRequest request;
    request.set_session_id(session_id);
    return ResultOf<ims::alg::v1::ReleaseSessionResponse>(
        [&](auto done) { alg_->ReleaseSession(request, Scope(), std::move(done)); });
  }

  static std::string TwoStreams(std::string sdp) { return sdp + sdp.substr(sdp.find("m=message")); }

  const std::shared_ptr<Metrics> metrics_ = std::make_shared<Metrics>();
  const std::shared_ptr<ManualTimers> timers_ = std::make_shared<ManualTimers>();
  const std::shared_ptr<FakeMediaGateway> agw_ = std::make_shared<FakeMediaGateway>();
  const std::shared_ptr<FakeMediaGateway> other_agw_ = std::make_shared<FakeMediaGateway>();
  const std::shared_ptr<FakeGatewayDirectory> directory_;
  std::unique_ptr<SessionControl> alg_ = MakeReplica();
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_TESTING_SESSION_CONTROL_FIXTURE_H_
