#include "alg-service/session/answer_procedure.h"

#include <algorithm>
#include <utility>

#include "alg-service/offer_answer/rewrite.h"
#include "alg-service/sdp/parser.h"
#include "alg-service/sdp/writer.h"
#include "alg-service/session/gateway_lookup.h"
#include "alg-service/session/iq_request.h"
#include "alg-service/session/outcome.h"
#include "alg-service/session/session_error.h"
#include "alg-service/session/session_record.h"
#include "alg-service/session/termination_release.h"
#include "common/error.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;
using ims::alg::v1::ProcessAnswerRequest;
using ims::alg::v1::ProcessAnswerResponse;

// Line ends do not make another answer.
bool IsSameAnswer(const SessionDescription& answer, const std::string& earlier) {
  absl::StatusOr<SessionDescription> parsed = ParseSessionDescription(earlier);
  return parsed.ok() && WriteSessionDescription(answer) == WriteSessionDescription(*parsed);
}

// What an IMS-AGW may find wrong with an answer that passed our own checks.
absl::optional<Rejection> RejectionOf(const absl::Status& iq_status) {
  const std::string reason = common::ErrorReasonOf(iq_status);
  if (reason == "REMOTE_ADDRESS_FORBIDDEN") {
    return Rejection{RejectReason::kRemoteAddressForbidden, std::string(iq_status.message())};
  }
  if (reason == "FINGERPRINT_UNUSABLE") {
    return Rejection{RejectReason::kFingerprintWeak, std::string(iq_status.message())};
  }
  if (reason == "OWN_FINGERPRINT") {
    return Rejection{RejectReason::kFingerprintReflected, std::string(iq_status.message())};
  }
  return absl::nullopt;
}

absl::Status AlreadyAnswered() {
  return SessionError(ims::alg::v1::ERROR_REASON_ALREADY_ANSWERED,
                      "the session has another answer already");
}

}  // namespace

void AnswerProcedure::Run(std::shared_ptr<Environment> environment, ProcessAnswerRequest request,
                          const SessionId& id, const CallScope& scope, Done done) {
  std::shared_ptr<AnswerProcedure> procedure(
      new AnswerProcedure(std::move(environment), std::move(request), scope, std::move(done)));
  procedure->Start(id);
}

AnswerProcedure::AnswerProcedure(std::shared_ptr<Environment> environment,
                                 ProcessAnswerRequest request, const CallScope& scope, Done done)
    : environment_(std::move(environment)),
      request_(std::move(request)),
      scope_(scope),
      done_(std::move(done)) {}

void AnswerProcedure::Start(const SessionId& id) {
  absl::StatusOr<SessionDescription> answer = ParseSessionDescription(request_.sdp());
  if (!answer.ok()) return Fail(answer.status());
  answer_ = *std::move(answer);
  absl::StatusOr<Gateway> gateway = FindGateway(*environment_->directory, id);
  if (!gateway.ok()) return Fail(gateway.status());
  gateway_ = *std::move(gateway);
  context_id_ = id.context_id;

  std::shared_ptr<const CachedSession> cached = environment_->cache.Get(context_id_);
  if (cached == nullptr || cached->session->gateway.info->instance_id != id.instance_id ||
      cached->session->gateway.info->incarnation != id.incarnation) {
    return Audit();
  }
  if (!cached->answer_sdp.has_value()) {
    session_ = cached->session;
    return Decide();
  }
  if (!IsSameAnswer(answer_, *cached->answer_sdp)) return Fail(AlreadyAnswered());
  done_(cached->answer_response);
}

void AnswerProcedure::Audit() {
  iq::AuditContextRequest request;
  request.set_context_id(context_id_);
  gateway_.media_gateway->AuditContext(
      std::move(request), scope_,
      [self = shared_from_this()](absl::StatusOr<iq::AuditContextResponse> audit) {
        if (audit.ok()) {
          self->OnAudited(*audit);
        } else {
          self->Fail(FromIqError(audit.status()));
        }
      });
}

void AnswerProcedure::OnAudited(const iq::AuditContextResponse& audit) {
  absl::StatusOr<OfferedSession> session = FromAudit(gateway_, audit);
  if (!session.ok()) return Fail(session.status());
  is_repeated_ = session->record.state() == ims::alg::v1::SESSION_STATE_ANSWERED;
  if (is_repeated_ && !IsSameAnswer(answer_, session->record.answer_sdp())) {
    return Fail(AlreadyAnswered());
  }
  audit_ = audit;
  session_ = std::make_shared<const OfferedSession>(*std::move(session));
  Decide();
}

void AnswerProcedure::Decide() {
  record_ = is_repeated_ ? session_->record : WithAnswer(session_->record, request_);
  const absl::Status fits = CheckRecordSize(record_);
  if (!fits.ok()) return Fail(fits);
  AnswerFacts facts;
  facts.own_addresses = gateway_.info->own_addresses;
  facts.allow_sha1 = environment_->policy.allow_sha1_fingerprints;
  absl::StatusOr<common::IpAddress> ue = common::IpAddress::Parse(record_.ue_signalling_address());
  if (ue.ok()) facts.ue_signalling_address = *ue;
  plan_ = PlanAnswer(session_->offer, session_->plan, answer_, session_->reservations, facts);
  if (plan_.rejection.has_value()) {
    return EndSession([self = shared_from_this()] {
      ProcessAnswerResponse response;
      SetRejection(self->plan_, &response);
      response.set_session_ended(true);
      self->Remember(response);
      self->done_(std::move(response));
    });
  }
  if (audit_.has_value()) {
    // Of a stream that is not there any more an earlier run was told that it cannot be.
    for (AnsweredStream& stream : plan_.streams) {
      if (!IsAccepted(stream) ||
          FindTermination(*audit_, stream.stream_id, iq::SIDE_ACCESS) != nullptr) {
        continue;
      }
      stream.handling = Handling::kRejected;
      stream.rejection = Rejection{RejectReason::kRemoteAddressForbidden,
                                   "the IMS-AGW has not taken the answer to this stream"};
    }
  }
  ConfigureFirst();
}

void AnswerProcedure::ConfigureFirst() {
  auto first = std::find_if(plan_.streams.begin(), plan_.streams.end(), IsAccepted);
  if (first == plan_.streams.end()) return Forward();
  if (is_repeated_) return ConfigureOtherAccess();
  iq::ConfigureConnectionPointRequest request = ConfigureAccess(context_id_, *first, record_);
  request.set_transaction_id(environment_->transaction_ids.Next());
  request.mutable_controller_state()->set_data(record_.SerializeAsString());
  request.mutable_controller_state()->set_expected_revision(session_->revision);
  AnsweredStream* stream = &*first;
  gateway_.media_gateway->ConfigureConnectionPoint(
      std::move(request), scope_,
      [self = shared_from_this(),
       stream](const absl::StatusOr<iq::ConfigureConnectionPointResponse>& result) {
        self->OnFirstConfigured(*stream, result.status());
      });
}

void AnswerProcedure::OnFirstConfigured(AnsweredStream& stream, const absl::Status& status) {
  if (HasIqReason(status, "REVISION_CONFLICT") && conflict_count_++ == 0) return Audit();
  if (!TakeResult(stream, status)) return;
  if (!status.ok()) return ConfigureFirst();  // The next stream carries the record.
  ConfigureOtherAccess();
}

void AnswerProcedure::ConfigureOtherAccess() {
  std::vector<Step> steps;
  bool is_first = !is_repeated_;
  for (AnsweredStream& stream : plan_.streams) {
    if (!IsAccepted(stream)) continue;
    if (std::exchange(is_first, false)) continue;
    if (IsConfigured(stream.stream_id, iq::SIDE_ACCESS)) continue;
    steps.push_back({&stream, ConfigureAccess(context_id_, stream, record_), {}});
  }
  RunSteps(std::move(steps), [this] { ConfigureCores(); });
}

void AnswerProcedure::ConfigureCores() {
  std::vector<Step> steps;
  for (AnsweredStream& stream : plan_.streams) {
    if (!IsAccepted(stream) || IsConfigured(stream.stream_id, iq::SIDE_CORE)) continue;
    auto request = ConfigureCore(context_id_, stream, record_);
    if (request.has_value()) steps.push_back({&stream, *std::move(request), {}});
  }
  RunSteps(std::move(steps), [this] { Forward(); });
}

void AnswerProcedure::RunSteps(std::vector<Step> steps, absl::AnyInvocable<void()> then) {
  if (steps.empty()) return then();
  steps_ = std::move(steps);
  pending_count_ = steps_.size();
  auto last = std::make_shared<absl::AnyInvocable<void()>>(std::move(then));
  std::vector<iq::ConfigureConnectionPointRequest> requests;
  for (Step& step : steps_) {
    step.request.set_transaction_id(environment_->transaction_ids.Next());
    requests.push_back(std::move(step.request));
  }
  // The last callback may come, and go on with the procedure, before the last call has returned.
  std::shared_ptr<MediaGateway> media_gateway = gateway_.media_gateway;
  for (size_t i = 0; i < requests.size(); ++i) {
    media_gateway->ConfigureConnectionPoint(
        std::move(requests[i]), scope_,
        [self = shared_from_this(), i,
         last](const absl::StatusOr<iq::ConfigureConnectionPointResponse>& result) {
          self->steps_[i].status = result.status();
          if (self->pending_count_.fetch_sub(1) != 1) return;
          for (Step& step : self->steps_) {
            if (!self->TakeResult(*step.stream, step.status)) return;
          }
          (*last)();
        });
  }
}

bool AnswerProcedure::TakeResult(AnsweredStream& stream, const absl::Status& status) {
  if (status.ok()) return true;
  absl::optional<Rejection> rejection = RejectionOf(status);
  if (rejection.has_value()) {
    stream.handling = Handling::kRejected;
    stream.rejection = std::move(rejection);
    return true;
  }
  environment_->cache.Erase(context_id_);
  if (IsUncertain(status) || status.code() == absl::StatusCode::kAborted) {
    Fail(FromIqError(status));
    return false;
  }
  EndSession([self = shared_from_this(), status] { self->Fail(FromIqError(status)); });
  return false;
}

void AnswerProcedure::ReleaseLostStreams() {
  for (const OfferedStream& offered : session_->plan.streams) {
    if (offered.handling != Handling::kE2ae) continue;
    const AnsweredStream& answered = plan_.streams[offered.stream_id - 1];
    const bool is_there = !audit_.has_value() ||
                          FindTermination(*audit_, offered.stream_id, iq::SIDE_ACCESS) != nullptr ||
                          FindTermination(*audit_, offered.stream_id, iq::SIDE_CORE) != nullptr;
    if (IsAccepted(answered) || !is_there) continue;
    iq::TerminationId stream;
    stream.set_context_id(context_id_);
    stream.set_stream_id(offered.stream_id);
    pending_count_.fetch_add(1);
    ReleaseSurely(gateway_.media_gateway, std::move(stream), environment_->transaction_ids.Next(),
                  [self = shared_from_this()](const auto&) {
                    if (self->pending_count_.fetch_sub(1) == 1) self->Answer(false);
                  });
  }
}

void AnswerProcedure::Forward() {
  if (std::none_of(plan_.streams.begin(), plan_.streams.end(), IsAccepted)) {
    return EndSession([self = shared_from_this()] { self->Answer(true); });
  }
  // One more than the releases, so that the first of them cannot be taken for the last.
  pending_count_ = 1;
  ReleaseLostStreams();
  if (pending_count_.fetch_sub(1) == 1) Answer(false);
}

void AnswerProcedure::Answer(bool session_ended) {
  ProcessAnswerResponse response;
  SetForward(plan_,
             RewriteAnswer(session_->offer, session_->plan, answer_, plan_, session_->reservations),
             &response);
  response.set_session_ended(session_ended);
  Remember(response);
  done_(std::move(response));
}

bool AnswerProcedure::IsConfigured(uint32_t stream_id, iq::Side side) const {
  if (!is_repeated_ || !audit_.has_value()) return false;
  const iq::TerminationAudit* termination = FindTermination(*audit_, stream_id, side);
  // Both are absent after Reserve, and given in every Configure of that side.
  return termination != nullptr &&
         (side == iq::SIDE_ACCESS
              ? !termination->remote().fingerprints().empty()
              : termination->bearer_control().tcp_role() != iq::TCP_ROLE_UNSPECIFIED);
}

bool AnswerProcedure::IsAccepted(const AnsweredStream& stream) {
  return stream.handling == Handling::kE2ae;
}

void AnswerProcedure::EndSession(absl::AnyInvocable<void()> then) {
  environment_->cache.Erase(context_id_);
  iq::TerminationId context;
  context.set_context_id(context_id_);
  ReleaseSurely(gateway_.media_gateway, std::move(context), environment_->transaction_ids.Next(),
                [then = std::move(then)](const auto&) mutable { then(); });
}

void AnswerProcedure::Remember(const ProcessAnswerResponse& response) {
  auto cached = std::make_shared<CachedSession>();
  cached->session = session_;
  cached->answer_sdp = request_.sdp();
  cached->answer_response = response;
  environment_->cache.Put(std::move(cached));
}

void AnswerProcedure::Fail(absl::Status error) { done_(std::move(error)); }

}  // namespace alg
