// Iq's gRPC service: checks a request, posts it to the worker of its context, answers from there.

#ifndef AGW_SERVICE_CONTROL_MEDIA_GATEWAY_SERVICE_H_
#define AGW_SERVICE_CONTROL_MEDIA_GATEWAY_SERVICE_H_

#include <functional>
#include <utility>

#include "agw-service/control/gateway_state.h"
#include "agw-service/control/gateway_streams.h"
#include "agw-service/worker/worker_pool.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"

namespace agw {

// What each call does is told in media_gateway_service.proto. gRPC's threads never touch a context.
// Thread-safe.
class MediaGatewayService final : public ims::iq::v1::MediaGatewayService::CallbackService {
 public:
  // All outlive the service. `drain_changed` is called by gRPC's threads after a call that may have
  // changed whether new contexts are taken.
  MediaGatewayService(WorkerPool& workers, GatewayState& state, GatewayStreams& streams,
                      std::function<void()> drain_changed)
      : workers_(workers),
        state_(state),
        streams_(streams),
        drain_changed_(std::move(drain_changed)) {}

  grpc::ServerUnaryReactor* ReserveConnectionPoint(
      grpc::CallbackServerContext* call, const ims::iq::v1::ReserveConnectionPointRequest* request,
      ims::iq::v1::ReserveConnectionPointResponse* response) override;
  grpc::ServerUnaryReactor* ReserveAndConfigureConnectionPoint(
      grpc::CallbackServerContext* call,
      const ims::iq::v1::ReserveAndConfigureConnectionPointRequest* request,
      ims::iq::v1::ReserveAndConfigureConnectionPointResponse* response) override;
  grpc::ServerUnaryReactor* ConfigureConnectionPoint(
      grpc::CallbackServerContext* call,
      const ims::iq::v1::ConfigureConnectionPointRequest* request,
      ims::iq::v1::ConfigureConnectionPointResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseTermination(
      grpc::CallbackServerContext* call, const ims::iq::v1::ReleaseTerminationRequest* request,
      ims::iq::v1::ReleaseTerminationResponse* response) override;
  grpc::ServerUnaryReactor* AuditContext(grpc::CallbackServerContext* call,
                                         const ims::iq::v1::AuditContextRequest* request,
                                         ims::iq::v1::AuditContextResponse* response) override;
  grpc::ServerUnaryReactor* ListContexts(grpc::CallbackServerContext* call,
                                         const ims::iq::v1::ListContextsRequest* request,
                                         ims::iq::v1::ListContextsResponse* response) override;
  grpc::ServerWriteReactor<ims::iq::v1::WatchNotificationsResponse>* WatchNotifications(
      grpc::CallbackServerContext* call,
      const ims::iq::v1::WatchNotificationsRequest* request) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* call,
                                      const ims::iq::v1::GetStatusRequest* request,
                                      ims::iq::v1::GetStatusResponse* response) override;
  grpc::ServerWriteReactor<ims::iq::v1::WatchStatusResponse>* WatchStatus(
      grpc::CallbackServerContext* call, const ims::iq::v1::WatchStatusRequest* request) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* call,
                                  const ims::iq::v1::DrainRequest* request,
                                  ims::iq::v1::DrainResponse* response) override;
  grpc::ServerUnaryReactor* Undrain(grpc::CallbackServerContext* call,
                                    const ims::iq::v1::UndrainRequest* request,
                                    ims::iq::v1::UndrainResponse* response) override;

 private:
  // Runs `operation(ContextTable&)`, which fills the response, on the worker of the context.
  template <typename Operation>
  grpc::ServerUnaryReactor* OnWorker(grpc::CallbackServerContext* call,
                                     const std::string& context_id, Operation operation);

  // Runs the procedure that `request` asks for there.
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext* call, const Request* request,
                                Response* response);

  WorkerPool& workers_;
  GatewayState& state_;
  GatewayStreams& streams_;
  const std::function<void()> drain_changed_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_MEDIA_GATEWAY_SERVICE_H_
