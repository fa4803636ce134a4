#include "alg-service/session/offer_procedure.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "alg-service/session/testing/session_control_fixture.h"
#include "common/error.h"

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

TEST_F(SessionControlTest, WhatIsBrokenButNoneOfOurBusinessGoesOnAndIsCounted) {
  const std::string sdp =
      "v=0\r\no=- 1 1 IN IP4 198.51.100.20\r\ns=\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\na=x\r\n"
      "c=IN IP4 198.51.100.20\r\n";
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse response, Offer(OfferRequest(sdp)));
  EXPECT_EQ(response.outcome().forward().sdp(), sdp);
  EXPECT_THAT(CountedDeviations(), ElementsAre("line_order", "session_name"));
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
  const CallScope scope{common::MonotonicTime::Now() + absl::Seconds(10),
                        std::make_shared<Cancellation>()};
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
  const CallScope scope{common::MonotonicTime::Now() - absl::Seconds(1), nullptr};
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

// The first of two IMS-AGWs takes the requests of an offer and does not answer.
class HangingGatewayTest : public SessionControlTest {
 protected:
  HangingGatewayTest() {
    directory_->Add({"agw-1", "run-1", false, 0.5, {}}, other_agw_);
    agw_->Hold("ReserveConnectionPoint");
    agw_->Hold("ReserveAndConfigureConnectionPoint");
  }

  void Offer() {
    alg_->ProcessOffer(OfferRequest(), Scope(), [this](auto response) { response_ = response; });
  }

  absl::optional<absl::StatusOr<api::ProcessOfferResponse>> response_;
};

TEST_F(HangingGatewayTest, CostsAnOfferTheAttemptTimeoutAndNoMore) {
  Offer();
  timers_->Advance(absl::Milliseconds(199));
  EXPECT_FALSE(response_.has_value());
  timers_->Advance(absl::Milliseconds(1));
  ASSERT_TRUE(response_.has_value());
  ASSERT_THAT(*response_, IsOk());
  EXPECT_THAT((*response_)->session_id(), testing::StartsWith("agw-1~"));
  EXPECT_EQ(agw_->held_count(), 2u);
}

TEST_F(HangingGatewayTest, IsReleasedHoweverLateItReservesAfterAll) {
  Offer();
  timers_->Advance(absl::Minutes(10));
  ASSERT_TRUE(response_.has_value());
  agw_->DoHeld();
  EXPECT_EQ(agw_->context_count(), 0u);
  EXPECT_EQ(other_agw_->termination_count(), 2u);
}

TEST_F(HangingGatewayTest, IsReleasedIfItDoesWhatItsClientHasGivenUp) {
  Offer();
  timers_->Advance(absl::Milliseconds(200));
  agw_->EndHeld(absl::DeadlineExceededError("late"));
  EXPECT_THAT(agw_->log(), testing::Contains("Audit"));
  // It had received the request, and reads it only now.
  EXPECT_THAT(ResultOf<iq::ReserveConnectionPointResponse>([this](auto done) {
                agw_->ReserveConnectionPoint(agw_->reserves()[0], Scope(), std::move(done));
              }),
              IsOk());
  EXPECT_EQ(agw_->context_count(), 1u);
  timers_->Advance(absl::Seconds(1));
  EXPECT_EQ(agw_->context_count(), 0u);
  timers_->Advance(absl::Seconds(2));
  EXPECT_EQ(timers_->waiting_count(), 0u);
}

TEST_F(HangingGatewayTest, IsAskedAgainUntilItAnswersOrIsLost) {
  Offer();
  timers_->Advance(absl::Milliseconds(200));
  for (int i = 0; i < 5; ++i) agw_->FailNext("AuditContext", absl::UnavailableError("refused"));
  agw_->EndHeld(absl::UnavailableError("connection reset"));
  timers_->Advance(absl::Seconds(20));
  EXPECT_GT(timers_->waiting_count(), 0u);
  directory_->Clear();
  timers_->Advance(absl::Minutes(1));
  EXPECT_EQ(timers_->waiting_count(), 0u);
}

TEST_F(HangingGatewayTest, IsWaitedForIfNobodyElseHasRoom) {
  other_agw_->FailNext("ReserveConnectionPoint", IqError(absl::StatusCode::kResourceExhausted,
                                                         iq::ERROR_REASON_NO_FREE_PORT));
  Offer();
  timers_->Advance(absl::Milliseconds(200));
  EXPECT_FALSE(response_.has_value());
  agw_->DoHeld();
  ASSERT_TRUE(response_.has_value());
  ASSERT_THAT(*response_, IsOk());
  EXPECT_THAT((*response_)->session_id(), testing::StartsWith("agw-0~"));
  EXPECT_EQ(agw_->termination_count(), 2u);
  EXPECT_EQ(other_agw_->context_count(), 0u);
}

TEST_F(HangingGatewayTest, HoldsUpNobodyWhoIsOnlySlow) {
  auto slow = std::make_shared<FakeMediaGateway>();
  auto full = std::make_shared<FakeMediaGateway>();
  slow->Hold("ReserveConnectionPoint");
  full->FailNext("ReserveConnectionPoint",
                 IqError(absl::StatusCode::kResourceExhausted, iq::ERROR_REASON_NO_FREE_PORT));
  directory_->Clear();
  directory_->Add({"agw-0", "run-1", false, 0, {}}, agw_);
  directory_->Add({"agw-slow", "run-1", false, 0, {}}, slow);
  directory_->Add({"agw-full", "run-1", false, 0, {}}, full);
  Offer();
  timers_->Advance(absl::Milliseconds(1000));
  EXPECT_FALSE(response_.has_value());
  slow->DoHeld();
  ASSERT_TRUE(response_.has_value());
  ASSERT_THAT(*response_, IsOk());
  EXPECT_THAT((*response_)->session_id(), testing::StartsWith("agw-slow~"));
  agw_->DoHeld();
  EXPECT_EQ(agw_->context_count(), 0u);
  EXPECT_EQ(full->context_count(), 0u);
  EXPECT_EQ(slow->termination_count(), 2u);
}

TEST_F(HangingGatewayTest, HoldsUpNoRefusalThatEveryGatewayWouldGive) {
  other_agw_->FailNext(
      "ReserveConnectionPoint",
      IqError(absl::StatusCode::kInvalidArgument, iq::ERROR_REASON_REMOTE_ADDRESS_FORBIDDEN));
  Offer();
  timers_->Advance(absl::Milliseconds(200));
  ASSERT_TRUE(response_.has_value());
  ASSERT_THAT(*response_, IsOk());
  EXPECT_EQ((*response_)->outcome().reject().reason(), api::REJECT_REASON_REMOTE_ADDRESS_FORBIDDEN);
  agw_->DoHeld();
  EXPECT_EQ(agw_->context_count(), 0u);
}

TEST_F(HangingGatewayTest, SaysLessThanOneThatIsFull) {
  other_agw_->FailNext("ReserveConnectionPoint", IqError(absl::StatusCode::kResourceExhausted,
                                                         iq::ERROR_REASON_NO_FREE_PORT));
  Offer();
  timers_->Advance(absl::Milliseconds(200));
  agw_->EndHeld(absl::UnavailableError("connection reset"));
  ASSERT_TRUE(response_.has_value());
  EXPECT_EQ(ErrorReasonOf(response_->status()), "GATEWAY_FULL");
  timers_->Advance(absl::Minutes(1));
}

TEST_F(HangingGatewayTest, OneOfManyThatHangIsPassedOverHoweverManyTheyAre) {
  std::vector<std::shared_ptr<FakeMediaGateway>> hanging;
  directory_->Clear();
  for (int i = 0; i < 6; ++i) {
    hanging.push_back(std::make_shared<FakeMediaGateway>());
    hanging.back()->Hold("ReserveConnectionPoint");
    directory_->Add({absl::StrCat("agw-hanging-", i), "run-1", false, 0, {}}, hanging.back());
  }
  directory_->Add({"agw-1", "run-1", false, 0.5, {}}, other_agw_);
  Offer();
  for (int i = 0; i < 6; ++i) timers_->Advance(absl::Milliseconds(200));
  ASSERT_TRUE(response_.has_value());
  ASSERT_THAT(*response_, IsOk());
  EXPECT_THAT((*response_)->session_id(), testing::StartsWith("agw-1~"));
  for (const auto& agw : hanging) {
    agw->DoHeld();
    EXPECT_EQ(agw->context_count(), 0u);
  }
}

TEST_F(SessionControlTest, ARepetitionThatFailsHalfWayHurtsNoEarlierRun) {
  const std::string session_id = OfferedSessionId();
  std::unique_ptr<SessionControl> other = MakeReplica();
  for (const iq::Side side : {iq::SIDE_ACCESS, iq::SIDE_CORE}) {
    agw_->FailNextOn(
        side == iq::SIDE_ACCESS ? "ReserveConnectionPoint" : "ReserveAndConfigureConnectionPoint",
        side, absl::UnavailableError("connection reset"));
    Offer(OfferRequest(), other.get()).IgnoreError();
    timers_->Advance(absl::Minutes(1));
    EXPECT_EQ(agw_->termination_count(), 2u);
  }
  EXPECT_THAT(Answer(AnswerRequest(session_id)), IsOk());
}

TEST_F(SessionControlTest, ARunThatFailsDoesNotReleaseWhatItsRepetitionHasTakenOver) {
  agw_->Hold("ReleaseTermination");
  const CallScope expired{common::MonotonicTime::Now() - absl::Seconds(1), nullptr};
  absl::optional<absl::Status> first;
  alg_->ProcessOffer(OfferRequest(), expired,
                     [&first](const auto& response) { first = response.status(); });
  ASSERT_EQ(agw_->held_count(), 1u);

  std::unique_ptr<SessionControl> other = MakeReplica();
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse second, Offer(OfferRequest(), other.get()));
  agw_->DoHeld();
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(first->ok());
  EXPECT_EQ(agw_->termination_count(), 2u);
  EXPECT_THAT(Answer(AnswerRequest(second.session_id()), other.get()), IsOk());
}

TEST_F(SessionControlTest, WhatIsGoneBeforeItIsTakenOverIsToBeAskedForAgain) {
  const std::string session_id = OfferedSessionId();
  std::unique_ptr<SessionControl> other = MakeReplica();
  agw_->FailNext("ConfigureConnectionPoint",
                 IqError(absl::StatusCode::kNotFound, iq::ERROR_REASON_CONTEXT_UNKNOWN));
  const absl::Status status = Offer(OfferRequest(), other.get()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ErrorReasonOf(status), "SESSION_CHANGED");
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

TEST_F(SessionControlTest, AnOfferTooLargeForARecordIsRefused) {
  std::string offer = OfferText();
  for (int i = 0; i < 4; ++i) offer += absl::StrCat("a=x:", std::string(4000, 'x'), "\r\n");
  absl::StatusOr<api::ProcessOfferResponse> response = Offer(OfferRequest(offer));
  EXPECT_EQ(ErrorReasonOf(response.status()), "SDP_TOO_LARGE");
  EXPECT_EQ(agw_->context_count(), 0u);
}

}  // namespace
}  // namespace alg
