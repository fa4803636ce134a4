#include "agw-service/context/context.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agw-service/context/iq_error.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace agw {
namespace {

absl::Status NoTermination() {
  return IqError(absl::StatusCode::kNotFound, "TERMINATION_UNKNOWN",
                 "the context has no such termination", "termination");
}

}  // namespace

Context::Context(WorkerResources& resources, std::string id, std::function<void()> on_hanging)
    : resources_(resources),
      id_(std::move(id)),
      on_hanging_(std::move(on_hanging)),
      creation_time_(absl::Now()),
      history_(resources.limits.history_limit),
      last_named_(resources.loop.Now()) {
  WatchHanging();
}

Context::~Context() { resources_.loop.CancelTimer(hanging_timer_); }

void Context::Touch() { last_named_ = resources_.loop.Now(); }

void Context::WatchHanging() {
  hanging_timer_ = resources_.loop.AddTimer(last_named_ + resources_.limits.hold_time, [this] {
    hanging_timer_ = 0;
    const common::MonotonicTime now = resources_.loop.Now();
    for (const auto& [id, stream] : streams_) {
      if (stream->active()) last_named_ = now;
    }
    if (now - last_named_ < resources_.limits.hold_time) return WatchHanging();
    on_hanging_();
  });
}

const Termination* Context::FindTermination(TerminationKey key) const {
  const auto stream = streams_.find(key.stream_id);
  return stream == streams_.end() ? nullptr : stream->second->termination(key.side);
}

absl::Status Context::CheckRevision(uint64_t expected_revision, absl::string_view field) const {
  if (expected_revision == controller_state_revision_) return absl::OkStatus();
  return IqError(absl::StatusCode::kAborted, "REVISION_CONFLICT",
                 absl::StrCat("the stored revision is ", controller_state_revision_), field);
}

absl::Status Context::CheckControllerState(
    const absl::optional<ControllerStateUpdate>& state) const {
  if (!state.has_value() || IsStored(*state)) return absl::OkStatus();
  return CheckRevision(state->expected_revision, "controller_state.expected_revision");
}

bool Context::IsStored(const ControllerStateUpdate& state) const {
  return state.expected_revision == 0 && controller_state_revision_ != 0 &&
         state.data == controller_state_;
}

void Context::StoreControllerState(const absl::optional<ControllerStateUpdate>& state) {
  if (!state.has_value() || IsStored(*state)) return;
  controller_state_ = state->data;
  controller_state_revision_ = ++resources_.last_controller_state_revision;
}

void Context::RememberCall(ProcedureCall::Procedure procedure, uint32_t stream_id,
                           absl::optional<Side> side) {
  history_.Add({absl::Now(), stream_id, side, ProcedureCall{procedure, ""}});
}

void Context::RememberFailure(const absl::Status& status) {
  history_.SetErrorReason(common::ErrorReasonOf(status));
}

void Context::Report(uint32_t stream_id, Side side, EventKind kind) {
  const absl::Time now = absl::Now();
  history_.Add({now, stream_id, side, kind});
  resources_.event_sink(Event{now, id_, stream_id, side, std::move(kind)});
}

absl::Status Context::ReserveConnectionPoint(TerminationKey key, const LocalDescriptor& local,
                                             const absl::optional<RemoteDescriptor>& remote,
                                             const BearerControl& control,
                                             const absl::optional<ControllerStateUpdate>& state,
                                             const absl::optional<ContextAttributes>& attributes) {
  RememberCall(remote.has_value() ? ProcedureCall::Procedure::kReserveAndConfigure
                                  : ProcedureCall::Procedure::kReserve,
               key.stream_id, key.side);
  absl::Status reserved = Reserve(key, local, remote, control, state, attributes);
  if (!reserved.ok()) RememberFailure(reserved);
  return reserved;
}

absl::Status Context::Reserve(TerminationKey key, const LocalDescriptor& local,
                              const absl::optional<RemoteDescriptor>& remote,
                              const BearerControl& control,
                              const absl::optional<ControllerStateUpdate>& state,
                              const absl::optional<ContextAttributes>& attributes) {
  if (FindTermination(key) != nullptr) {
    return IqError(absl::StatusCode::kAlreadyExists, "TERMINATION_EXISTS",
                   "reserved by another transaction", "termination");
  }
  RETURN_IF_ERROR(CheckControllerState(state));
  std::unique_ptr<MediaStream>& stream = streams_[key.stream_id];
  if (stream == nullptr) {
    stream = std::make_unique<MediaStream>(
        resources_, [this, stream_id = key.stream_id](Side side, EventKind kind) {
          Report(stream_id, side, std::move(kind));
        });
  }
  LocalDescriptor with_privilege = local;
  with_privilege.privileged = attributes.value_or(attributes_).privileged();
  absl::Status reserved = stream->Reserve(key.side, with_privilege, remote, control);
  if (!reserved.ok()) {
    if (stream->empty()) streams_.erase(key.stream_id);
    return reserved;
  }
  StoreControllerState(state);
  attributes_ = attributes.value_or(attributes_);
  return absl::OkStatus();
}

absl::Status Context::ConfigureConnectionPoint(
    TerminationKey key, const RemoteDescriptor& remote, const BearerControl& control,
    const absl::optional<ControllerStateUpdate>& state,
    const absl::optional<ContextAttributes>& attributes) {
  RememberCall(ProcedureCall::Procedure::kConfigure, key.stream_id, key.side);
  absl::Status configured = Configure(key, remote, control, state, attributes);
  if (!configured.ok()) RememberFailure(configured);
  return configured;
}

absl::Status Context::Configure(TerminationKey key, const RemoteDescriptor& remote,
                                const BearerControl& control,
                                const absl::optional<ControllerStateUpdate>& state,
                                const absl::optional<ContextAttributes>& attributes) {
  if (FindTermination(key) == nullptr) return NoTermination();
  RETURN_IF_ERROR(CheckControllerState(state));
  MediaStream& stream = *streams_[key.stream_id];
  RETURN_IF_ERROR(stream.CheckConfigure(key.side, remote, control));
  StoreControllerState(state);
  attributes_ = attributes.value_or(attributes_);
  stream.Configure(key.side, remote, control);
  return absl::OkStatus();
}

void Context::CloseForDrain() {
  for (const auto& [id, stream] : streams_) stream->CloseForDrain();
}

absl::StatusOr<std::vector<Context::Released>> Context::ReleaseTermination(
    uint32_t stream_id, absl::optional<Side> side, absl::optional<uint64_t> expected_revision) {
  RememberCall(ProcedureCall::Procedure::kRelease, stream_id, side);
  absl::StatusOr<std::vector<Released>> released = Release(stream_id, side, expected_revision);
  if (!released.ok()) RememberFailure(released.status());
  return released;
}

absl::StatusOr<std::vector<Context::Released>> Context::Release(
    uint32_t stream_id, absl::optional<Side> side, absl::optional<uint64_t> expected_revision) {
  std::vector<Released> released;
  for (const auto& [id, stream] : streams_) {
    if (stream_id != 0 && id != stream_id) continue;
    for (Side each : {Side::kAccess, Side::kCore}) {
      if (stream->termination(each) == nullptr || (side.has_value() && each != *side)) continue;
      released.emplace_back(TerminationKey{id, each}, stream->Statistics(each));
    }
  }
  if (released.empty()) return NoTermination();
  if (expected_revision.has_value()) {
    RETURN_IF_ERROR(CheckRevision(*expected_revision, "expected_controller_state_revision"));
  }
  for (const auto& [key, statistics] : released) {
    const auto stream = streams_.find(key.stream_id);
    if (stream == streams_.end()) continue;
    if (side.has_value()) stream->second->ReleaseTermination(key.side);
    // A stream that goes as a whole goes at once, without telling one side of the other's end.
    if (!side.has_value() || stream->second->empty()) streams_.erase(stream);
  }
  return released;
}

}  // namespace agw
