#include "agw-service/control/media_gateway_service.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agw-service/context/iq_error.h"
#include "agw-service/control/procedures.h"
#include "agw-service/control/proto_conversion.h"
#include "common/grpc_status.h"
#include "common/status_macros.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;

constexpr uint32_t kPageSizeLimit = 1000;
constexpr uint32_t kDefaultPageSize = 100;

grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* call, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  reactor->Finish(common::ToGrpcStatus(status));
  return reactor;
}

// A streaming call that fails at once.
template <typename Response>
class FailedStream final : public grpc::ServerWriteReactor<Response> {
 public:
  explicit FailedStream(const absl::Status& status) { this->Finish(common::ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

// Context ids in the pages of ListContexts come from all workers.
class ContextListing {
 public:
  ContextListing(size_t worker_count, size_t page_size, grpc::ServerUnaryReactor* reactor,
                 iq::ListContextsResponse* response)
      : missing_(worker_count), page_size_(page_size), reactor_(reactor), response_(response) {}

  void Add(std::vector<std::string> ids) {
    common::MutexLock lock(mutex_);
    ids_.insert(ids_.end(), std::make_move_iterator(ids.begin()),
                std::make_move_iterator(ids.end()));
    if (--missing_ > 0) return;
    std::sort(ids_.begin(), ids_.end());
    const bool more = ids_.size() > page_size_;
    if (more) ids_.resize(page_size_);
    if (more) response_->set_next_page_token(ids_.back());
    for (std::string& id : ids_) response_->add_context_ids(std::move(id));
    reactor_->Finish(grpc::Status::OK);
  }

 private:
  common::Mutex mutex_;
  size_t missing_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> ids_ ABSL_GUARDED_BY(mutex_);
  const size_t page_size_;
  grpc::ServerUnaryReactor* const reactor_;
  iq::ListContextsResponse* const response_;
};

}  // namespace

template <typename Operation>
grpc::ServerUnaryReactor* MediaGatewayService::OnWorker(grpc::CallbackServerContext* call,
                                                        const std::string& context_id,
                                                        Operation operation) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  workers_.WorkerOf(context_id)
      .Post([call, reactor, operation = std::move(operation)](ContextTable& contexts) mutable {
        // The client has given up: what it has not seen done need not be done.
        const absl::Status status = call->IsCancelled()
                                        ? absl::CancelledError("the call was cancelled")
                                        : operation(contexts);
        reactor->Finish(common::ToGrpcStatus(status));
      });
  return reactor;
}

template <typename Request, typename Response>
grpc::ServerUnaryReactor* MediaGatewayService::Run(grpc::CallbackServerContext* call,
                                                   const Request* request, Response* response) {
  absl::StatusOr<Procedure<Response>> procedure = Prepare(*request);
  if (!procedure.ok()) return Finish(call, procedure.status());
  return OnWorker(call, request->termination().context_id(),
                  [procedure = *std::move(procedure), response](ContextTable& contexts) mutable {
                    return procedure(contexts, response);
                  });
}

grpc::ServerUnaryReactor* MediaGatewayService::ReserveConnectionPoint(
    grpc::CallbackServerContext* call, const iq::ReserveConnectionPointRequest* request,
    iq::ReserveConnectionPointResponse* response) {
  return Run(call, request, response);
}

grpc::ServerUnaryReactor* MediaGatewayService::ReserveAndConfigureConnectionPoint(
    grpc::CallbackServerContext* call, const iq::ReserveAndConfigureConnectionPointRequest* request,
    iq::ReserveAndConfigureConnectionPointResponse* response) {
  return Run(call, request, response);
}

grpc::ServerUnaryReactor* MediaGatewayService::ConfigureConnectionPoint(
    grpc::CallbackServerContext* call, const iq::ConfigureConnectionPointRequest* request,
    iq::ConfigureConnectionPointResponse* response) {
  return Run(call, request, response);
}

grpc::ServerUnaryReactor* MediaGatewayService::ReleaseTermination(
    grpc::CallbackServerContext* call, const iq::ReleaseTerminationRequest* request,
    iq::ReleaseTerminationResponse* response) {
  return Run(call, request, response);
}

grpc::ServerUnaryReactor* MediaGatewayService::AuditContext(grpc::CallbackServerContext* call,
                                                            const iq::AuditContextRequest* request,
                                                            iq::AuditContextResponse* response) {
  absl::Status valid = CheckContextId(request->context_id(), "context_id");
  if (!valid.ok()) return Finish(call, valid);
  return OnWorker(call, request->context_id(),
                  [this, request, response](ContextTable& contexts) -> absl::Status {
                    const Context* context = contexts.Find(request->context_id());
                    if (context == nullptr) return ContextUnknown();
                    *response = Audit(*context);
                    response->set_incarnation(state_.incarnation());
                    return absl::OkStatus();
                  });
}

grpc::ServerUnaryReactor* MediaGatewayService::ListContexts(grpc::CallbackServerContext* call,
                                                            const iq::ListContextsRequest* request,
                                                            iq::ListContextsResponse* response) {
  if (request->page_size() > kPageSizeLimit) {
    return Finish(call, IqError(absl::StatusCode::kInvalidArgument, "FIELD_INVALID",
                                absl::StrCat("must be at most ", kPageSizeLimit), "page_size"));
  }
  if (!request->page_token().empty()) {
    absl::Status valid = CheckContextId(request->page_token(), "page_token");
    if (!valid.ok()) return Finish(call, valid);
  }
  const size_t page_size = request->page_size() == 0 ? kDefaultPageSize : request->page_size();
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  auto listing =
      std::make_shared<ContextListing>(workers_.workers().size(), page_size, reactor, response);
  for (const std::unique_ptr<Worker>& worker : workers_.workers()) {
    // One more than the page holds tells whether there is another page.
    worker->Post([listing, page_size, after = request->page_token()](ContextTable& contexts) {
      listing->Add(contexts.List(after, page_size + 1));
    });
  }
  return reactor;
}

grpc::ServerWriteReactor<iq::WatchNotificationsResponse>* MediaGatewayService::WatchNotifications(
    grpc::CallbackServerContext*, const iq::WatchNotificationsRequest* request) {
  const bool from_start = request->after_sequence_number() == 0 && request->incarnation().empty();
  if (!from_start && request->incarnation() != state_.incarnation()) {
    return new FailedStream<iq::WatchNotificationsResponse>(
        IqError(absl::StatusCode::kFailedPrecondition, "INCARNATION_MISMATCH",
                absl::StrCat("the present incarnation is ", state_.incarnation()), "incarnation"));
  }
  return streams_.WatchNotifications(request->after_sequence_number());
}

grpc::ServerUnaryReactor* MediaGatewayService::GetStatus(grpc::CallbackServerContext* call,
                                                         const iq::GetStatusRequest*,
                                                         iq::GetStatusResponse* response) {
  *response->mutable_status() = state_.Status();
  return Finish(call, absl::OkStatus());
}

grpc::ServerWriteReactor<iq::WatchStatusResponse>* MediaGatewayService::WatchStatus(
    grpc::CallbackServerContext*, const iq::WatchStatusRequest* request) {
  absl::Duration interval = absl::Seconds(5);
  if (request->has_interval()) {
    interval = absl::Seconds(request->interval().seconds()) +
               absl::Nanoseconds(request->interval().nanos());
    if (interval < absl::Seconds(1) || interval > absl::Hours(1)) {
      return new FailedStream<iq::WatchStatusResponse>(
          IqError(absl::StatusCode::kInvalidArgument, "FIELD_INVALID",
                  "must be between 1 s and 1 h", "interval"));
    }
  }
  return streams_.WatchStatus(interval);
}

grpc::ServerUnaryReactor* MediaGatewayService::Drain(grpc::CallbackServerContext* call,
                                                     const iq::DrainRequest*, iq::DrainResponse*) {
  state_.Drain();
  drain_changed_();
  return Finish(call, absl::OkStatus());
}

grpc::ServerUnaryReactor* MediaGatewayService::Undrain(grpc::CallbackServerContext* call,
                                                       const iq::UndrainRequest*,
                                                       iq::UndrainResponse*) {
  const absl::Status status = state_.Undrain();
  if (status.ok()) drain_changed_();
  return Finish(call, status);
}

}  // namespace agw
