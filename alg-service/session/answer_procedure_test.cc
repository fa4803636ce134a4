#include "alg-service/session/answer_procedure.h"

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

TEST_F(SessionControlTest, AStaleReplicaDoesNotEndASessionThatAnotherHasAnswered) {
  const std::string session_id = OfferedSessionId();
  std::unique_ptr<SessionControl> stale = MakeReplica();
  EXPECT_THAT(Offer(OfferRequest(), stale.get()), IsOk());  // Its cache: offered.
  ASSERT_THAT(Answer(AnswerRequest(session_id)), IsOk());

  std::string declined = AnswerText();
  declined.replace(declined.rfind("m=message 2855"), 14, "m=message 0");
  for (const std::string& answer : {TwoStreams(AnswerText()), declined}) {
    absl::StatusOr<api::ProcessAnswerResponse> response =
        Answer(AnswerRequest(session_id, answer), stale.get());
    EXPECT_THAT(response, StatusIs(absl::StatusCode::kFailedPrecondition));
    EXPECT_EQ(ErrorReasonOf(response.status()), "ALREADY_ANSWERED");
    EXPECT_EQ(agw_->termination_count(), 2u);
    EXPECT_THAT(Offer(OfferRequest(), stale.get()), IsOk());
  }
}

TEST_F(SessionControlTest, AnAnswerWhoseReleaseIsNotKnownIsToBeRepeated) {
  const std::string session_id = OfferedSessionId(OfferRequest(TwoStreams(OfferText())));
  std::string answer = TwoStreams(AnswerText());
  answer.replace(answer.rfind("m=message 2855"), 14, "m=message 0");
  for (int i = 0; i < 3; ++i) {
    agw_->FailNext("ReleaseTermination", absl::UnavailableError("connection reset"));
  }
  EXPECT_THAT(Answer(AnswerRequest(session_id, answer)), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(agw_->termination_count(), 4u);
  std::unique_ptr<SessionControl> other = MakeReplica();
  EXPECT_THAT(Answer(AnswerRequest(session_id, answer), other.get()), IsOk());
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

}  // namespace
}  // namespace alg
