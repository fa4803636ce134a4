#include "alg-service/api/session_service.h"

#include <chrono>
#include <memory>
#include <utility>

#include "absl/time/clock.h"
#include "alg-service/api/request_check.h"
#include "alg-service/gateway/cancellation.h"
#include "common/grpc_status.h"
#include "common/monotonic_time.h"
#include "common/version.h"
#include "google/protobuf/util/time_util.h"

namespace alg {
namespace {

namespace api = ims::alg::v1;

// Answers one call; deletes itself when gRPC is done with it.
class CallReactor final : public grpc::ServerUnaryReactor {
 public:
  const std::shared_ptr<Cancellation>& cancellation() const { return cancellation_; }

 private:
  void OnCancel() override { cancellation_->Cancel(); }
  void OnDone() override { delete this; }

  const std::shared_ptr<Cancellation> cancellation_ = std::make_shared<Cancellation>();
};

common::MonotonicTime DeadlineOf(const grpc::CallbackServerContext& call,
                                 absl::Duration call_timeout) {
  const auto deadline = call.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) {
    return common::MonotonicTime::Now() + call_timeout;
  }
  return common::MonotonicTime::Now() + (absl::FromChrono(deadline) - absl::Now());
}

}  // namespace

template <typename Request, typename Response>
grpc::ServerUnaryReactor* SessionService::Handle(
    grpc::CallbackServerContext* call, const Request* request, Response* response,
    void (SessionControl::*method)(const Request&, const CallScope&,
                                   SessionControl::Done<Response>)) {
  auto* reactor = new CallReactor;
  absl::Status status = CheckRequest(*request);
  if (!status.ok()) {
    reactor->Finish(common::ToGrpcStatus(status));
    return reactor;
  }
  const CallScope scope{DeadlineOf(*call, call_timeout_), reactor->cancellation()};
  (control_.*method)(*request, scope, [reactor, response](absl::StatusOr<Response> result) {
    if (result.ok()) {
      *response = *std::move(result);
      reactor->Finish(grpc::Status::OK);
    } else {
      reactor->Finish(common::ToGrpcStatus(result.status()));
    }
  });
  return reactor;
}

grpc::ServerUnaryReactor* SessionService::ProcessOffer(grpc::CallbackServerContext* call,
                                                       const api::ProcessOfferRequest* request,
                                                       api::ProcessOfferResponse* response) {
  return Handle(call, request, response, &SessionControl::ProcessOffer);
}

grpc::ServerUnaryReactor* SessionService::ProcessAnswer(grpc::CallbackServerContext* call,
                                                        const api::ProcessAnswerRequest* request,
                                                        api::ProcessAnswerResponse* response) {
  return Handle(call, request, response, &SessionControl::ProcessAnswer);
}

grpc::ServerUnaryReactor* SessionService::RejectOffer(grpc::CallbackServerContext* call,
                                                      const api::RejectOfferRequest* request,
                                                      api::RejectOfferResponse* response) {
  return Handle(call, request, response, &SessionControl::RejectOffer);
}

grpc::ServerUnaryReactor* SessionService::ReleaseSession(grpc::CallbackServerContext* call,
                                                         const api::ReleaseSessionRequest* request,
                                                         api::ReleaseSessionResponse* response) {
  return Handle(call, request, response, &SessionControl::ReleaseSession);
}

grpc::ServerUnaryReactor* SessionService::GetSession(grpc::CallbackServerContext* call,
                                                     const api::GetSessionRequest* request,
                                                     api::GetSessionResponse* response) {
  return Handle(call, request, response, &SessionControl::GetSession);
}

grpc::ServerUnaryReactor* SessionService::GetStatus(grpc::CallbackServerContext* call,
                                                    const api::GetStatusRequest*,
                                                    api::GetStatusResponse* response) {
  response->set_software_version(common::kVersion);
  *response->mutable_time() =
      google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(absl::Now()));
  for (api::KnownGateway& gateway : control_.KnownGateways()) {
    *response->add_gateways() = std::move(gateway);
  }
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace alg
