#include "alg-service/session/answer_procedure.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/types/optional.h"
#include "alg-service/offer_answer/rewrite.h"
#include "alg-service/sdp/parser.h"
#include "alg-service/sdp/session_description.h"
#include "alg-service/session/iq_call.h"
#include "alg-service/session/iq_request.h"
#include "alg-service/session/outcome.h"
#include "alg-service/session/release.h"
#include "alg-service/session/session_error.h"
#include "alg-service/session/session_record.h"
#include "alg-service/session/session_snapshot.h"
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

bool IsAccepted(const AnsweredStream& stream) { return stream.handling == Handling::kE2ae; }

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

// The session as this replica remembers it; null if it does not.
std::shared_ptr<const CachedSession> Remembered(SessionCache& cache, const SessionId& id) {
  std::shared_ptr<const CachedSession> cached = cache.Get(id.context_id);
  if (cached == nullptr) return nullptr;
  const GatewayInfo& gateway = *cached->session->gateway.info;
  const bool is_that_run =
      gateway.instance_id == id.instance_id && gateway.incarnation == id.incarnation;
  return is_that_run ? cached : nullptr;
}

// Carries out an answer to the session as it stands at one revision. Lives in the frame of
// ProcessAnswer(), which awaits each of its tasks.
class AnswerRun {
 public:
  // With the audit that `session` was made from, if it was: it tells what an earlier run has done.
  AnswerRun(std::shared_ptr<SessionResources> resources, const ProcessAnswerRequest& request,
            const SessionDescription& answer, const CallScope& scope,
            std::shared_ptr<const SessionSnapshot> session,
            const absl::optional<iq::AuditContextResponse>& audit)
      : resources_(std::move(resources)),
        request_(request),
        answer_(answer),
        scope_(scope),
        session_(std::move(session)),
        audit_(audit),
        revision_(session_->revision),
        is_repeated_(StateOf(session_->record) == ims::alg::v1::SESSION_STATE_ANSWERED),
        record_(is_repeated_ ? session_->record : WithAnswer(session_->record, request)) {}

  // `kAborted` (REVISION_CONFLICT of Iq) if the session is not at that revision any more.
  Task<absl::StatusOr<ProcessAnswerResponse>> CarryOut() {
    const absl::Status fits = CheckRecordSize(record_);
    if (!fits.ok()) co_return fits;
    MakePlan();
    if (plan_.rejection.has_value()) {
      const absl::Status ended = co_await EndSession();
      if (!ended.ok()) co_return ended;
      ProcessAnswerResponse response;
      SetRejection(plan_, &response);
      response.set_session_ended(true);
      Remember(response);
      co_return response;
    }
    const absl::Status configured = co_await ConfigureAll();
    if (!configured.ok()) co_return co_await GiveUp(configured);

    const bool session_ends = std::none_of(plan_.streams.begin(), plan_.streams.end(), IsAccepted);
    absl::Status released;
    if (session_ends) {
      released = co_await EndSession();
    } else {
      released = co_await ReleaseLostStreams();
    }
    if (!released.ok()) co_return released;
    ProcessAnswerResponse response;
    SetForward(
        plan_,
        RewriteAnswer(session_->offer, session_->plan, answer_, plan_, session_->reservations),
        &response);
    response.set_session_ended(session_ends);
    Remember(response);
    co_return response;
  }

 private:
  void MakePlan() {
    AnswerFacts facts;
    facts.own_addresses = session_->gateway.info->own_addresses;
    facts.allow_sha1 = resources_->policy.allow_sha1_fingerprints;
    absl::StatusOr<common::IpAddress> ue =
        common::IpAddress::Parse(CurrentExchange(record_).ue_signalling_address());
    if (ue.ok()) facts.ue_signalling_address = *ue;
    plan_ = PlanAnswer(session_->offer, session_->plan, answer_, session_->reservations, facts);
    if (!audit_.has_value()) return;
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

  Task<absl::Status> ConfigureAll() {
    const AnsweredStream* first = nullptr;
    if (!is_repeated_) {
      absl::StatusOr<const AnsweredStream*> configured = co_await ConfigureFirst();
      if (!configured.ok()) co_return configured.status();
      first = *configured;
    }
    std::vector<Step> access_steps, core_steps;
    for (AnsweredStream& stream : plan_.streams) {
      if (!IsAccepted(stream) || &stream == first) continue;
      if (IsConfigured(stream.stream_id, iq::SIDE_ACCESS)) continue;
      access_steps.push_back({&stream, ConfigureAccess(context_id(), stream, record_)});
    }
    const absl::Status access = co_await ConfigureAtOnce(std::move(access_steps));
    if (!access.ok()) co_return access;

    for (AnsweredStream& stream : plan_.streams) {
      if (!IsAccepted(stream) || IsConfigured(stream.stream_id, iq::SIDE_CORE)) continue;
      absl::optional<iq::ConfigureConnectionPointRequest> request =
          ConfigureCore(context_id(), stream, record_);
      if (request.has_value()) core_steps.push_back({&stream, *std::move(request)});
    }
    co_return co_await ConfigureAtOnce(std::move(core_steps));
  }

  // T1 of the first stream that the IMS-AGW takes, with the record. Null if it takes none.
  Task<absl::StatusOr<const AnsweredStream*>> ConfigureFirst() {
    for (AnsweredStream& stream : plan_.streams) {
      if (!IsAccepted(stream)) continue;
      iq::ConfigureConnectionPointRequest request = ConfigureAccess(context_id(), stream, record_);
      request.mutable_controller_state()->set_data(record_.SerializeAsString());
      request.mutable_controller_state()->set_expected_revision(revision_);
      absl::StatusOr<iq::ConfigureConnectionPointResponse> response =
          co_await Configure(std::move(request));
      if (response.ok()) {
        revision_ = response->controller_state_revision();
        co_return &stream;
      }
      const absl::Status failure = RejectOrFail(stream, response.status());
      if (!failure.ok()) co_return failure;
    }
    co_return nullptr;
  }

  // A Configure, and the stream it is for.
  struct Step {
    AnsweredStream* stream;
    iq::ConfigureConnectionPointRequest request;
  };

  // The first failure, after all have been answered.
  Task<absl::Status> ConfigureAtOnce(std::vector<Step> steps) {
    std::vector<Task<absl::StatusOr<iq::ConfigureConnectionPointResponse>>> calls;
    for (Step& step : steps) calls.push_back(Configure(std::move(step.request)));
    absl::Status failure;
    for (size_t i = 0; i < steps.size(); ++i) {
      const absl::Status status = (co_await calls[i]).status();
      failure.Update(RejectOrFail(*steps[i].stream, status));
    }
    co_return failure;
  }

  Task<absl::StatusOr<iq::ConfigureConnectionPointResponse>> Configure(
      iq::ConfigureConnectionPointRequest request) {
    request.set_transaction_id(resources_->ids.Next());
    return Call(session_->gateway.media_gateway, &MediaGateway::ConfigureConnectionPoint,
                std::move(request), scope_);
  }

  // OK if the session can go on, though perhaps without `stream`.
  static absl::Status RejectOrFail(AnsweredStream& stream, const absl::Status& status) {
    if (status.ok()) return status;
    absl::optional<Rejection> rejection = RejectionOf(status);
    if (!rejection.has_value()) return status;
    stream.handling = Handling::kRejected;
    stream.rejection = std::move(rejection);
    return absl::OkStatus();
  }

  // Ends the session if the IMS-AGW has refused something that should have been right.
  Task<absl::Status> GiveUp(absl::Status failure) {
    resources_->cache.Erase(context_id());
    if (IsUncertain(failure) || HasIqReason(failure, "REVISION_CONFLICT")) co_return failure;
    const absl::Status ended = co_await EndSession();
    co_return HasIqReason(ended, "REVISION_CONFLICT") ? ended : failure;
  }

  Task<absl::Status> EndSession() {
    resources_->cache.Erase(context_id());
    iq::TerminationId context;
    context.set_context_id(context_id());
    co_return (co_await Release(resources_, session_->gateway, std::move(context), revision_))
        .status();
  }

  Task<absl::Status> ReleaseLostStreams() {
    std::vector<Task<absl::StatusOr<iq::ReleaseTerminationResponse>>> releases;
    for (const OfferedStream& offered : session_->plan.streams) {
      if (offered.handling != Handling::kE2ae) continue;
      if (IsAccepted(plan_.streams[offered.stream_id - 1]) || !IsThere(offered.stream_id)) continue;
      iq::TerminationId stream;
      stream.set_context_id(context_id());
      stream.set_stream_id(offered.stream_id);
      releases.push_back(Release(resources_, session_->gateway, std::move(stream), revision_));
    }
    absl::Status failure;
    for (const auto& release : releases) failure.Update((co_await release).status());
    co_return failure;
  }

  bool IsThere(uint32_t stream_id) const {
    return !audit_.has_value() || FindTermination(*audit_, stream_id, iq::SIDE_ACCESS) != nullptr ||
           FindTermination(*audit_, stream_id, iq::SIDE_CORE) != nullptr;
  }

  bool IsConfigured(uint32_t stream_id, iq::Side side) const {
    if (!is_repeated_ || !audit_.has_value()) return false;
    const iq::TerminationAudit* termination = FindTermination(*audit_, stream_id, side);
    // Both are absent after Reserve, and given in every Configure of that side.
    return termination != nullptr &&
           (side == iq::SIDE_ACCESS
                ? !termination->remote().fingerprints().empty()
                : termination->bearer_control().tcp_role() != iq::TCP_ROLE_UNSPECIFIED);
  }

  void Remember(const ProcessAnswerResponse& response) {
    auto cached = std::make_shared<CachedSession>();
    cached->session = session_;
    cached->answer_sdp = request_.sdp();
    cached->answer_response = response;
    resources_->cache.Put(std::move(cached));
  }

  const std::string& context_id() const { return session_->context_id; }

  const std::shared_ptr<SessionResources> resources_;
  const ProcessAnswerRequest& request_;
  const SessionDescription& answer_;
  const CallScope& scope_;
  const std::shared_ptr<const SessionSnapshot> session_;
  const absl::optional<iq::AuditContextResponse>& audit_;

  uint64_t revision_;  // Of the record, as far as this run knows.
  const bool is_repeated_;
  const ims::alg::v1::SessionRecord record_;  // With the answer.
  AnswerPlan plan_;
};

}  // namespace

Task<absl::StatusOr<ProcessAnswerResponse>> ProcessAnswer(
    std::shared_ptr<SessionResources> resources, ProcessAnswerRequest request, SessionId id,
    CallScope scope) {
  absl::StatusOr<SessionDescription> answer = ParseSessionDescription(request.sdp());
  if (!answer.ok()) co_return answer.status();
  for (Deviation kind : answer->deviations) resources->metrics->CountSdpDeviation(ToString(kind));
  absl::StatusOr<Gateway> gateway = FindGateway(*resources->directory, id);
  if (!gateway.ok()) co_return gateway.status();

  std::shared_ptr<const SessionSnapshot> session;
  if (std::shared_ptr<const CachedSession> cached = Remembered(resources->cache, id)) {
    if (cached->answer_sdp.has_value()) {
      if (!IsSameAnswer(*answer, *cached->answer_sdp)) co_return AlreadyAnswered();
      co_return cached->answer_response;
    }
    session = cached->session;
  }

  absl::optional<iq::AuditContextResponse> audit;
  for (bool has_conflicted = false;; has_conflicted = true) {
    if (session == nullptr) {
      absl::StatusOr<iq::AuditContextResponse> audited =
          co_await Audit(*gateway, id.context_id, scope);
      if (!audited.ok()) co_return FromIqError(audited.status());
      absl::StatusOr<SessionSnapshot> snapshot = FromAudit(*gateway, *audited);
      if (!snapshot.ok()) co_return snapshot.status();
      if (StateOf(snapshot->record) == ims::alg::v1::SESSION_STATE_ANSWERED &&
          !IsSameAnswer(*answer, snapshot->record.agreed().answer_sdp())) {
        co_return AlreadyAnswered();
      }
      audit = *std::move(audited);
      session = std::make_shared<const SessionSnapshot>(*std::move(snapshot));
    }
    AnswerRun run(resources, request, *answer, scope, session, audit);
    absl::StatusOr<ProcessAnswerResponse> response = co_await run.CarryOut();
    if (response.ok()) co_return response;
    if (!HasIqReason(response.status(), "REVISION_CONFLICT") || has_conflicted) {
      co_return FromIqError(response.status());
    }
    session = nullptr;  // It was old.
  }
}

}  // namespace alg
