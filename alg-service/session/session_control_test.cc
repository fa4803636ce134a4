#include "alg-service/session/session_control.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"
#include "alg-service/gateway/testing/fake_media_gateway.h"
#include "alg-service/offer_answer/testing/descriptions.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

namespace api = ims::alg::v1;
namespace iq = ims::iq::v1;
using common::ErrorReasonOf;
using common::IsOk;
using common::StatusIs;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// One replica or more, before one IMS-AGW or more.
class SessionControlTest : public testing::Test {
 protected:
  SessionControlTest() : directory_(std::make_shared<FakeGatewayDirectory>()) {
    directory_->Add({"agw-0", "run-1", false, 0, {}}, agw_);
  }

  std::unique_ptr<SessionControl> MakeReplica(SessionPolicy policy = {},
                                              size_t cache_capacity = 100) {
    return std::make_unique<SessionControl>(directory_, std::move(policy),
                                            std::make_shared<Metrics>(), cache_capacity);
  }

  static api::ProcessOfferRequest OfferRequest(const std::string& sdp = OfferText(),
                                               const std::string& request_id = "request-1") {
    api::ProcessOfferRequest request;
    request.set_request_id(request_id);
    request.set_direction(api::DIRECTION_TERMINATING);
    request.set_sdp(sdp);
    request.mutable_e2ae_support()->mutable_indications()->set_ue(true);
    request.mutable_e2ae_support()->mutable_indications()->set_p_cscf(true);
    request.mutable_dialogue()->set_call_id("call-1");
    return request;
  }

  static api::ProcessAnswerRequest AnswerRequest(const std::string& session_id,
                                                 const std::string& sdp = AnswerText()) {
    api::ProcessAnswerRequest request;
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

  static CallScope Scope() { return {absl::Now() + absl::Seconds(10), nullptr}; }

  absl::StatusOr<api::ProcessOfferResponse> Offer(const api::ProcessOfferRequest& request,
                                                  SessionControl* replica = nullptr) {
    return ResultOf<api::ProcessOfferResponse>([&](auto done) {
      (replica == nullptr ? *alg_ : *replica).ProcessOffer(request, Scope(), std::move(done));
    });
  }

  absl::StatusOr<api::ProcessAnswerResponse> Answer(const api::ProcessAnswerRequest& request,
                                                    SessionControl* replica = nullptr) {
    return ResultOf<api::ProcessAnswerResponse>([&](auto done) {
      (replica == nullptr ? *alg_ : *replica).ProcessAnswer(request, Scope(), std::move(done));
    });
  }

  // The id of a session that has been offered.
  std::string OfferedSessionId(const api::ProcessOfferRequest& request = OfferRequest()) {
    absl::StatusOr<api::ProcessOfferResponse> response = Offer(request);
    EXPECT_THAT(response, IsOk());
    if (!response.ok()) return "";
    EXPECT_TRUE(response->outcome().has_forward());
    agw_->ClearLog();
    return response->session_id();
  }

  absl::Status Reject(const std::string& session_id) {
    api::RejectOfferRequest request;
    request.set_session_id(session_id);
    return ResultOf<api::RejectOfferResponse>(
               [&](auto done) { alg_->RejectOffer(request, Scope(), std::move(done)); })
        .status();
  }

  absl::StatusOr<api::ReleaseSessionResponse> Release(const std::string& session_id) {
    api::ReleaseSessionRequest request;
    request.set_session_id(session_id);
    return ResultOf<api::ReleaseSessionResponse>(
        [&](auto done) { alg_->ReleaseSession(request, Scope(), std::move(done)); });
  }

  static std::string TwoStreams(std::string sdp) { return sdp + sdp.substr(sdp.find("m=message")); }

  const std::shared_ptr<FakeMediaGateway> agw_ = std::make_shared<FakeMediaGateway>();
  const std::shared_ptr<FakeMediaGateway> other_agw_ = std::make_shared<FakeMediaGateway>();
  const std::shared_ptr<FakeGatewayDirectory> directory_;
  std::unique_ptr<SessionControl> alg_ = MakeReplica();
};

TEST_F(SessionControlTest, R_ALG_03_ReservesBothSidesOfEachStreamAtOnce) {
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse response,
                       Offer(OfferRequest(TwoStreams(OfferText()))));
  EXPECT_THAT(agw_->log(), UnorderedElementsAre("Reserve 1 T1", "ReserveAndConfigure 1 T2",
                                                "Reserve 2 T1", "ReserveAndConfigure 2 T2"));
  EXPECT_EQ(agw_->termination_count(), 4u);
  ASSERT_EQ(response.media_size(), 2);
  EXPECT_EQ(response.media(1).handling(), api::MediaOutcome::HANDLING_E2AE);
  EXPECT_EQ(response.session_id(), absl::StrCat("agw-0~run-1~", agw_->only_context_id()));
}

TEST_F(SessionControlTest, R_ALG_02_OfferWithoutE2aeReservesNothing) {
  api::ProcessOfferRequest request = OfferRequest();
  request.clear_e2ae_support();
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse response, Offer(request));
  EXPECT_EQ(response.outcome().reject().sip_status(), 488u);
  EXPECT_EQ(response.outcome().reject().reason(), api::REJECT_REASON_E2AE_NOT_INDICATED);
  EXPECT_EQ(response.session_id(), "");
  EXPECT_THAT(agw_->log(), IsEmpty());
}

TEST_F(SessionControlTest, R_REG_01_ReadsTheHeadersOfTheRegistration) {
  api::ProcessOfferRequest request = OfferRequest();
  auto* headers = request.mutable_e2ae_support()->mutable_headers();
  headers->add_security_client("ipsec-3gpp; alg=hmac-sha-1-96, msrp-tls;mediasec");
  headers->add_security_server("msrp-tls;mediasec");
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse response, Offer(request));
  EXPECT_TRUE(response.outcome().has_forward());
  EXPECT_EQ(agw_->termination_count(), 2u);
}

TEST_F(SessionControlTest, MalformedSdpSaysWhere) {
  absl::StatusOr<api::ProcessOfferResponse> response = Offer(OfferRequest("v=0\r\nx"));
  EXPECT_THAT(response, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ErrorReasonOf(response.status()), "SDP_MALFORMED");
  EXPECT_EQ(common::ErrorMetadata(response.status(), "line"), "2");
}

TEST_F(SessionControlTest, ARepeatedOfferGetsTheSameAnswerAndReservesNothingTwice) {
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse first, Offer(OfferRequest()));
  std::unique_ptr<SessionControl> other = MakeReplica();
  for (SessionControl* replica : {alg_.get(), other.get()}) {
    ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse again, Offer(OfferRequest(), replica));
    EXPECT_EQ(again.SerializeAsString(), first.SerializeAsString());
  }
  EXPECT_EQ(agw_->context_count(), 1u);
  EXPECT_EQ(agw_->termination_count(), 2u);
}

TEST_F(SessionControlTest, ARequestIdWithOtherContentIsRefusedAndHurtsNobody) {
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse first, Offer(OfferRequest()));
  absl::StatusOr<api::ProcessOfferResponse> second = Offer(OfferRequest(TwoStreams(OfferText())));
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ErrorReasonOf(second.status()), "REQUEST_REUSED");
  EXPECT_EQ(agw_->termination_count(), 2u);
  EXPECT_THAT(Answer(AnswerRequest(first.session_id())), IsOk());
}

TEST_F(SessionControlTest, AfterALostReplyNothingStaysAndTheRepetitionWorks) {
  agw_->LoseNextAnswer("ReserveConnectionPoint");
  absl::StatusOr<api::ProcessOfferResponse> lost = Offer(OfferRequest());
  EXPECT_THAT(lost, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ErrorReasonOf(lost.status()), "NO_GATEWAY");
  EXPECT_EQ(agw_->context_count(), 0u);

  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse again, Offer(OfferRequest()));
  EXPECT_TRUE(again.outcome().has_forward());
  EXPECT_EQ(agw_->termination_count(), 2u);
}

TEST_F(SessionControlTest, AFailedReservationLeavesNothing) {
  struct Row {
    iq::Side side;
    absl::Status failure;
    absl::StatusCode code;
    std::string reason;
  };
  const std::vector<Row> rows = {
      {iq::SIDE_ACCESS,
       IqError(absl::StatusCode::kResourceExhausted, iq::ERROR_REASON_NO_FREE_PORT),
       absl::StatusCode::kResourceExhausted, "GATEWAY_FULL"},
      {iq::SIDE_CORE, IqError(absl::StatusCode::kResourceExhausted, iq::ERROR_REASON_CONTEXT_LIMIT),
       absl::StatusCode::kResourceExhausted, "GATEWAY_FULL"},
      {iq::SIDE_CORE, IqError(absl::StatusCode::kNotFound, iq::ERROR_REASON_REALM_UNKNOWN),
       absl::StatusCode::kInternal, "GATEWAY_REFUSED"},
      {iq::SIDE_ACCESS, IqError(absl::StatusCode::kUnavailable, iq::ERROR_REASON_DRAINING),
       absl::StatusCode::kUnavailable, "NO_GATEWAY"},
      {iq::SIDE_CORE, absl::DeadlineExceededError("late"), absl::StatusCode::kDeadlineExceeded,
       "NO_GATEWAY"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.failure.ToString());
    agw_->FailNextOn(row.side == iq::SIDE_ACCESS ? "ReserveConnectionPoint"
                                                 : "ReserveAndConfigureConnectionPoint",
                     row.side, row.failure);
    absl::StatusOr<api::ProcessOfferResponse> response =
        Offer(OfferRequest(TwoStreams(OfferText())));
    EXPECT_THAT(response, StatusIs(row.code));
    EXPECT_EQ(ErrorReasonOf(response.status()), row.reason);
    EXPECT_EQ(agw_->context_count(), 0u);
  }
}

TEST_F(SessionControlTest, TheReleaseAfterAFailureIsRepeated) {
  agw_->FailNextOn("ReserveAndConfigureConnectionPoint", iq::SIDE_CORE,
                   IqError(absl::StatusCode::kResourceExhausted, iq::ERROR_REASON_NO_FREE_PORT));
  agw_->FailNext("ReleaseTermination", absl::UnavailableError("connection reset"));
  agw_->FailNext("ReleaseTermination", absl::DeadlineExceededError("late"));
  EXPECT_FALSE(Offer(OfferRequest()).ok());
  EXPECT_EQ(agw_->context_count(), 0u);
}

TEST_F(SessionControlTest, AnOfferWhoseCallerHasGoneLeavesNothing) {
  agw_->Hold("ReserveAndConfigureConnectionPoint");
  const CallScope scope{absl::Now() + absl::Seconds(10), std::make_shared<Cancellation>()};
  absl::optional<absl::Status> status;
  alg_->ProcessOffer(OfferRequest(), scope,
                     [&status](const auto& response) { status = response.status(); });
  EXPECT_FALSE(status.has_value());
  EXPECT_EQ(agw_->termination_count(), 1u);
  scope.cancellation->Cancel();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(agw_->context_count(), 0u);
}

TEST_F(SessionControlTest, AnOfferAnsweredAfterItsDeadlineLeavesNothing) {
  const CallScope scope{absl::Now() - absl::Seconds(1), nullptr};
  absl::optional<absl::Status> status;
  alg_->ProcessOffer(OfferRequest(), scope,
                     [&status](const auto& response) { status = response.status(); });
  ASSERT_TRUE(status.has_value());
  EXPECT_FALSE(status->ok());
  EXPECT_EQ(agw_->context_count(), 0u);
}

TEST_F(SessionControlTest, AnAddressTheGatewayForbidsRejectsTheOffer) {
  agw_->FailNextOn(
      "ReserveAndConfigureConnectionPoint", iq::SIDE_CORE,
      IqError(absl::StatusCode::kInvalidArgument, iq::ERROR_REASON_REMOTE_ADDRESS_FORBIDDEN));
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse response, Offer(OfferRequest()));
  EXPECT_EQ(response.outcome().reject().reason(), api::REJECT_REASON_REMOTE_ADDRESS_FORBIDDEN);
  EXPECT_EQ(agw_->context_count(), 0u);
}

TEST_F(SessionControlTest, AFullGatewayIsPassedOver) {
  directory_->Add({"agw-1", "run-1", false, 0.5, {}}, other_agw_);
  agw_->FailNext("ReserveConnectionPoint",
                 IqError(absl::StatusCode::kResourceExhausted, iq::ERROR_REASON_CONTEXT_LIMIT));
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse response, Offer(OfferRequest()));
  EXPECT_THAT(response.session_id(), testing::StartsWith("agw-1~"));
  EXPECT_EQ(agw_->context_count(), 0u);
  EXPECT_EQ(other_agw_->termination_count(), 2u);
}

TEST_F(SessionControlTest, AGatewayThatDoesNotAnswerLeavesTimeForAnother) {
  directory_->Add({"agw-1", "run-1", false, 0.5, {}}, other_agw_);
  agw_->Hold("ReserveConnectionPoint");
  absl::optional<absl::StatusOr<api::ProcessOfferResponse>> result;
  alg_->ProcessOffer(OfferRequest(), Scope(), [&result](auto response) { result = response; });
  EXPECT_EQ(agw_->held_count(), 1u);
  agw_->EndHeld(absl::DeadlineExceededError("late"));
  ASSERT_TRUE(result.has_value());
  EXPECT_THAT(*result, IsOk());
  EXPECT_EQ(agw_->context_count(), 0u);
  EXPECT_EQ(other_agw_->termination_count(), 2u);
}

TEST_F(SessionControlTest, ADrainingGatewayGetsNoNewSession) {
  directory_->Clear();
  directory_->Add({"agw-0", "run-1", true, 0, {}}, agw_);
  absl::StatusOr<api::ProcessOfferResponse> response = Offer(OfferRequest());
  EXPECT_THAT(response, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ErrorReasonOf(response.status()), "NO_GATEWAY");

  directory_->Add({"agw-1", "run-1", false, 0.9, {}}, other_agw_);
  EXPECT_THAT(Offer(OfferRequest()), IsOk());
  EXPECT_EQ(other_agw_->context_count(), 1u);
  EXPECT_EQ(agw_->context_count(), 0u);
}

TEST_F(SessionControlTest, WithoutAGatewayWhatIsNotOursStillPasses) {
  directory_->Clear();
  const std::string audio = OfferText({{"m=message 7654 TCP/MSRP *", "m=audio 7654 RTP/AVP 0"}});
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse response, Offer(OfferRequest(audio)));
  EXPECT_EQ(response.outcome().forward().sdp(), audio);
  EXPECT_EQ(response.session_id(), "");
}

TEST_F(SessionControlTest, AnAnswerWithoutAuditWhereTheOfferWasHandled) {
  const std::string session_id = OfferedSessionId();
  ASSERT_OK_AND_ASSIGN(api::ProcessAnswerResponse response, Answer(AnswerRequest(session_id)));
  EXPECT_TRUE(response.outcome().has_forward());
  EXPECT_FALSE(response.session_ended());
  EXPECT_THAT(agw_->log(), ElementsAre("Configure 1 T1"));
}

TEST_F(SessionControlTest, AnotherReplicaTakesTheAnswerAfterOneAudit) {
  const std::string session_id = OfferedSessionId();
  std::unique_ptr<SessionControl> other = MakeReplica();
  ASSERT_OK_AND_ASSIGN(api::ProcessAnswerResponse response,
                       Answer(AnswerRequest(session_id), other.get()));
  EXPECT_THAT(agw_->log(), ElementsAre("Audit", "Configure 1 T1"));

  ASSERT_OK_AND_ASSIGN(api::ProcessAnswerResponse again, Answer(AnswerRequest(session_id)));
  EXPECT_EQ(again.SerializeAsString(), response.SerializeAsString());
}

TEST_F(SessionControlTest, TheSameAnswerAgainChangesNothing) {
  const std::string session_id = OfferedSessionId();
  ASSERT_OK_AND_ASSIGN(api::ProcessAnswerResponse first, Answer(AnswerRequest(session_id)));
  agw_->ClearLog();
  api::ProcessAnswerRequest repeated = AnswerRequest(session_id);
  repeated.set_request_id("answer-200");
  ASSERT_OK_AND_ASSIGN(api::ProcessAnswerResponse second, Answer(repeated));
  EXPECT_EQ(second.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(agw_->log(), IsEmpty());

  std::unique_ptr<SessionControl> other = MakeReplica();
  ASSERT_OK_AND_ASSIGN(api::ProcessAnswerResponse third, Answer(repeated, other.get()));
  EXPECT_EQ(third.SerializeAsString(), first.SerializeAsString());
  EXPECT_THAT(agw_->log(), ElementsAre("Audit"));
}

TEST_F(SessionControlTest, AnotherAnswerIsRefusedByEveryReplica) {
  const std::string session_id = OfferedSessionId();
  std::unique_ptr<SessionControl> stale = MakeReplica();
  EXPECT_THAT(Offer(OfferRequest(), stale.get()), IsOk());  // Its cache: offered.
  ASSERT_THAT(Answer(AnswerRequest(session_id)), IsOk());
  std::unique_ptr<SessionControl> fresh = MakeReplica();

  const std::string other_answer = AnswerText({{"2855 TCP/TLS/MSRP", "2856 TCP/TLS/MSRP"}});
  for (SessionControl* replica : {alg_.get(), stale.get(), fresh.get()}) {
    absl::StatusOr<api::ProcessAnswerResponse> response =
        Answer(AnswerRequest(session_id, other_answer), replica);
    EXPECT_THAT(response, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_EQ(ErrorReasonOf(response.status()), "ALREADY_ANSWERED");
  }
  EXPECT_EQ(agw_->termination_count(), 2u);
}

TEST_F(SessionControlTest, TwoConflictsInARowAreLeftToTheCaller) {
  const std::string session_id = OfferedSessionId();
  for (int i = 0; i < 2; ++i) {
    agw_->FailNext("ConfigureConnectionPoint",
                   IqError(absl::StatusCode::kAborted, iq::ERROR_REASON_REVISION_CONFLICT));
  }
  absl::StatusOr<api::ProcessAnswerResponse> response = Answer(AnswerRequest(session_id));
  EXPECT_THAT(response, StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(ErrorReasonOf(response.status()), "SESSION_CHANGED");
  EXPECT_THAT(agw_->log(), ElementsAre("Configure 1 T1", "Audit", "Configure 1 T1"));
  EXPECT_EQ(agw_->termination_count(), 2u);
}

TEST_F(SessionControlTest, ARepetitionAfterALostConfigureDoesWhatIsMissing) {
  alg_ = MakeReplica({.core_connect = api::CORE_CONNECT_ALG_ORDERED});
  const std::string session_id = OfferedSessionId();
  agw_->FailNextOn("ConfigureConnectionPoint", iq::SIDE_CORE,
                   absl::UnavailableError("connection reset"));
  EXPECT_THAT(Answer(AnswerRequest(session_id)), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(agw_->termination_count(), 2u);
  agw_->ClearLog();

  EXPECT_THAT(Answer(AnswerRequest(session_id)), IsOk());
  EXPECT_THAT(agw_->log(), ElementsAre("Audit", "Configure 1 T2"));
}

TEST_F(SessionControlTest, ALostConfigureIsNotDoneTwice) {
  const std::string session_id = OfferedSessionId();
  agw_->LoseNextAnswer("ConfigureConnectionPoint");
  EXPECT_THAT(Answer(AnswerRequest(session_id)), StatusIs(absl::StatusCode::kUnavailable));
  agw_->ClearLog();
  EXPECT_THAT(Answer(AnswerRequest(session_id)), IsOk());
  EXPECT_THAT(agw_->log(), ElementsAre("Audit"));
}

TEST_F(SessionControlTest, AConfigureThatIsRefusedEndsTheSession) {
  const std::string session_id = OfferedSessionId();
  agw_->FailNext("ConfigureConnectionPoint",
                 IqError(absl::StatusCode::kInvalidArgument, iq::ERROR_REASON_ROLE_UNSUPPORTED));
  absl::StatusOr<api::ProcessAnswerResponse> response = Answer(AnswerRequest(session_id));
  EXPECT_THAT(response, StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(ErrorReasonOf(response.status()), "GATEWAY_REFUSED");
  EXPECT_EQ(agw_->context_count(), 0u);
}

TEST_F(SessionControlTest, AnAnswerTheGatewayForbidsLosesOnlyThatStream) {
  const std::string session_id = OfferedSessionId(OfferRequest(TwoStreams(OfferText())));
  agw_->FailNext("ConfigureConnectionPoint", IqError(absl::StatusCode::kInvalidArgument,
                                                     iq::ERROR_REASON_REMOTE_ADDRESS_FORBIDDEN));
  ASSERT_OK_AND_ASSIGN(api::ProcessAnswerResponse response,
                       Answer(AnswerRequest(session_id, TwoStreams(AnswerText()))));
  EXPECT_EQ(response.media(0).handling(), api::MediaOutcome::HANDLING_REJECTED);
  EXPECT_EQ(response.media(0).reason(), api::REJECT_REASON_REMOTE_ADDRESS_FORBIDDEN);
  EXPECT_EQ(response.media(1).handling(), api::MediaOutcome::HANDLING_E2AE);
  EXPECT_FALSE(response.session_ended());
  EXPECT_EQ(agw_->termination_count(), 2u);
  // The record goes with the first Configure that is done.
  EXPECT_THAT(agw_->log(), ElementsAre("Configure 1 T1", "Configure 2 T1", "Release 1"));
  EXPECT_TRUE(agw_->configures()[1].has_controller_state());
}

TEST_F(SessionControlTest, R_ALG_61_AStreamTheUeDeclinesIsReleased) {
  const std::string session_id = OfferedSessionId(OfferRequest(TwoStreams(OfferText())));
  std::string answer = TwoStreams(AnswerText());
  answer.replace(answer.rfind("m=message 2855"), 14, "m=message 0");
  ASSERT_OK_AND_ASSIGN(api::ProcessAnswerResponse response,
                       Answer(AnswerRequest(session_id, answer)));
  EXPECT_EQ(response.media(1).handling(), api::MediaOutcome::HANDLING_DECLINED);
  EXPECT_THAT(agw_->log(), ElementsAre("Configure 1 T1", "Release 2"));
  EXPECT_EQ(agw_->termination_count(), 2u);
}

TEST_F(SessionControlTest, AnAnswerThatDoesNotFitTheOfferEndsTheSession) {
  const std::string session_id = OfferedSessionId(OfferRequest(TwoStreams(OfferText())));
  ASSERT_OK_AND_ASSIGN(api::ProcessAnswerResponse response, Answer(AnswerRequest(session_id)));
  EXPECT_EQ(response.outcome().reject().reason(), api::REJECT_REASON_MEDIA_MISMATCH);
  EXPECT_TRUE(response.session_ended());
  EXPECT_EQ(agw_->context_count(), 0u);
}

TEST_F(SessionControlTest, TheSignallingAddressStandsInForTheUe) {
  const std::string session_id = OfferedSessionId();
  api::ProcessAnswerRequest request = AnswerRequest(session_id);
  request.set_ue_signalling_address("192.0.2.77");
  ASSERT_THAT(Answer(request), IsOk());
  const iq::ConfigureConnectionPointRequest configure = agw_->configures()[0];
  EXPECT_EQ(configure.bearer_control().syn_policy().accept_from().sources(0).ip_address(),
            "192.0.2.77");
}

TEST_F(SessionControlTest, DP_15_ASessionOfALostGatewayIsGone) {
  const std::string session_id = OfferedSessionId();
  directory_->Clear();
  directory_->Add({"agw-0", "run-2", false, 0, {}}, agw_);
  absl::StatusOr<api::ProcessAnswerResponse> response = Answer(AnswerRequest(session_id));
  EXPECT_THAT(response, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(ErrorReasonOf(response.status()), "GATEWAY_LOST");
  EXPECT_THAT(Release(session_id), IsOk());
  EXPECT_THAT(Reject(session_id), IsOk());
}

TEST_F(SessionControlTest, AnAnswerToAReleasedSessionIsNotFound) {
  const std::string session_id = OfferedSessionId();
  std::unique_ptr<SessionControl> stale = MakeReplica();
  EXPECT_THAT(Offer(OfferRequest(), stale.get()), IsOk());
  EXPECT_THAT(Release(session_id), IsOk());
  for (SessionControl* replica : {alg_.get(), stale.get()}) {
    absl::StatusOr<api::ProcessAnswerResponse> response =
        Answer(AnswerRequest(session_id), replica);
    EXPECT_THAT(response, StatusIs(absl::StatusCode::kNotFound));
    EXPECT_EQ(ErrorReasonOf(response.status()), "SESSION_UNKNOWN");
  }
}

TEST_F(SessionControlTest, ARejectedOfferLeavesNothingAndMayBeRejectedAgain) {
  const std::string session_id = OfferedSessionId();
  EXPECT_THAT(Reject(session_id), IsOk());
  EXPECT_EQ(agw_->context_count(), 0u);
  EXPECT_THAT(Reject(session_id), IsOk());
}

TEST_F(SessionControlTest, AnAnsweredOfferCannotBeRejected) {
  const std::string session_id = OfferedSessionId();
  ASSERT_THAT(Answer(AnswerRequest(session_id)), IsOk());
  const absl::Status status = Reject(session_id);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ErrorReasonOf(status), "NOT_OFFERED");
  EXPECT_EQ(agw_->termination_count(), 2u);
}

TEST_F(SessionControlTest, R_ALG_60_AReleaseReturnsCountsAndMayBeRepeated) {
  const std::string session_id = OfferedSessionId();
  ASSERT_OK_AND_ASSIGN(api::ReleaseSessionResponse response, Release(session_id));
  ASSERT_EQ(response.streams_size(), 1);
  EXPECT_EQ(response.streams(0).media_index(), 1u);
  EXPECT_EQ(response.streams(0).access().received_byte_count(), 11u);
  EXPECT_EQ(response.streams(0).core().received_byte_count(), 22u);
  EXPECT_EQ(agw_->context_count(), 0u);

  ASSERT_OK_AND_ASSIGN(response, Release(session_id));
  EXPECT_EQ(response.streams_size(), 0);
}

TEST_F(SessionControlTest, ASessionIsShownAsItsGatewaySeesIt) {
  const std::string session_id = OfferedSessionId();
  ASSERT_THAT(Answer(AnswerRequest(session_id)), IsOk());
  api::GetSessionRequest request;
  request.set_session_id(session_id);
  ASSERT_OK_AND_ASSIGN(api::GetSessionResponse response,
                       ResultOf<api::GetSessionResponse>([&](auto done) {
                         alg_->GetSession(request, Scope(), std::move(done));
                       }));
  const api::Session& session = response.session();
  EXPECT_EQ(session.session_id(), session_id);
  EXPECT_EQ(session.state(), api::SESSION_STATE_ANSWERED);
  EXPECT_EQ(session.dialogue().call_id(), "call-1");
  EXPECT_EQ(session.gateway_instance_id(), "agw-0");
  ASSERT_EQ(session.streams_size(), 1);
  EXPECT_EQ(session.streams(0).access().local_address(), "192.0.2.10:40002");
  EXPECT_EQ(session.streams(0).core().remote_address(), "198.51.100.20:7654");
  EXPECT_EQ(session.streams(0).core().state(), api::BEARER_STATE_IDLE);
}

TEST_F(SessionControlTest, MalformedSessionIdsAreRefused) {
  for (const char* id : {"", "x", "a~b", "a~b~c~d", "a~~c", "a~b~\n", "a b~c~d"}) {
    const absl::Status status = Reject(id);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << id;
    EXPECT_EQ(common::ErrorMetadata(status, "field"), "session_id");
  }
}

TEST_F(SessionControlTest, AnOfferTooLargeForARecordIsRefused) {
  std::string offer = OfferText();
  for (int i = 0; i < 4; ++i) offer += absl::StrCat("a=x:", std::string(4000, 'x'), "\r\n");
  absl::StatusOr<api::ProcessOfferResponse> response = Offer(OfferRequest(offer));
  EXPECT_EQ(ErrorReasonOf(response.status()), "SDP_TOO_LARGE");
  EXPECT_EQ(agw_->context_count(), 0u);
}

}  // namespace
}  // namespace alg
