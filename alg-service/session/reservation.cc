#include "alg-service/session/reservation.h"

#include <algorithm>
#include <utility>

#include "alg-service/session/iq_call.h"
#include "alg-service/session/iq_request.h"
#include "alg-service/session/release.h"
#include "alg-service/session/session_error.h"
#include "alg-service/session/session_record.h"
#include "common/log.h"
#include "common/monotonic_time.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;

constexpr absl::Duration kAuditTime = absl::Seconds(1);

// Between two looks at what may have been reserved.
constexpr absl::Duration kFirstPause = absl::Seconds(1);
constexpr absl::Duration kLongestPause = absl::Seconds(30);

// By then the IMS-AGW's own timers have released what it has not heard of again.
constexpr absl::Duration kCleanUpTime = absl::Minutes(15);

}  // namespace

struct ReservationAttempt::Part {
  template <typename Response>
  explicit Part(absl::StatusOr<Response> response) : status(response.status()) {
    if (!response.ok()) return;
    local_address = std::move(*response->mutable_local_address());
    local_fingerprints = std::move(*response->mutable_local_fingerprints());
    revision = response->controller_state_revision();
  }

  absl::Status status;
  iq::TransportAddress local_address;
  google::protobuf::RepeatedPtrField<iq::Fingerprint> local_fingerprints;
  uint64_t revision = 0;
};

ReservationAttempt::ReservationAttempt(std::shared_ptr<SessionResources> resources,
                                       SessionSnapshot session, CallScope scope)
    : resources_(std::move(resources)), session_(std::move(session)), scope_(std::move(scope)) {}

std::shared_ptr<ReservationAttempt> ReservationAttempt::Begin(
    std::shared_ptr<SessionResources> resources, SessionSnapshot session, CallScope scope) {
  std::shared_ptr<ReservationAttempt> attempt(
      new ReservationAttempt(std::move(resources), std::move(session), std::move(scope)));
  Ask(attempt);
  return attempt;
}

DetachedTask ReservationAttempt::Ask(std::shared_ptr<ReservationAttempt> asking) {
  const RunningProcedures::Entry entry(asking->resources_->running, asking->scope_.cancellation);
  const std::shared_ptr<ReservationAttempt> attempt = std::move(asking);  // Goes before the entry.
  const SessionSnapshot& session = attempt->session_;
  const SessionPolicy& policy = attempt->resources_->policy;
  UniqueIds& ids = attempt->resources_->ids;
  const std::shared_ptr<MediaGateway> gateway = session.gateway.media_gateway;
  // It expects the revision 0, in every part.
  iq::ControllerState first_record;
  first_record.set_data(session.record.SerializeAsString());

  std::vector<Task<absl::StatusOr<iq::ReserveConnectionPointResponse>>> access_calls;
  std::vector<Task<absl::StatusOr<iq::ReserveAndConfigureConnectionPointResponse>>> core_calls;
  for (const OfferedStream& stream : session.plan.streams) {
    if (stream.handling != Handling::kE2ae) continue;
    iq::ReserveConnectionPointRequest access =
        ReserveAccess(session.context_id, stream, session.record, policy);
    access.set_transaction_id(ids.Next());
    *access.mutable_controller_state() = first_record;
    access_calls.push_back(
        Call(gateway, &MediaGateway::ReserveConnectionPoint, std::move(access), attempt->scope_));
    iq::ReserveAndConfigureConnectionPointRequest core =
        ReserveCore(session.context_id, stream, policy);
    core.set_transaction_id(ids.Next());
    *core.mutable_controller_state() = first_record;
    core_calls.push_back(Call(gateway, &MediaGateway::ReserveAndConfigureConnectionPoint,
                              std::move(core), attempt->scope_));
  }
  std::vector<Part> access_parts, core_parts;
  for (const auto& call : access_calls) access_parts.emplace_back(co_await call);
  for (const auto& call : core_calls) core_parts.emplace_back(co_await call);
  attempt->Conclude(access_parts, core_parts);
  attempt->answered_.Set();
  attempt->answered_or_late_.Set();
}

void ReservationAttempt::Conclude(const std::vector<Part>& access_parts,
                                  const std::vector<Part>& core_parts) {
  bool is_there_already = false;
  for (const std::vector<Part>* parts : {&access_parts, &core_parts}) {
    for (const Part& part : *parts) {
      if (part.status.ok()) {
        session_.revision = part.revision;
      } else if (HasIqReason(part.status, "TERMINATION_EXISTS") ||
                 HasIqReason(part.status, "REVISION_CONFLICT")) {
        is_there_already = true;
      } else {
        is_uncertain_ |= IsUncertain(part.status);
        if (status_.ok() || IsUncertain(status_)) status_ = part.status;
      }
    }
  }
  is_taken_ = is_there_already && session_.revision == 0;
  if (is_there_already && status_.ok()) {
    status_ = SessionError(ims::alg::v1::ERROR_REASON_SESSION_CHANGED,
                           "the session is being changed by another call");
  }
  size_t i = 0;
  for (const OfferedStream& stream : session_.plan.streams) {
    if (!status_.ok()) break;
    if (stream.handling != Handling::kE2ae) continue;
    absl::StatusOr<Reservation> reservation =
        MakeReservation(stream.stream_id, access_parts[i].local_address,
                        access_parts[i].local_fingerprints, core_parts[i].local_address);
    ++i;
    if (reservation.ok()) {
      session_.reservations.push_back(*std::move(reservation));
    } else {
      status_ = reservation.status();
    }
  }
  resources_->metrics->CountReservation(OutcomeName());
}

const char* ReservationAttempt::OutcomeName() const {
  if (status_.ok()) return "reserved";
  if (is_taken_) return "taken";
  return IsUncertain(status_) ? "unanswered" : "refused";
}

Task<bool> ReservationAttempt::AnsweredWithin(std::shared_ptr<ReservationAttempt> attempt,
                                              absl::Duration timeout) {
  if (attempt->answered_.happened()) co_return true;
  attempt->resources_->timers->Start(timeout, [attempt] { attempt->answered_or_late_.Set(); });
  co_await attempt->answered_or_late_;
  if (attempt->answered_.happened()) co_return true;
  attempt->resources_->metrics->CountReservation("late");
  common::Log(common::Severity::kWarning, "gateway_late",
              {{"gateway", attempt->session_.gateway.info->instance_id},
               {"context_id", attempt->session_.context_id}});
  co_return false;
}

DetachedTask ReservationAttempt::CleanUp(std::shared_ptr<ReservationAttempt> undone) {
  const RunningProcedures::Entry entry(undone->resources_->running, nullptr);
  const std::shared_ptr<ReservationAttempt> attempt = std::move(undone);  // Goes before the entry.
  co_await attempt->answered_;
  uint64_t known_revision = attempt->session_.revision;
  bool is_done = known_revision == 0 && !attempt->is_uncertain_;
  bool nothing_was_there = false;
  absl::Duration pause = kFirstPause, waited;
  while (!is_done) {
    const Look look = co_await attempt->ReleaseOurs(std::exchange(known_revision, 0));
    attempt->looked_.Set();
    // What the IMS-AGW had received but not read when the call ended is done between two looks.
    is_done = look != Look::kUnknown &&
              (!attempt->is_uncertain_ || (look == Look::kNothing && nothing_was_there));
    if (is_done) break;
    nothing_was_there = look == Look::kNothing;
    const bool goes_on =
        waited < kCleanUpTime && co_await Sleep(attempt->resources_->timers, pause);
    if (!goes_on) {
      common::Log(common::Severity::kWarning, "reservation_not_cleaned_up",
                  {{"gateway", attempt->session_.gateway.info->instance_id},
                   {"context_id", attempt->session_.context_id}});
      break;
    }
    waited += pause;
    pause = look == Look::kUnknown ? std::min(2 * pause, kLongestPause) : kFirstPause;
  }
  attempt->looked_.Set();
}

Task<ReservationAttempt::Look> ReservationAttempt::ReleaseOurs(uint64_t known_revision) {
  uint64_t revision = known_revision;
  if (revision == 0) {
    CallScope scope;
    scope.deadline = common::MonotonicTime::Now() + kAuditTime;
    absl::StatusOr<iq::AuditContextResponse> audit =
        co_await Audit(session_.gateway, session_.context_id, scope);
    if (!audit.ok()) {
      const bool is_gone = audit.status().code() == absl::StatusCode::kNotFound ||
                           IsLost(*resources_->directory, *session_.gateway.info);
      co_return is_gone ? Look::kNothing : Look::kUnknown;
    }
    absl::StatusOr<ims::alg::v1::SessionRecord> record = ParseRecord(audit->controller_state());
    if (!record.ok() || record->reserved_by() != session_.record.reserved_by()) {
      co_return Look::kNothing;
    }
    revision = audit->controller_state_revision();
  }
  iq::TerminationId context;
  context.set_context_id(session_.context_id);
  absl::StatusOr<iq::ReleaseTerminationResponse> released =
      co_await Release(resources_, session_.gateway, std::move(context), revision);
  if (released.ok()) co_return Look::kReleased;
  co_return HasIqReason(released.status(), "REVISION_CONFLICT") ? Look::kNothing : Look::kUnknown;
}

}  // namespace alg
