// An IMS-AGW over gRPC.

#ifndef ALG_SERVICE_GATEWAY_GRPC_MEDIA_GATEWAY_H_
#define ALG_SERVICE_GATEWAY_GRPC_MEDIA_GATEWAY_H_

#include <memory>

#include "alg-service/gateway/media_gateway.h"
#include "alg-service/metrics.h"
#include "grpcpp/channel.h"
#include "grpcpp/support/channel_arguments.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"

namespace alg {

// What a channel to an IMS-AGW needs: calls that found it unreachable are repeated twice with
// backoff within their deadline, which is safe because Iq is repeatable; a dead connection is
// noticed.
grpc::ChannelArguments MediaGatewayChannelArguments();

// `done` runs on gRPC's threads. A call under way keeps what it needs, so the object may go first.
// Thread-safe.
class GrpcMediaGateway : public MediaGateway {
 public:
  GrpcMediaGateway(const std::shared_ptr<grpc::Channel>& channel, std::shared_ptr<Metrics> metrics);

  void ReserveConnectionPoint(ims::iq::v1::ReserveConnectionPointRequest request,
                              const CallScope& scope,
                              Done<ims::iq::v1::ReserveConnectionPointResponse> done) override;
  void ReserveAndConfigureConnectionPoint(
      ims::iq::v1::ReserveAndConfigureConnectionPointRequest request, const CallScope& scope,
      Done<ims::iq::v1::ReserveAndConfigureConnectionPointResponse> done) override;
  void ConfigureConnectionPoint(ims::iq::v1::ConfigureConnectionPointRequest request,
                                const CallScope& scope,
                                Done<ims::iq::v1::ConfigureConnectionPointResponse> done) override;
  void ReleaseTermination(ims::iq::v1::ReleaseTerminationRequest request, const CallScope& scope,
                          Done<ims::iq::v1::ReleaseTerminationResponse> done) override;
  void AuditContext(ims::iq::v1::AuditContextRequest request, const CallScope& scope,
                    Done<ims::iq::v1::AuditContextResponse> done) override;

 private:
  using Stub = ims::iq::v1::MediaGatewayService::Stub;

  const std::shared_ptr<Stub> stub_;
  const std::shared_ptr<Metrics> metrics_;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_GRPC_MEDIA_GATEWAY_H_
