#include "alg-service/session/session_control.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "alg-service/session/testing/session_control_fixture.h"
#include "common/error.h"
#include "ims/alg/v1/session_record.pb.h"

namespace alg {
namespace {

namespace api = ims::alg::v1;
namespace iq = ims::iq::v1;
using common::ErrorReasonOf;
using common::IsOk;
using common::StatusIs;

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

TEST_F(SessionControlTest, AnOfferThatIsAnsweredWhileItIsRejectedStays) {
  const std::string session_id = OfferedSessionId();
  agw_->Hold("ReleaseTermination");
  api::RejectOfferRequest request;
  request.set_session_id(session_id);
  absl::optional<absl::Status> rejected;
  alg_->RejectOffer(request, Scope(), [&](const auto& response) { rejected = response.status(); });
  ASSERT_EQ(agw_->held_count(), 1u);
  ASSERT_THAT(Answer(AnswerRequest(session_id), MakeReplica().get()), IsOk());
  agw_->DoHeld();
  ASSERT_TRUE(rejected.has_value());
  EXPECT_EQ(ErrorReasonOf(*rejected), "NOT_OFFERED");
  EXPECT_EQ(agw_->termination_count(), 2u);
}

TEST_F(SessionControlTest, AReleaseThatMayNotHaveReachedTheGatewayIsNoSuccess) {
  const std::string session_id = OfferedSessionId();
  for (const absl::Status& failure :
       {absl::UnavailableError("refused"), absl::DeadlineExceededError("late")}) {
    for (int i = 0; i < 3; ++i) agw_->FailNext("ReleaseTermination", failure);
    const absl::Status status = Release(session_id).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ErrorReasonOf(status), "NO_GATEWAY");
    EXPECT_EQ(agw_->termination_count(), 2u);
  }
  EXPECT_THAT(Release(session_id), IsOk());
  EXPECT_EQ(agw_->context_count(), 0u);
}

TEST_F(SessionControlTest, AReleaseTellsAGatewayThatIsLostFromOneThatIsSilent) {
  const std::string session_id = OfferedSessionId();
  directory_->Clear();
  directory_->set_missing(absl::UnavailableError("silent"));
  EXPECT_EQ(Release(session_id).status().code(), absl::StatusCode::kUnavailable);
  directory_->set_missing(absl::NotFoundError("lost"));
  EXPECT_THAT(Release(session_id), IsOk());
}

TEST_F(SessionControlTest, ALaterOfferIsRefusedAndItsSessionLeftAsItWas) {
  const std::string session_id = OfferedSessionId();
  ASSERT_THAT(Answer(AnswerRequest(session_id)), IsOk());
  api::ProcessOfferRequest reoffer = OfferRequest(OfferText(), "request-2");
  reoffer.set_session_id(session_id);
  const absl::Status refused = Offer(reoffer).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ErrorReasonOf(refused), "REOFFER_UNSUPPORTED");
  EXPECT_EQ(common::ErrorMetadata(refused, "sip_status"), "488");
  EXPECT_EQ(agw_->termination_count(), 2u);

  ASSERT_THAT(Release(session_id), IsOk());
  EXPECT_EQ(ErrorReasonOf(Offer(reoffer).status()), "SESSION_UNKNOWN");
}

TEST_F(SessionControlTest, ASessionOfANewerVersionIsLeftToOthersButCanBeReleased) {
  const std::string session_id = OfferedSessionId();
  api::SessionRecord record;
  record.set_format_version(99);
  iq::ConfigureConnectionPointRequest upgrade;
  upgrade.mutable_termination()->set_context_id(agw_->only_context_id());
  upgrade.mutable_termination()->set_stream_id(1);
  upgrade.mutable_termination()->set_side(iq::SIDE_CORE);
  upgrade.mutable_controller_state()->set_data(record.SerializeAsString());
  upgrade.mutable_controller_state()->set_expected_revision(1);
  ASSERT_THAT(ResultOf<iq::ConfigureConnectionPointResponse>([&](auto done) {
                agw_->ConfigureConnectionPoint(upgrade, Scope(), std::move(done));
              }),
              IsOk());
  const absl::Status answered = Answer(AnswerRequest(session_id)).status();
  EXPECT_EQ(answered.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ErrorReasonOf(answered), "RECORD_TOO_NEW");
  EXPECT_EQ(ErrorReasonOf(Reject(session_id)), "RECORD_TOO_NEW");
  EXPECT_EQ(agw_->termination_count(), 2u);
  EXPECT_THAT(Release(session_id), IsOk());
  EXPECT_EQ(agw_->context_count(), 0u);
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

}  // namespace
}  // namespace alg
