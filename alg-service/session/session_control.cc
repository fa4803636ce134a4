#include "alg-service/session/session_control.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "alg-service/session/answer_procedure.h"
#include "alg-service/session/offer_procedure.h"
#include "alg-service/session/release.h"
#include "alg-service/session/session_error.h"
#include "alg-service/session/session_id.h"
#include "alg-service/session/session_record.h"
#include "alg-service/session/session_snapshot.h"
#include "alg-service/session/session_view.h"
#include "common/error.h"
#include "common/log.h"
#include "common/monotonic_time.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;
namespace api = ims::alg::v1;

// What a request led to, for log and metrics.
struct Result {
  std::string outcome;  // "forward", "reject", "ok" or "error".
  std::string reason;
  common::Severity severity = common::Severity::kInfo;
};

absl::string_view ReasonName(api::RejectReason reason) {
  if (reason == api::REJECT_REASON_UNSPECIFIED) return "";
  return absl::StripPrefix(absl::string_view(api::RejectReason_Name(reason)), "REJECT_REASON_");
}

Result ResultOf(const absl::Status& error) {
  std::string reason = common::ErrorReasonOf(error);
  if (reason.empty()) reason = absl::StatusCodeToString(error.code());
  return {"error", std::move(reason),
          error.code() == absl::StatusCode::kInternal ? common::Severity::kError
                                                      : common::Severity::kWarning};
}

template <typename Response>
Result ResultOf(const Response& response) {
  if constexpr (std::is_same_v<Response, api::ProcessOfferResponse> ||
                std::is_same_v<Response, api::ProcessAnswerResponse>) {
    if (response.outcome().has_reject()) {
      return {"reject", std::string(ReasonName(response.outcome().reject().reason()))};
    }
    return {"forward", ""};
  }
  return {"ok", ""};
}

template <typename Response>
void CountMedia(const Response& response, Metrics& metrics) {
  for (const api::MediaOutcome& media : response.media()) {
    metrics.CountMedia(
        absl::StripPrefix(absl::string_view(api::MediaOutcome::Handling_Name(media.handling())),
                          "HANDLING_"),
        ReasonName(media.reason()));
  }
}

// `done`, which also logs and counts.
template <typename Response>
MediaGateway::Done<Response> Observed(const char* method, std::string session_id,
                                      std::string call_id, std::shared_ptr<Metrics> metrics,
                                      MediaGateway::Done<Response> done) {
  return [method, session_id = std::move(session_id), call_id = std::move(call_id),
          metrics = std::move(metrics), done = std::move(done),
          start = common::MonotonicTime::Now()](absl::StatusOr<Response> response) mutable {
    const Result result = response.ok() ? ResultOf(*response) : ResultOf(response.status());
    const absl::Duration duration = common::MonotonicTime::Now() - start;
    metrics->CountRequest(method, result.outcome, result.reason, duration);
    if (response.ok()) {
      if constexpr (std::is_same_v<Response, api::ProcessOfferResponse>) {
        if (!response->session_id().empty()) session_id = response->session_id();
        CountMedia(*response, *metrics);
      }
      if constexpr (std::is_same_v<Response, api::ProcessAnswerResponse>) {
        CountMedia(*response, *metrics);
      }
    }
    if (common::IsLogged(result.severity)) {
      common::Log(result.severity, "request",
                  {{"method", method},
                   {"outcome", result.outcome},
                   {"reason", result.reason},
                   {"session_id", session_id},
                   {"call_id", call_id},
                   {"duration_us", absl::ToInt64Microseconds(duration)},
                   {"detail", response.ok() ? absl::string_view() : response.status().message()}});
    }
    done(std::move(response));
  };
}

iq::TerminationId ContextOf(const SessionId& id) {
  iq::TerminationId termination;
  termination.set_context_id(id.context_id);
  return termination;
}

// For those who want the session gone that is success: it is not there, or its IMS-AGW is lost.
bool IsGone(const absl::Status& status) { return status.code() == absl::StatusCode::kNotFound; }

// What a caller is told whose release has failed.
absl::Status ReleaseError(const absl::Status& iq_status) {
  if (!IsUncertain(iq_status)) return FromIqError(iq_status);
  return SessionError(api::ERROR_REASON_NO_GATEWAY,
                      "the IMS-AGW does not answer: whether it has released is not known");
}

Task<absl::StatusOr<api::RejectOfferResponse>> RejectOffer(
    std::shared_ptr<SessionResources> resources, api::RejectOfferRequest request, CallScope scope) {
  absl::StatusOr<SessionId> id = SessionId::Parse(request.session_id());
  if (!id.ok()) co_return id.status();
  absl::StatusOr<Gateway> gateway = FindGateway(*resources->directory, *id);
  if (IsGone(gateway.status())) co_return api::RejectOfferResponse();
  if (!gateway.ok()) co_return gateway.status();
  for (bool has_conflicted = false;; has_conflicted = true) {
    // Not from the cache: another replica may have handled an answer.
    absl::StatusOr<iq::AuditContextResponse> audit =
        co_await Audit(*gateway, id->context_id, scope);
    if (IsGone(audit.status())) co_return api::RejectOfferResponse();
    if (!audit.ok()) co_return FromIqError(audit.status());
    absl::StatusOr<api::SessionRecord> record = ParseRecord(audit->controller_state());
    if (!record.ok()) co_return record.status();
    if (StateOf(*record) == api::SESSION_STATE_ANSWERED) {
      co_return SessionError(api::ERROR_REASON_NOT_OFFERED,
                             "the offer has been answered; use ReleaseSession");
    }
    resources->cache.Erase(id->context_id);
    absl::StatusOr<iq::ReleaseTerminationResponse> release =
        co_await Release(resources, *gateway, ContextOf(*id), audit->controller_state_revision());
    if (release.ok()) co_return api::RejectOfferResponse();
    // The answer may have come in between.
    if (HasIqReason(release.status(), "REVISION_CONFLICT") && !has_conflicted) continue;
    co_return ReleaseError(release.status());
  }
}

Task<absl::StatusOr<api::ReleaseSessionResponse>> ReleaseSession(
    std::shared_ptr<SessionResources> resources, api::ReleaseSessionRequest request) {
  absl::StatusOr<SessionId> id = SessionId::Parse(request.session_id());
  if (!id.ok()) co_return id.status();
  resources->cache.Erase(id->context_id);
  absl::StatusOr<Gateway> gateway = FindGateway(*resources->directory, *id);
  if (IsGone(gateway.status())) co_return api::ReleaseSessionResponse();
  if (!gateway.ok()) co_return gateway.status();
  // At whatever revision, and whatever becomes of the caller: who says that a session is over does
  // not take it back, so a conflict would lead to the same decision.
  absl::StatusOr<iq::ReleaseTerminationResponse> release =
      co_await Release(resources, *gateway, ContextOf(*id), absl::nullopt);
  if (!release.ok()) co_return ReleaseError(release.status());
  api::ReleaseSessionResponse response;
  for (api::Stream& stream : ToStreams(*release)) *response.add_streams() = std::move(stream);
  co_return response;
}

Task<absl::StatusOr<api::GetSessionResponse>> GetSession(
    std::shared_ptr<SessionResources> resources, api::GetSessionRequest request, CallScope scope) {
  absl::StatusOr<SessionId> id = SessionId::Parse(request.session_id());
  if (!id.ok()) co_return id.status();
  absl::StatusOr<Gateway> gateway = FindGateway(*resources->directory, *id);
  if (!gateway.ok()) co_return gateway.status();
  absl::StatusOr<iq::AuditContextResponse> audit = co_await Audit(*gateway, id->context_id, scope);
  if (!audit.ok()) co_return FromIqError(audit.status());
  absl::StatusOr<api::SessionRecord> record = ParseRecord(audit->controller_state());
  if (!record.ok()) co_return record.status();
  api::GetSessionResponse response;
  *response.mutable_session() = ToSession(*audit, *record);
  response.mutable_session()->set_session_id(id->ToString());
  response.mutable_session()->set_gateway_instance_id(id->instance_id);
  co_return response;
}

}  // namespace

SessionControl::SessionControl(std::shared_ptr<const GatewayDirectory> directory,
                               SessionPolicy policy, std::shared_ptr<Metrics> metrics,
                               size_t cache_capacity, std::shared_ptr<Timers> timers)
    : own_timers_(timers == nullptr ? std::make_shared<ThreadTimers>() : nullptr),
      resources_(new SessionResources{std::move(directory),
                                      std::move(policy),
                                      std::move(metrics),
                                      timers == nullptr ? own_timers_ : std::move(timers),
                                      SessionCache(cache_capacity),
                                      {}}) {}

SessionControl::~SessionControl() {
  if (own_timers_ != nullptr) own_timers_->Stop();
}

void SessionControl::Stop() {
  if (own_timers_ != nullptr) own_timers_->Stop();
  resources_->running->Stop();
}

// In each of these the clock of the call starts before its procedure does.

void SessionControl::ProcessOffer(const api::ProcessOfferRequest& request, const CallScope& scope,
                                  Done<api::ProcessOfferResponse> done) {
  done = Observed("ProcessOffer", request.session_id(), request.dialogue().call_id(),
                  resources_->metrics, std::move(done));
  Deliver(resources_->running, scope.cancellation, alg::ProcessOffer(resources_, request, scope),
          std::move(done));
}

void SessionControl::ProcessAnswer(const api::ProcessAnswerRequest& request, const CallScope& scope,
                                   Done<api::ProcessAnswerResponse> done) {
  done = Observed("ProcessAnswer", request.session_id(), "", resources_->metrics, std::move(done));
  absl::StatusOr<SessionId> id = SessionId::Parse(request.session_id());
  if (!id.ok()) return done(id.status());
  Deliver(resources_->running, scope.cancellation,
          alg::ProcessAnswer(resources_, request, *std::move(id), scope), std::move(done));
}

void SessionControl::RejectOffer(const api::RejectOfferRequest& request, const CallScope& scope,
                                 Done<api::RejectOfferResponse> done) {
  done = Observed("RejectOffer", request.session_id(), "", resources_->metrics, std::move(done));
  Deliver(resources_->running, scope.cancellation, alg::RejectOffer(resources_, request, scope),
          std::move(done));
}

void SessionControl::ReleaseSession(const api::ReleaseSessionRequest& request,
                                    const CallScope& scope,
                                    Done<api::ReleaseSessionResponse> done) {
  done = Observed("ReleaseSession", request.session_id(), "", resources_->metrics, std::move(done));
  Deliver(resources_->running, scope.cancellation, alg::ReleaseSession(resources_, request),
          std::move(done));
}

void SessionControl::GetSession(const api::GetSessionRequest& request, const CallScope& scope,
                                Done<api::GetSessionResponse> done) {
  done = Observed("GetSession", request.session_id(), "", resources_->metrics, std::move(done));
  Deliver(resources_->running, scope.cancellation, alg::GetSession(resources_, request, scope),
          std::move(done));
}

std::vector<api::KnownGateway> SessionControl::KnownGateways() const {
  std::vector<api::KnownGateway> known;
  for (const Gateway& gateway : resources_->directory->Reachable()) {
    api::KnownGateway& each = known.emplace_back();
    each.set_instance_id(gateway.info->instance_id);
    each.set_incarnation(gateway.info->incarnation);
    each.set_draining(gateway.info->draining);
  }
  std::sort(known.begin(), known.end(), [](const api::KnownGateway& a, const api::KnownGateway& b) {
    return a.instance_id() < b.instance_id();
  });
  return known;
}

}  // namespace alg
