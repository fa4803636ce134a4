#include "alg-service/gateway/grpc_media_gateway.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/time/time.h"
#include "common/grpc_status.h"
#include "common/monotonic_time.h"
#include "grpc/support/time.h"
#include "grpcpp/client_context.h"

namespace alg {
namespace {

using ims::iq::v1::MediaGatewayService;

// Not the streams: these are opened again by Watch.
constexpr char kServiceConfig[] = R"({
  "methodConfig": [{
    "name": [
      {"service": "ims.iq.v1.MediaGatewayService", "method": "ReserveConnectionPoint"},
      {"service": "ims.iq.v1.MediaGatewayService", "method": "ReserveAndConfigureConnectionPoint"},
      {"service": "ims.iq.v1.MediaGatewayService", "method": "ConfigureConnectionPoint"},
      {"service": "ims.iq.v1.MediaGatewayService", "method": "ReleaseTermination"},
      {"service": "ims.iq.v1.MediaGatewayService", "method": "AuditContext"}
    ],
    "retryPolicy": {
      "maxAttempts": 3,
      "initialBackoff": "0.05s",
      "maxBackoff": "0.5s",
      "backoffMultiplier": 2,
      "retryableStatusCodes": ["UNAVAILABLE"]
    }
  }]
})";

// Everything a call needs until its answer.
template <typename Request, typename Response>
struct Call {
  grpc::ClientContext grpc_call;
  Request request;
  Response response;
  MediaGateway::Done<Response> done;
  std::shared_ptr<Cancellation> cancellation;
  uint64_t listener_id = 0;
  common::MonotonicTime start_time = common::MonotonicTime::Now();
  std::shared_ptr<Call> self;  // Until the answer.
};

// As what is left, so that it is no matter which clock gRPC goes by.
gpr_timespec ToGrpcDeadline(common::MonotonicTime deadline) {
  const absl::Duration left =
      std::max(deadline - common::MonotonicTime::Now(), absl::ZeroDuration());
  return gpr_time_from_nanos(absl::ToInt64Nanoseconds(left), GPR_TIMESPAN);
}

template <typename Request, typename Response>
using Method = void (MediaGatewayService::StubInterface::async_interface::*)(
    grpc::ClientContext*, const Request*, Response*, std::function<void(grpc::Status)>);

template <typename Request, typename Response>
void StartCall(MediaGatewayService::Stub& stub, const std::shared_ptr<Metrics>& metrics,
               const char* method_name, Method<Request, Response> method, Request request,
               const CallScope& scope, MediaGateway::Done<Response> done) {
  auto owned = std::make_shared<Call<Request, Response>>();
  Call<Request, Response>* const call = owned.get();
  call->request = std::move(request);
  call->done = std::move(done);
  if (scope.deadline != common::MonotonicTime::InfiniteFuture()) {
    call->grpc_call.set_deadline(ToGrpcDeadline(scope.deadline));
  }
  if (scope.cancellation != nullptr) {
    call->cancellation = scope.cancellation;
    call->listener_id = scope.cancellation->AddListener([owned] { owned->grpc_call.TryCancel(); });
  }
  // gRPC copies the function, and keeps its copy a little longer than it needs it.
  call->self = std::move(owned);
  (stub.async()->*method)(&call->grpc_call, &call->request, &call->response,
                          [call, metrics, method_name](const grpc::Status& grpc_status) {
                            if (call->cancellation != nullptr)
                              call->cancellation->RemoveListener(call->listener_id);
                            absl::StatusOr<Response> result = std::move(call->response);
                            if (!grpc_status.ok()) result = common::FromGrpcStatus(grpc_status);
                            metrics->CountIqRequest(
                                method_name, result.status().code(),
                                common::MonotonicTime::Now() - call->start_time);
                            MediaGateway::Done<Response> done = std::move(call->done);
                            // Before anybody hears of the answer: it holds the channel
                            // (common/grpc_lifetime.h).
                            std::shared_ptr<Call<Request, Response>>(std::move(call->self)).reset();
                            done(std::move(result));
                          });
}

}  // namespace

grpc::ChannelArguments MediaGatewayChannelArguments() {
  grpc::ChannelArguments arguments;
  arguments.SetServiceConfigJSON(kServiceConfig);
  // The status stream speaks every few seconds, so a ping is sent only when nothing comes any more.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  // An attempt to connect that nobody answers is given up after this time, not after 20 s.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5'000);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  // One connection for each IMS-AGW, not one shared by all pools of the process.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return arguments;
}

GrpcMediaGateway::GrpcMediaGateway(const std::shared_ptr<grpc::Channel>& channel,
                                   std::shared_ptr<Metrics> metrics)
    : stub_(MediaGatewayService::NewStub(channel)), metrics_(std::move(metrics)) {}

void GrpcMediaGateway::ReserveConnectionPoint(
    ims::iq::v1::ReserveConnectionPointRequest request, const CallScope& scope,
    Done<ims::iq::v1::ReserveConnectionPointResponse> done) {
  StartCall(*stub_, metrics_, "ReserveConnectionPoint",
            &Stub::async_interface::ReserveConnectionPoint, std::move(request), scope,
            std::move(done));
}

void GrpcMediaGateway::ReserveAndConfigureConnectionPoint(
    ims::iq::v1::ReserveAndConfigureConnectionPointRequest request, const CallScope& scope,
    Done<ims::iq::v1::ReserveAndConfigureConnectionPointResponse> done) {
  StartCall(*stub_, metrics_, "ReserveAndConfigureConnectionPoint",
            &Stub::async_interface::ReserveAndConfigureConnectionPoint, std::move(request), scope,
            std::move(done));
}

void GrpcMediaGateway::ConfigureConnectionPoint(
    ims::iq::v1::ConfigureConnectionPointRequest request, const CallScope& scope,
    Done<ims::iq::v1::ConfigureConnectionPointResponse> done) {
  StartCall(*stub_, metrics_, "ConfigureConnectionPoint",
            &Stub::async_interface::ConfigureConnectionPoint, std::move(request), scope,
            std::move(done));
}

void GrpcMediaGateway::ReleaseTermination(ims::iq::v1::ReleaseTerminationRequest request,
                                          const CallScope& scope,
                                          Done<ims::iq::v1::ReleaseTerminationResponse> done) {
  StartCall(*stub_, metrics_, "ReleaseTermination", &Stub::async_interface::ReleaseTermination,
            std::move(request), scope, std::move(done));
}

void GrpcMediaGateway::AuditContext(ims::iq::v1::AuditContextRequest request,
                                    const CallScope& scope,
                                    Done<ims::iq::v1::AuditContextResponse> done) {
  StartCall(*stub_, metrics_, "AuditContext", &Stub::async_interface::AuditContext,
            std::move(request), scope, std::move(done));
}

}  // namespace alg
