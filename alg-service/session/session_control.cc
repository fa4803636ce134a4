#include "alg-service/session/session_control.h"

#include <string>
#include <utility>

#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "alg-service/offer_answer/e2ae_support.h"
#include "alg-service/session/answer_procedure.h"
#include "alg-service/session/gateway_lookup.h"
#include "alg-service/session/offer_procedure.h"
#include "alg-service/session/outcome.h"
#include "alg-service/session/session_error.h"
#include "alg-service/session/session_id.h"
#include "alg-service/session/session_view.h"
#include "alg-service/session/termination_release.h"
#include "common/error.h"
#include "common/log.h"

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
          start = absl::Now()](absl::StatusOr<Response> response) mutable {
    const Result result = response.ok() ? ResultOf(*response) : ResultOf(response.status());
    const absl::Duration duration = absl::Now() - start;
    metrics->CountRequest(method, result.outcome, result.reason, duration);
    if (response.ok()) {
      if constexpr (std::is_same_v<Response, api::ProcessOfferResponse>) {
        session_id = response->session_id();
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

bool UeSupportsE2ae(const api::E2aeSupport& support) {
  if (!support.has_headers()) return support.indications().ue();
  const auto& values = support.headers().security_client();
  return AnnouncesE2aeForMsrp(std::vector<std::string>(values.begin(), values.end()));
}

bool PCscfSupportsE2ae(const api::E2aeSupport& support) {
  if (!support.has_headers()) return support.indications().p_cscf();
  const auto& values = support.headers().security_server();
  return AnnouncesE2aeForMsrp(std::vector<std::string>(values.begin(), values.end()));
}

iq::TerminationId ContextOf(const SessionId& id) {
  iq::TerminationId termination;
  termination.set_context_id(id.context_id);
  return termination;
}

// The IMS-AGW is gone: for those who want the session gone, that is success.
bool IsGone(const absl::Status& status) { return status.code() == absl::StatusCode::kNotFound; }

void Audit(const Gateway& gateway, const SessionId& id, const CallScope& scope,
           MediaGateway::Done<iq::AuditContextResponse> done) {
  iq::AuditContextRequest request;
  request.set_context_id(id.context_id);
  gateway.media_gateway->AuditContext(std::move(request), scope, std::move(done));
}

}  // namespace

SessionControl::SessionControl(std::shared_ptr<const GatewayDirectory> directory,
                               SessionPolicy policy, std::shared_ptr<Metrics> metrics,
                               size_t cache_capacity)
    : environment_(
          std::make_shared<Environment>(std::move(directory), std::move(policy), cache_capacity)),
      metrics_(std::move(metrics)) {}

void SessionControl::ProcessOffer(const api::ProcessOfferRequest& request, const CallScope& scope,
                                  Done<api::ProcessOfferResponse> done) {
  done = Observed("ProcessOffer", "", request.dialogue().call_id(), metrics_, std::move(done));
  OfferProcedure::Run(environment_, request, UeSupportsE2ae(request.e2ae_support()),
                      PCscfSupportsE2ae(request.e2ae_support()), scope, std::move(done));
}

void SessionControl::ProcessAnswer(const api::ProcessAnswerRequest& request, const CallScope& scope,
                                   Done<api::ProcessAnswerResponse> done) {
  done = Observed("ProcessAnswer", request.session_id(), "", metrics_, std::move(done));
  absl::StatusOr<SessionId> id = SessionId::Parse(request.session_id());
  if (!id.ok()) return done(id.status());
  AnswerProcedure::Run(environment_, request, *id, scope, std::move(done));
}

void SessionControl::RejectOffer(const api::RejectOfferRequest& request, const CallScope& scope,
                                 Done<api::RejectOfferResponse> done) {
  done = Observed("RejectOffer", request.session_id(), "", metrics_, std::move(done));
  absl::StatusOr<SessionId> id = SessionId::Parse(request.session_id());
  if (!id.ok()) return done(id.status());
  absl::StatusOr<Gateway> gateway = FindGateway(*environment_->directory, *id);
  if (!gateway.ok()) {
    if (IsGone(gateway.status())) return done(api::RejectOfferResponse());
    return done(gateway.status());
  }
  // Not from the cache: another replica may have handled an answer.
  Audit(*gateway, *id, scope,
        [environment = environment_, gateway = *gateway, id = *id,
         done = std::move(done)](absl::StatusOr<iq::AuditContextResponse> audit) mutable {
          if (IsGone(audit.status())) return done(api::RejectOfferResponse());
          if (!audit.ok()) return done(FromIqError(audit.status()));
          api::SessionRecord record;
          if (record.ParseFromString(audit->controller_state()) &&
              record.state() == api::SESSION_STATE_ANSWERED) {
            return done(SessionError(api::ERROR_REASON_NOT_OFFERED,
                                     "the offer has been answered; use ReleaseSession"));
          }
          environment->cache.Erase(id.context_id);
          ReleaseSurely(gateway.media_gateway, ContextOf(id), environment->transaction_ids.Next(),
                        [done = std::move(done)](const auto& release) mutable {
                          if (!release.ok()) return done(FromIqError(release.status()));
                          done(api::RejectOfferResponse());
                        });
        });
}

void SessionControl::ReleaseSession(const api::ReleaseSessionRequest& request,
                                    const CallScope& /*scope*/,
                                    Done<api::ReleaseSessionResponse> done) {
  done = Observed("ReleaseSession", request.session_id(), "", metrics_, std::move(done));
  absl::StatusOr<SessionId> id = SessionId::Parse(request.session_id());
  if (!id.ok()) return done(id.status());
  environment_->cache.Erase(id->context_id);
  absl::StatusOr<Gateway> gateway = FindGateway(*environment_->directory, *id);
  if (!gateway.ok()) {
    if (IsGone(gateway.status())) return done(api::ReleaseSessionResponse());
    return done(gateway.status());
  }
  // Whatever becomes of the caller: who says that a session is over does not take it back.
  ReleaseSurely(
      gateway->media_gateway, ContextOf(*id), environment_->transaction_ids.Next(),
      [done = std::move(done)](absl::StatusOr<iq::ReleaseTerminationResponse> release) mutable {
        if (!release.ok()) return done(FromIqError(release.status()));
        api::ReleaseSessionResponse response;
        for (api::Stream& stream : ToStreams(*release)) {
          *response.add_streams() = std::move(stream);
        }
        done(std::move(response));
      });
}

void SessionControl::GetSession(const api::GetSessionRequest& request, const CallScope& scope,
                                Done<api::GetSessionResponse> done) {
  done = Observed("GetSession", request.session_id(), "", metrics_, std::move(done));
  absl::StatusOr<SessionId> id = SessionId::Parse(request.session_id());
  if (!id.ok()) return done(id.status());
  absl::StatusOr<Gateway> gateway = FindGateway(*environment_->directory, *id);
  if (!gateway.ok()) return done(gateway.status());
  Audit(*gateway, *id, scope,
        [id = *id, done = std::move(done)](absl::StatusOr<iq::AuditContextResponse> audit) mutable {
          if (!audit.ok()) return done(FromIqError(audit.status()));
          api::SessionRecord record;
          if (!record.ParseFromString(audit->controller_state())) record.Clear();
          api::GetSessionResponse response;
          *response.mutable_session() = ToSession(*audit, record);
          response.mutable_session()->set_session_id(id.ToString());
          response.mutable_session()->set_gateway_instance_id(id.instance_id);
          done(std::move(response));
        });
}

}  // namespace alg
