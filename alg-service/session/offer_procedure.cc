#include "alg-service/session/offer_procedure.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "alg-service/offer_answer/rewrite.h"
#include "alg-service/sdp/parser.h"
#include "alg-service/sdp/session_description.h"
#include "alg-service/session/gateway_choice.h"
#include "alg-service/session/iq_call.h"
#include "alg-service/session/outcome.h"
#include "alg-service/session/reservation.h"
#include "alg-service/session/session_error.h"
#include "alg-service/session/session_id.h"
#include "alg-service/session/session_record.h"
#include "alg-service/session/session_snapshot.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;
using ims::alg::v1::ProcessOfferRequest;
using ims::alg::v1::ProcessOfferResponse;
using Attempts = std::vector<std::shared_ptr<ReservationAttempt>>;

// After this many IMS-AGWs that are full or away the caller is better off with an answer. Those
// that are late do not count: what they cost is little, and bounded by the caller's deadline.
constexpr int kRefusalLimit = 3;

// Conflicts with others until the caller is asked to repeat.
constexpr int kTakeOverLimit = 3;

bool IsAnchored(const OfferedStream& stream) { return stream.handling == Handling::kE2ae; }

bool HasAnchored(const OfferPlan& plan) {
  return std::any_of(plan.streams.begin(), plan.streams.end(), IsAnchored);
}

bool IsAbandoned(const CallScope& scope) {
  return common::MonotonicTime::Now() >= scope.deadline ||
         (scope.cancellation != nullptr && scope.cancellation->cancelled());
}

ProcessOfferResponse Reject(OfferPlan plan, const Rejection& rejection) {
  plan.rejection = rejection;
  ProcessOfferResponse response;
  SetRejection(plan, &response);
  return response;
}

ProcessOfferResponse Forward(SessionResources& resources, const SessionSnapshot& session) {
  ProcessOfferResponse response;
  SetForward(session.plan, RewriteOffer(session.offer, session.plan, session.reservations),
             &response);
  if (session.reservations.empty()) return response;
  response.set_session_id(session.session_id());
  // An entry that knows the answer is worth more, and one of an answered session would be wrong.
  if (StateOf(session.record) == ims::alg::v1::SESSION_STATE_OFFERED) {
    auto cached = std::make_shared<CachedSession>();
    cached->session = std::make_shared<const SessionSnapshot>(session);
    resources.cache.Put(std::move(cached));
  }
  return response;
}

// What an offer becomes that no IMS-AGW is there for.
absl::StatusOr<ProcessOfferResponse> ForwardWithoutGateway(SessionResources& resources,
                                                           SessionSnapshot session) {
  session.plan = PlanOffer(session.offer, OfferFactsOf(session.record, GatewayInfo()));
  if (session.plan.rejection.has_value()) return Reject(session.plan, *session.plan.rejection);
  if (HasAnchored(session.plan)) {
    return SessionError(ims::alg::v1::ERROR_REASON_NO_GATEWAY,
                        "no IMS-AGW can be reached, or all are draining");
  }
  return Forward(resources, session);
}

// The session of another run of the same request, whose context `wanted` has found taken.
Task<absl::StatusOr<SessionSnapshot>> TakeOver(std::shared_ptr<SessionResources> resources,
                                               SessionSnapshot wanted, CallScope scope) {
  const absl::Status changed = SessionError(ims::alg::v1::ERROR_REASON_SESSION_CHANGED,
                                            "the session is being changed by another call");
  for (int i = 0; i < kTakeOverLimit; ++i) {
    absl::StatusOr<iq::AuditContextResponse> audit =
        co_await Audit(wanted.gateway, wanted.context_id, scope);
    if (audit.status().code() == absl::StatusCode::kNotFound) co_return changed;
    if (!audit.ok()) co_return FromIqError(audit.status());
    absl::StatusOr<SessionSnapshot> session = FromAudit(wanted.gateway, *audit);
    if (!session.ok()) co_return session.status();
    if (!IsSameOffer(session->record, wanted.record)) {
      co_return SessionError(ims::alg::v1::ERROR_REASON_REQUEST_REUSED,
                             "the request id was used for another offer");
    }
    // Not all there yet, or not any more: another run is at work, or an answer was.
    for (const Reservation& reservation : session->reservations) {
      if (reservation.access_fingerprints.empty()) co_return changed;
    }
    if (StateOf(session->record) == ims::alg::v1::SESSION_STATE_ANSWERED) co_return session;

    // Not under the name of the attempt, which may be cleaned up.
    session->record.set_reserved_by(resources->ids.Next());
    iq::ConfigureConnectionPointRequest request;
    // Nothing but the record: T2 has been configured, and stays as it is.
    iq::TerminationId* core = request.mutable_termination();
    core->set_context_id(wanted.context_id);
    core->set_stream_id(session->reservations[0].stream_id);
    core->set_side(iq::SIDE_CORE);
    request.set_transaction_id(resources->ids.Next());
    request.mutable_controller_state()->set_data(session->record.SerializeAsString());
    request.mutable_controller_state()->set_expected_revision(session->revision);
    absl::StatusOr<iq::ConfigureConnectionPointResponse> taken =
        co_await Call(wanted.gateway.media_gateway, &MediaGateway::ConfigureConnectionPoint,
                      std::move(request), scope);
    if (taken.ok()) {
      session->revision = taken->controller_state_revision();
      co_return session;
    }
    if (taken.status().code() == absl::StatusCode::kNotFound) co_return changed;
    if (!HasIqReason(taken.status(), "REVISION_CONFLICT")) co_return FromIqError(taken.status());
  }
  co_return changed;
}

// What an offer becomes that no IMS-AGW has taken.
absl::StatusOr<ProcessOfferResponse> Refuse(const OfferPlan& plan, const absl::Status& failure) {
  if (HasIqReason(failure, "REMOTE_ADDRESS_FORBIDDEN")) {
    return Reject(plan, {RejectReason::kRemoteAddressForbidden,
                         "the IMS-AGW does not connect to the address of the offer"});
  }
  return FromIqError(failure);
}

// Several attempts at once, of which the first to have reserved is wanted.
class ReservationRace {
 public:
  explicit ReservationRace(size_t attempt_count) : undecided_count_(attempt_count) {}

  // Happens when one has reserved, when one was refused in a way that the others would be, too, or
  // when all have failed. For one coroutine.
  Event& decided() { return decided_; }

  // The one that has reserved, or else why another one has not. For after that.
  absl::StatusOr<std::shared_ptr<ReservationAttempt>> result() const {
    common::MutexLock lock(mutex_);
    if (winner_ == nullptr) return failure_;
    return winner_;
  }

  // `attempt` takes part, and is cleaned up unless it wins.
  static DetachedTask Join(std::shared_ptr<ReservationRace> race,
                           std::shared_ptr<ReservationAttempt> attempt) {
    co_await attempt->answered();
    if (!race->Wins(attempt)) ReservationAttempt::CleanUp(std::move(attempt));
    if (race->IsDecided()) race->decided_.Set();
  }

 private:
  bool Wins(const std::shared_ptr<ReservationAttempt>& attempt) {
    common::MutexLock lock(mutex_);
    if (undecided_count_ == 0) return false;
    --undecided_count_;
    if (attempt->status().ok()) {
      winner_ = attempt;
      undecided_count_ = 0;
      return true;
    }
    if (failure_.ok() || IsUncertain(failure_)) failure_ = attempt->status();
    if (!IsWorthAnotherGateway(attempt->status())) {
      failure_ = attempt->status();
      undecided_count_ = 0;
    }
    return false;
  }
  bool IsDecided() const {
    common::MutexLock lock(mutex_);
    return undecided_count_ == 0;
  }

  Event decided_;
  mutable common::Mutex mutex_;
  size_t undecided_count_ ABSL_GUARDED_BY(mutex_);  // Of attempts that may still change the result.
  std::shared_ptr<ReservationAttempt> winner_ ABSL_GUARDED_BY(mutex_);
  absl::Status failure_ ABSL_GUARDED_BY(mutex_);
};

// The first of `attempts`, of which there is one at least, to have reserved. Cleans up the others.
Task<absl::StatusOr<std::shared_ptr<ReservationAttempt>>> FirstReserved(Attempts attempts) {
  auto race = std::make_shared<ReservationRace>(attempts.size());
  for (std::shared_ptr<ReservationAttempt>& attempt : attempts) {
    ReservationRace::Join(race, std::move(attempt));
  }
  co_await race->decided();
  co_return race->result();
}

// Asks one IMS-AGW after the other. Those that are late when another one has decided are left to
// the caller to clean up.
Task<absl::StatusOr<ProcessOfferResponse>> ReserveSomewhere(
    std::shared_ptr<SessionResources> resources, SessionSnapshot session,
    std::vector<Gateway> candidates, CallScope scope, Attempts& late) {
  absl::Status failure;
  int refusal_count = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const bool is_last = i + 1 == candidates.size();
    session.gateway = candidates[i];
    session.plan = PlanOffer(session.offer, OfferFactsOf(session.record, *session.gateway.info));
    if (session.plan.rejection.has_value()) {
      co_return Reject(session.plan, *session.plan.rejection);
    }
    if (!HasAnchored(session.plan)) co_return Forward(*resources, session);
    const absl::Status fits = CheckRecordSize(session.record);
    if (!fits.ok()) co_return fits;

    if (IsAbandoned(scope) && !late.empty()) break;
    std::shared_ptr<ReservationAttempt> attempt =
        ReservationAttempt::Begin(resources, session, scope);
    if (is_last && late.empty()) {
      co_await attempt->answered();
    } else {
      const bool in_time =
          co_await ReservationAttempt::AnsweredWithin(attempt, resources->policy.attempt_timeout);
      if (!in_time) {
        late.push_back(std::move(attempt));
        continue;
      }
    }
    if (attempt->is_taken()) {
      ReservationAttempt::CleanUp(attempt);
      absl::StatusOr<SessionSnapshot> taken = co_await TakeOver(resources, session, scope);
      if (!taken.ok()) co_return taken.status();
      co_return Forward(*resources, *taken);
    }
    failure = attempt->status();
    if (failure.ok() && !IsAbandoned(scope)) co_return Forward(*resources, attempt->session());
    if (failure.ok()) failure = absl::CancelledError("the caller has gone");
    ReservationAttempt::CleanUp(attempt);
    if (IsAbandoned(scope) || !IsWorthAnotherGateway(failure)) {
      co_await attempt->looked();
      co_return Refuse(session.plan, failure);
    }
    const bool enough = ++refusal_count == kRefusalLimit;
    if ((is_last || enough) && late.empty()) co_await attempt->looked();
    if (enough) break;
  }
  // Nobody has taken it: one that was late may have.
  if (!late.empty()) {
    const absl::StatusOr<std::shared_ptr<ReservationAttempt>> attempt =
        co_await FirstReserved(std::exchange(late, Attempts()));
    if (attempt.ok() && !IsAbandoned(scope)) co_return Forward(*resources, (*attempt)->session());
    if (attempt.ok()) ReservationAttempt::CleanUp(*attempt);
    const absl::Status late_failure =
        attempt.ok() ? absl::CancelledError("the caller has gone") : attempt.status();
    // What an IMS-AGW has said counts more than that another one has said nothing.
    if (failure.ok() || IsUncertain(failure) || !IsUncertain(late_failure)) failure = late_failure;
  }
  co_return Refuse(session.plan, failure);
}

// A later offer of a session. Until it is known what to do with it, its session is left as it is.
Task<absl::StatusOr<ProcessOfferResponse>> RefuseReoffer(
    std::shared_ptr<SessionResources> resources, std::string session_id, CallScope scope) {
  absl::StatusOr<SessionId> id = SessionId::Parse(session_id);
  if (!id.ok()) co_return id.status();
  absl::StatusOr<Gateway> gateway = FindGateway(*resources->directory, *id);
  if (!gateway.ok()) co_return gateway.status();
  absl::StatusOr<iq::AuditContextResponse> audit = co_await Audit(*gateway, id->context_id, scope);
  if (!audit.ok()) co_return FromIqError(audit.status());
  absl::StatusOr<SessionSnapshot> session = FromAudit(*gateway, *audit);
  if (!session.ok()) co_return session.status();
  co_return SessionError(ims::alg::v1::ERROR_REASON_REOFFER_UNSUPPORTED,
                         "later offers of a session are not handled; it goes on as it was",
                         {{"field", "session_id"}, {"sip_status", "488"}});
}

}  // namespace

Task<absl::StatusOr<ProcessOfferResponse>> ProcessOffer(std::shared_ptr<SessionResources> resources,
                                                        ProcessOfferRequest request,
                                                        CallScope scope) {
  absl::StatusOr<SessionDescription> offer = ParseSessionDescription(request.sdp());
  if (!offer.ok()) co_return offer.status();
  for (Deviation kind : offer->deviations) resources->metrics->CountSdpDeviation(ToString(kind));
  if (!request.session_id().empty()) {
    co_return co_await RefuseReoffer(resources, request.session_id(), scope);
  }
  const RequestKey key = MakeRequestKey(request.request_id());
  SessionSnapshot session;
  session.context_id = key.context_id;
  session.offer = *std::move(offer);
  session.record = MakeRecord(request, resources->policy, resources->ids.Next());

  std::string preferred_instance_id;
  if (std::shared_ptr<const CachedSession> cached = resources->cache.Get(key.context_id)) {
    preferred_instance_id = cached->session->gateway.info->instance_id;
  }
  std::vector<Gateway> candidates =
      ChooseGateways(resources->directory->Reachable(), key.hash, preferred_instance_id);
  if (candidates.empty()) co_return ForwardWithoutGateway(*resources, std::move(session));

  Attempts late;
  absl::StatusOr<ProcessOfferResponse> response =
      co_await ReserveSomewhere(resources, std::move(session), std::move(candidates), scope, late);
  for (std::shared_ptr<ReservationAttempt>& attempt : late) {
    ReservationAttempt::CleanUp(std::move(attempt));
  }
  co_return response;
}

}  // namespace alg
