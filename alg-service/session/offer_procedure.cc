#include "alg-service/session/offer_procedure.h"

#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "alg-service/offer_answer/rewrite.h"
#include "alg-service/sdp/parser.h"
#include "alg-service/session/gateway_choice.h"
#include "alg-service/session/iq_request.h"
#include "alg-service/session/outcome.h"
#include "alg-service/session/session_error.h"
#include "alg-service/session/session_record.h"
#include "alg-service/session/termination_release.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;
using ims::alg::v1::ProcessOfferRequest;
using ims::alg::v1::ProcessOfferResponse;

// After this many IMS-AGWs that are full or away the caller is better off with an answer.
constexpr size_t kGatewayLimit = 3;

}  // namespace

void OfferProcedure::Run(std::shared_ptr<Environment> environment,
                         const ProcessOfferRequest& request, bool ue_supports_e2ae,
                         bool p_cscf_supports_e2ae, const CallScope& scope, Done done) {
  std::shared_ptr<OfferProcedure> procedure(
      new OfferProcedure(std::move(environment), scope, std::move(done)));
  procedure->Start(request, ue_supports_e2ae, p_cscf_supports_e2ae);
}

OfferProcedure::OfferProcedure(std::shared_ptr<Environment> environment, const CallScope& scope,
                               Done done)
    : environment_(std::move(environment)), scope_(scope), done_(std::move(done)) {}

void OfferProcedure::Start(const ProcessOfferRequest& request, bool ue_supports_e2ae,
                           bool p_cscf_supports_e2ae) {
  absl::StatusOr<SessionDescription> offer = ParseSessionDescription(request.sdp());
  if (!offer.ok()) return Fail(offer.status());
  session_.offer = *std::move(offer);
  session_.record =
      MakeRecord(request, ue_supports_e2ae, p_cscf_supports_e2ae, environment_->policy);
  key_ = MakeRequestKey(request.request_id());
  session_.context_id = key_.context_id;

  std::string preferred_instance_id;
  std::shared_ptr<const CachedSession> cached = environment_->cache.Get(key_.context_id);
  if (cached != nullptr) preferred_instance_id = cached->session->gateway.info->instance_id;
  candidates_ =
      ChooseGateways(environment_->directory->Reachable(), key_.hash, preferred_instance_id);
  if (candidates_.size() > kGatewayLimit) candidates_.resize(kGatewayLimit);
  if (candidates_.empty()) {
    ForwardWithoutGateway();
  } else {
    TryNextGateway();
  }
}

void OfferProcedure::ForwardWithoutGateway() {
  session_.plan = PlanOffer(session_.offer, OfferFactsOf(session_.record, GatewayInfo()));
  const std::vector<OfferedStream>& streams = session_.plan.streams;
  if (session_.plan.rejection.has_value()) return Reject(*session_.plan.rejection);
  if (std::any_of(streams.begin(), streams.end(),
                  [](const OfferedStream& stream) { return stream.handling == Handling::kE2ae; })) {
    return Fail(SessionError(ims::alg::v1::ERROR_REASON_NO_GATEWAY,
                             "no IMS-AGW can be reached, or all are draining"));
  }
  Forward();
}

void OfferProcedure::TryNextGateway() {
  session_.gateway = candidates_[next_candidate_++];
  session_.plan = PlanOffer(session_.offer, OfferFactsOf(session_.record, *session_.gateway.info));
  if (session_.plan.rejection.has_value()) return Reject(*session_.plan.rejection);
  std::vector<const OfferedStream*> anchored;
  for (const OfferedStream& stream : session_.plan.streams) {
    if (stream.handling == Handling::kE2ae) anchored.push_back(&stream);
  }
  if (anchored.empty()) return Forward();
  const absl::Status fits = CheckRecordSize(session_.record);
  if (!fits.ok()) return Fail(fits);
  Reserve(anchored);
}

CallScope OfferProcedure::AttemptScope() const {
  CallScope scope = scope_;
  if (next_candidate_ < candidates_.size() && scope.deadline != absl::InfiniteFuture()) {
    // An IMS-AGW that does not answer must leave time to ask another one.
    const absl::Time now = absl::Now();
    scope.deadline = now + (scope.deadline - now) / 2;
  }
  return scope;
}

void OfferProcedure::Reserve(const std::vector<const OfferedStream*>& streams) {
  const CallScope scope = AttemptScope();
  parts_.assign(2 * streams.size(), Part());
  pending_count_ = parts_.size();
  std::vector<iq::ReserveConnectionPointRequest> access_requests;
  std::vector<iq::ReserveAndConfigureConnectionPointRequest> core_requests;
  for (size_t i = 0; i < streams.size(); ++i) {
    access_requests.push_back(
        ReserveAccess(session_.context_id, *streams[i], session_.record, environment_->policy));
    access_requests[i].set_transaction_id(environment_->transaction_ids.Next());
    core_requests.push_back(ReserveCore(session_.context_id, *streams[i], environment_->policy));
    core_requests[i].set_transaction_id(environment_->transaction_ids.Next());
    parts_[2 * i].termination = access_requests[i].termination();
    parts_[2 * i + 1].termination = core_requests[i].termination();
  }
  access_requests[0].mutable_controller_state()->set_data(session_.record.SerializeAsString());
  // The last callback may come, and go on with the procedure, before the last call has returned.
  std::shared_ptr<MediaGateway> media_gateway = session_.gateway.media_gateway;
  const size_t stream_count = streams.size();
  for (size_t i = 0; i < stream_count; ++i) {
    media_gateway->ReserveConnectionPoint(std::move(access_requests[i]), scope,
                                          StorePart<iq::ReserveConnectionPointResponse>(2 * i));
    media_gateway->ReserveAndConfigureConnectionPoint(
        std::move(core_requests[i]), scope,
        StorePart<iq::ReserveAndConfigureConnectionPointResponse>(2 * i + 1));
  }
}

template <typename Response>
MediaGateway::Done<Response> OfferProcedure::StorePart(size_t index) {
  return [self = shared_from_this(), index](absl::StatusOr<Response> result) {
    Part& part = self->parts_[index];
    part.status = result.status();
    if (result.ok()) {
      part.local_address = std::move(*result->mutable_local_address());
      part.local_fingerprints = std::move(*result->mutable_local_fingerprints());
    }
    if (self->pending_count_.fetch_sub(1) == 1) self->OnReserved();
  };
}

void OfferProcedure::OnReserved() {
  absl::Status failure;
  bool exists = false;
  for (const Part& part : parts_) {
    if (HasIqReason(part.status, "TERMINATION_EXISTS") ||
        HasIqReason(part.status, "REVISION_CONFLICT")) {
      exists = true;
    } else if (failure.ok() || IsUncertain(failure)) {
      // What the IMS-AGW says counts more than that it did not say anything.
      if (!part.status.ok()) failure = part.status;
    }
  }
  if (exists) {
    if (failure.ok()) return AuditExisting();
    return ReleaseOwnParts(
        [self = shared_from_this(), failure] { self->Fail(FromIqError(failure)); });
  }
  if (failure.ok() && IsAbandoned()) failure = absl::CancelledError("the caller has gone");
  session_.reservations.clear();
  for (size_t i = 0; i + 1 < parts_.size() && failure.ok(); i += 2) {
    absl::StatusOr<Reservation> reservation =
        MakeReservation(parts_[i].termination.stream_id(), parts_[i].local_address,
                        parts_[i].local_fingerprints, parts_[i + 1].local_address);
    if (reservation.ok()) {
      session_.reservations.push_back(*std::move(reservation));
    } else {
      failure = reservation.status();
    }
  }
  if (!failure.ok()) return OnFailed(failure);
  session_.revision = 1;
  Forward();
}

void OfferProcedure::OnFailed(const absl::Status& failure) {
  last_failure_ = failure;
  const bool is_retried =
      next_candidate_ < candidates_.size() && IsWorthAnotherGateway(failure) && !IsAbandoned();
  if (is_retried) {
    // The one that failed may take its time to say so again; the caller need not wait for that.
    ReleaseContext([] {});
    return TryNextGateway();
  }
  ReleaseContext([self = shared_from_this(), failure] {
    if (HasIqReason(failure, "REMOTE_ADDRESS_FORBIDDEN")) {
      self->Reject({RejectReason::kRemoteAddressForbidden,
                    "the IMS-AGW does not connect to the address of the offer"});
    } else {
      self->Fail(FromIqError(failure));
    }
  });
}

void OfferProcedure::AuditExisting() {
  iq::AuditContextRequest request;
  request.set_context_id(session_.context_id);
  session_.gateway.media_gateway->AuditContext(
      std::move(request), scope_,
      [self = shared_from_this()](absl::StatusOr<iq::AuditContextResponse> audit) {
        const absl::Status status =
            audit.ok() ? self->TakeOver(*audit) : FromIqError(audit.status());
        if (status.ok()) return self->Forward();
        self->ReleaseOwnParts([self, status] { self->Fail(status); });
      });
}

absl::Status OfferProcedure::TakeOver(const iq::AuditContextResponse& audit) {
  absl::StatusOr<OfferedSession> existing = FromAudit(session_.gateway, audit);
  if (!existing.ok() || !IsSameOffer(existing->record, session_.record)) {
    return SessionError(ims::alg::v1::ERROR_REASON_REQUEST_REUSED,
                        "the request id was used for another offer");
  }
  for (const Reservation& reservation : existing->reservations) {
    // Released by an earlier run that failed, or by an answer: there is no such offer any more.
    if (reservation.access_fingerprints.empty()) {
      return SessionError(ims::alg::v1::ERROR_REASON_SESSION_CHANGED,
                          "the session is being changed by another call");
    }
  }
  session_ = *std::move(existing);
  return absl::OkStatus();
}

void OfferProcedure::Forward() {
  ProcessOfferResponse response;
  SetForward(session_.plan, RewriteOffer(session_.offer, session_.plan, session_.reservations),
             &response);
  if (!session_.reservations.empty()) {
    response.set_session_id(session_.session_id());
    // An entry that knows the answer is worth more, and one of an answered session would be wrong.
    if (session_.record.state() == ims::alg::v1::SESSION_STATE_OFFERED) {
      auto cached = std::make_shared<CachedSession>();
      cached->session = std::make_shared<const OfferedSession>(std::move(session_));
      environment_->cache.Put(std::move(cached));
    }
  }
  done_(std::move(response));
}

void OfferProcedure::ReleaseContext(absl::AnyInvocable<void()> then) {
  iq::TerminationId context;
  context.set_context_id(session_.context_id);
  ReleaseSurely(session_.gateway.media_gateway, std::move(context),
                environment_->transaction_ids.Next(),
                [then = std::move(then)](const auto&) mutable { then(); });
}

void OfferProcedure::ReleaseOwnParts(absl::AnyInvocable<void()> then) {
  std::vector<iq::TerminationId> own;
  for (const Part& part : parts_) {
    if (part.status.ok() || IsUncertain(part.status)) own.push_back(part.termination);
  }
  if (own.empty()) return then();
  auto remaining = std::make_shared<std::atomic<size_t>>(own.size());
  auto last = std::make_shared<absl::AnyInvocable<void()>>(std::move(then));
  for (iq::TerminationId& termination : own) {
    ReleaseSurely(session_.gateway.media_gateway, std::move(termination),
                  environment_->transaction_ids.Next(), [remaining, last](const auto&) {
                    if (remaining->fetch_sub(1) == 1) (*last)();
                  });
  }
}

bool OfferProcedure::IsAbandoned() const {
  return absl::Now() >= scope_.deadline ||
         (scope_.cancellation != nullptr && scope_.cancellation->cancelled());
}

void OfferProcedure::Reject(const Rejection& rejection) {
  ProcessOfferResponse response;
  session_.plan.rejection = rejection;
  SetRejection(session_.plan, &response);
  done_(std::move(response));
}

void OfferProcedure::Fail(absl::Status error) { done_(std::move(error)); }

}  // namespace alg
