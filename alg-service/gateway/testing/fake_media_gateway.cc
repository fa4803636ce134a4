#include "alg-service/gateway/testing/fake_media_gateway.h"

#include <algorithm>
#include <type_traits>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/check.h"
#include "common/error.h"
#include "common/status_macros.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;

std::string CertificateDigest() {
  // sha-256 of "agw-cert", as in the scenario files.
  return absl::HexStringToBytes(
      "CF845915440F11AE1299CD904496BD85"
      "DEFA9797E5FBD357738862E0C89BD08B");
}

std::string LogLine(absl::string_view what, const iq::TerminationId& id) {
  std::string line(what);
  if (id.stream_id() > 0) absl::StrAppend(&line, " ", id.stream_id());
  if (id.side() == iq::SIDE_ACCESS) absl::StrAppend(&line, " T1");
  if (id.side() == iq::SIDE_CORE) absl::StrAppend(&line, " T2");
  return line;
}

iq::TransportAddress LocalAddress(const iq::TerminationId& id, iq::AddressFamily family) {
  const bool is_ipv6 = family == iq::ADDRESS_FAMILY_IPV6;
  iq::TransportAddress address;
  if (id.side() == iq::SIDE_ACCESS) {
    address.set_ip_address(is_ipv6 ? "2001:db8:1::10" : "192.0.2.10");
    address.set_port(40000 + 2 * id.stream_id());
  } else {
    address.set_ip_address(is_ipv6 ? "2001:db8:2::10" : "203.0.113.10");
    address.set_port(30000 + 2 * id.stream_id());
  }
  return address;
}

template <typename Request>
const iq::TerminationId& TerminationOf(const Request& request) {
  return request.termination();
}

iq::TerminationId TerminationOf(const iq::AuditContextRequest& request) {
  iq::TerminationId id;
  id.set_context_id(request.context_id());
  return id;
}

}  // namespace

absl::Status IqError(absl::StatusCode code, iq::ErrorReason reason) {
  return common::MakeError(
      code, "as the test wants it",
      {std::string(absl::StripPrefix(iq::ErrorReason_Name(reason), "ERROR_REASON_")),
       "iq.ims",
       {}});
}

FakeMediaGateway::FakeMediaGateway(int thread_count) {
  for (int i = 0; i < thread_count; ++i) threads_.emplace_back([this] { RunTasks(); });
}

FakeMediaGateway::~FakeMediaGateway() {
  {
    common::MutexLock lock(mutex_);
    stopping_ = true;
    task_came_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
}

void FakeMediaGateway::Run(absl::AnyInvocable<void()> task) {
  if (threads_.empty()) return task();
  common::MutexLock lock(mutex_);
  tasks_.push_back(std::move(task));
  task_came_.notify_one();
}

void FakeMediaGateway::RunTasks() {
  for (;;) {
    absl::AnyInvocable<void()> task;
    {
      common::MutexLock lock(mutex_);
      while (tasks_.empty() && !stopping_) task_came_.wait(mutex_);
      if (tasks_.empty()) return;
      std::swap(tasks_[random_() % tasks_.size()], tasks_.back());
      task = std::move(tasks_.back());
      tasks_.pop_back();
    }
    task();
  }
}

void FakeMediaGateway::FailNext(absl::string_view method, absl::Status status) {
  FailNextOn(method, iq::SIDE_UNSPECIFIED, std::move(status));
}

void FakeMediaGateway::FailNextOn(absl::string_view method, iq::Side side, absl::Status status) {
  common::MutexLock lock(mutex_);
  mischief_.push_back({std::string(method), side, std::move(status), false});
}

void FakeMediaGateway::LoseNextAnswer(absl::string_view method) {
  common::MutexLock lock(mutex_);
  mischief_.push_back({std::string(method), iq::SIDE_UNSPECIFIED,
                       absl::UnavailableError("connection reset"), true});
}

void FakeMediaGateway::Hold(absl::string_view method) {
  common::MutexLock lock(mutex_);
  held_methods_.emplace_back(method);
}

void FakeMediaGateway::EndHeld(const absl::Status& status) {
  std::vector<Held> held;
  {
    common::MutexLock lock(mutex_);
    held_methods_.clear();
    held.swap(held_);
  }
  for (Held& call : held) call.end(status);
}

void FakeMediaGateway::DoHeld() { EndHeld(absl::OkStatus()); }

size_t FakeMediaGateway::held_count() const {
  common::MutexLock lock(mutex_);
  return held_.size();
}

std::vector<std::string> FakeMediaGateway::log() const {
  common::MutexLock lock(mutex_);
  return log_;
}

void FakeMediaGateway::ClearLog() {
  common::MutexLock lock(mutex_);
  log_.clear();
  reserves_.clear();
  reserves_and_configures_.clear();
  configures_.clear();
}

std::vector<iq::ReserveConnectionPointRequest> FakeMediaGateway::reserves() const {
  common::MutexLock lock(mutex_);
  return reserves_;
}

std::vector<iq::ReserveAndConfigureConnectionPointRequest>
FakeMediaGateway::reserves_and_configures() const {
  common::MutexLock lock(mutex_);
  return reserves_and_configures_;
}

std::vector<iq::ConfigureConnectionPointRequest> FakeMediaGateway::configures() const {
  common::MutexLock lock(mutex_);
  return configures_;
}

size_t FakeMediaGateway::context_count() const {
  common::MutexLock lock(mutex_);
  return contexts_.size();
}

size_t FakeMediaGateway::termination_count() const {
  common::MutexLock lock(mutex_);
  size_t count = 0;
  for (const auto& [id, context] : contexts_) count += context.terminations.size();
  return count;
}

std::string FakeMediaGateway::only_context_id() const {
  common::MutexLock lock(mutex_);
  CHECK(contexts_.size() == 1);
  return contexts_.begin()->first;
}

template <typename Request, typename Response>
void FakeMediaGateway::Serve(const char* method, const std::string& log_line,
                             const Request& request, const CallScope& scope, Done<Response> done,
                             absl::StatusOr<Response> (FakeMediaGateway::*deed)(const Request&)) {
  {
    common::MutexLock lock(mutex_);
    log_.push_back(log_line);
    if (std::find(held_methods_.begin(), held_methods_.end(), method) != held_methods_.end()) {
      const uint64_t id = ++last_held_id_;
      held_.push_back(
          {id, [this, method, request, done = std::move(done), deed](absl::Status status) mutable {
             if (!status.ok()) return done(std::move(status));
             Answer(method, request, std::move(done), deed);
           }});
      if (scope.cancellation == nullptr) return;
      scope.cancellation->AddListener([this, id] {
        absl::AnyInvocable<void(absl::Status)> end;
        {
          common::MutexLock lock(mutex_);
          auto held = std::find_if(held_.begin(), held_.end(),
                                   [id](const Held& call) { return call.id == id; });
          if (held == held_.end()) return;
          end = std::move(held->end);
          held_.erase(held);
        }
        end(absl::CancelledError("cancelled"));
      });
      return;
    }
  }
  Run([this, method, request, done = std::move(done), deed]() mutable {
    Answer(method, request, std::move(done), deed);
  });
}

template <typename Request, typename Response>
void FakeMediaGateway::Answer(const char* method, const Request& request, Done<Response> done,
                              absl::StatusOr<Response> (FakeMediaGateway::*deed)(const Request&)) {
  absl::StatusOr<Response> result = absl::InternalError("not set");
  {
    common::MutexLock lock(mutex_);
    const iq::Side side = TerminationOf(request).side();
    auto mischief = std::find_if(mischief_.begin(), mischief_.end(), [&](const Mischief& m) {
      return m.method == method && (m.side == iq::SIDE_UNSPECIFIED || m.side == side);
    });
    if (mischief == mischief_.end()) {
      result = (this->*deed)(request);
    } else {
      if (mischief->after_the_deed) (void)(this->*deed)(request);
      result = mischief->status;
      mischief_.erase(mischief);
    }
  }
  done(std::move(result));
}

absl::Status FakeMediaGateway::StoreControllerState(Context& context,
                                                    const iq::ControllerState& state) {
  if (state.expected_revision() == 0 && context.revision != 0 &&
      state.data() == context.controller_state) {
    return absl::OkStatus();
  }
  if (state.expected_revision() != context.revision) {
    return IqError(absl::StatusCode::kAborted, iq::ERROR_REASON_REVISION_CONFLICT);
  }
  context.controller_state = state.data();
  context.revision = ++last_revision_;
  return absl::OkStatus();
}

template <typename Request, typename Response>
absl::StatusOr<Response> FakeMediaGateway::Reserve(const Request& request) {
  const iq::TerminationId& id = request.termination();
  const auto transaction = std::make_tuple(id.context_id(), request.transaction_id());
  auto reply = replies_.find(transaction);
  Response response;
  if (reply != replies_.end()) {
    if (reply->second.request != request.SerializeAsString()) {
      return IqError(absl::StatusCode::kInvalidArgument, iq::ERROR_REASON_TRANSACTION_REUSED);
    }
    CHECK(response.ParseFromString(reply->second.response));
    return response;
  }
  const TerminationKey key(id.stream_id(), id.side());
  auto context = contexts_.find(id.context_id());
  if (context != contexts_.end() && context->second.terminations.count(key) > 0) {
    return IqError(absl::StatusCode::kAlreadyExists, iq::ERROR_REASON_TERMINATION_EXISTS);
  }
  Context& target = contexts_[id.context_id()];
  if (request.has_controller_state()) {
    const absl::Status stored = StoreControllerState(target, request.controller_state());
    if (target.terminations.empty() && !stored.ok()) contexts_.erase(id.context_id());
    RETURN_IF_ERROR(stored);
  }
  iq::TerminationAudit& audit = target.terminations[key];
  *audit.mutable_termination() = id;
  audit.set_state(iq::TerminationAudit::STATE_IDLE);
  *audit.mutable_local() = request.local();
  *audit.mutable_local_address() = LocalAddress(id, request.local().address_family());
  *audit.mutable_bearer_control() = request.bearer_control();
  if constexpr (std::is_same_v<Request, iq::ReserveAndConfigureConnectionPointRequest>) {
    *audit.mutable_remote() = request.remote();
  }
  if (request.local().certificate_fingerprint_request()) {
    iq::Fingerprint* fingerprint = audit.add_local_fingerprints();
    fingerprint->set_hash_function("sha-256");
    fingerprint->set_digest(CertificateDigest());
  }
  *response.mutable_local_address() = audit.local_address();
  *response.mutable_local_fingerprints() = audit.local_fingerprints();
  response.set_controller_state_revision(target.revision);
  replies_[transaction] = {request.SerializeAsString(), response.SerializeAsString()};
  return response;
}

absl::StatusOr<iq::ConfigureConnectionPointResponse> FakeMediaGateway::Configure(
    const iq::ConfigureConnectionPointRequest& request) {
  const iq::TerminationId& id = request.termination();
  auto context = contexts_.find(id.context_id());
  if (context == contexts_.end()) {
    return IqError(absl::StatusCode::kNotFound, iq::ERROR_REASON_CONTEXT_UNKNOWN);
  }
  auto termination = context->second.terminations.find({id.stream_id(), id.side()});
  if (termination == context->second.terminations.end()) {
    return IqError(absl::StatusCode::kNotFound, iq::ERROR_REASON_TERMINATION_UNKNOWN);
  }
  if (request.has_controller_state()) {
    RETURN_IF_ERROR(StoreControllerState(context->second, request.controller_state()));
  }
  iq::TerminationAudit& audit = termination->second;
  if (request.has_remote()) *audit.mutable_remote() = request.remote();
  audit.mutable_bearer_control()->MergeFrom(request.bearer_control());
  audit.mutable_bearer_control()->clear_establish();
  iq::ConfigureConnectionPointResponse response;
  response.set_controller_state_revision(context->second.revision);
  return response;
}

absl::StatusOr<iq::ReleaseTerminationResponse> FakeMediaGateway::Release(
    const iq::ReleaseTerminationRequest& request) {
  const iq::TerminationId& id = request.termination();
  auto context = contexts_.find(id.context_id());
  if (context == contexts_.end()) {
    return IqError(absl::StatusCode::kNotFound, iq::ERROR_REASON_CONTEXT_UNKNOWN);
  }
  if (request.has_expected_controller_state_revision() &&
      request.expected_controller_state_revision() != context->second.revision) {
    return IqError(absl::StatusCode::kAborted, iq::ERROR_REASON_REVISION_CONFLICT);
  }
  iq::ReleaseTerminationResponse response;
  auto& terminations = context->second.terminations;
  for (auto it = terminations.begin(); it != terminations.end();) {
    const auto& [stream_id, side] = it->first;
    if ((id.stream_id() == 0 || id.stream_id() == stream_id) &&
        (id.side() == iq::SIDE_UNSPECIFIED || id.side() == side)) {
      iq::TerminationStatistics* statistics = response.add_terminations();
      *statistics->mutable_termination() = it->second.termination();
      statistics->set_received_byte_count(side == iq::SIDE_ACCESS ? 11 : 22);
      statistics->set_sent_byte_count(side == iq::SIDE_ACCESS ? 22 : 11);
      it = terminations.erase(it);
    } else {
      ++it;
    }
  }
  if (response.terminations().empty()) {
    return IqError(absl::StatusCode::kNotFound, iq::ERROR_REASON_TERMINATION_UNKNOWN);
  }
  if (terminations.empty()) contexts_.erase(context);
  return response;
}

absl::StatusOr<iq::AuditContextResponse> FakeMediaGateway::Audit(
    const iq::AuditContextRequest& request) {
  auto context = contexts_.find(request.context_id());
  if (context == contexts_.end()) {
    return IqError(absl::StatusCode::kNotFound, iq::ERROR_REASON_CONTEXT_UNKNOWN);
  }
  iq::AuditContextResponse response;
  response.set_context_id(request.context_id());
  response.mutable_creation_time()->set_seconds(1700000000);
  for (const auto& [key, audit] : context->second.terminations) {
    *response.add_terminations() = audit;
  }
  response.set_controller_state(context->second.controller_state);
  response.set_controller_state_revision(context->second.revision);
  return response;
}

void FakeMediaGateway::ReserveConnectionPoint(iq::ReserveConnectionPointRequest request,
                                              const CallScope& scope,
                                              Done<iq::ReserveConnectionPointResponse> done) {
  {
    common::MutexLock lock(mutex_);
    reserves_.push_back(request);
  }
  Serve("ReserveConnectionPoint", LogLine("Reserve", request.termination()), request, scope,
        std::move(done),
        &FakeMediaGateway::Reserve<iq::ReserveConnectionPointRequest,
                                   iq::ReserveConnectionPointResponse>);
}

void FakeMediaGateway::ReserveAndConfigureConnectionPoint(
    iq::ReserveAndConfigureConnectionPointRequest request, const CallScope& scope,
    Done<iq::ReserveAndConfigureConnectionPointResponse> done) {
  {
    common::MutexLock lock(mutex_);
    reserves_and_configures_.push_back(request);
  }
  Serve("ReserveAndConfigureConnectionPoint", LogLine("ReserveAndConfigure", request.termination()),
        request, scope, std::move(done),
        &FakeMediaGateway::Reserve<iq::ReserveAndConfigureConnectionPointRequest,
                                   iq::ReserveAndConfigureConnectionPointResponse>);
}

void FakeMediaGateway::ConfigureConnectionPoint(iq::ConfigureConnectionPointRequest request,
                                                const CallScope& scope,
                                                Done<iq::ConfigureConnectionPointResponse> done) {
  {
    common::MutexLock lock(mutex_);
    configures_.push_back(request);
  }
  Serve("ConfigureConnectionPoint", LogLine("Configure", request.termination()), request, scope,
        std::move(done), &FakeMediaGateway::Configure);
}

void FakeMediaGateway::ReleaseTermination(iq::ReleaseTerminationRequest request,
                                          const CallScope& scope,
                                          Done<iq::ReleaseTerminationResponse> done) {
  Serve("ReleaseTermination", LogLine("Release", request.termination()), request, scope,
        std::move(done), &FakeMediaGateway::Release);
}

void FakeMediaGateway::AuditContext(iq::AuditContextRequest request, const CallScope& scope,
                                    Done<iq::AuditContextResponse> done) {
  Serve("AuditContext", "Audit", request, scope, std::move(done), &FakeMediaGateway::Audit);
}

void FakeGatewayDirectory::Add(GatewayInfo info, std::shared_ptr<MediaGateway> media_gateway) {
  gateways_.push_back(
      {std::make_shared<const GatewayInfo>(std::move(info)), std::move(media_gateway)});
}

absl::StatusOr<Gateway> FakeGatewayDirectory::Find(absl::string_view instance_id,
                                                   absl::string_view incarnation) const {
  for (const Gateway& gateway : gateways_) {
    if (gateway.info->instance_id == instance_id && gateway.info->incarnation == incarnation) {
      return gateway;
    }
  }
  return missing_;
}

}  // namespace alg
