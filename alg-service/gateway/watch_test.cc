// What calls and streams hold of a channel, and when they let it go: whoever hears of their end may
// be the one that ends the process (common/grpc_lifetime.h).

#include "alg-service/gateway/watch.h"

#include <future>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "alg-service/gateway/grpc_media_gateway.h"
#include "alg-service/metrics.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;
using StatusWatch = Watch<iq::WatchStatusRequest, iq::WatchStatusResponse>;

// Says one status, and then nothing until the client has gone.
class QuietGateway : public iq::MediaGatewayService::Service {
 public:
  QuietGateway() {
    server_ = grpc::ServerBuilder()
                  .AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_)
                  .RegisterService(this)
                  .BuildAndStart();
  }

  std::shared_ptr<grpc::Channel> NewChannel() const {
    return grpc::CreateChannel(absl::StrCat("127.0.0.1:", port_),
                               grpc::InsecureChannelCredentials());
  }

 private:
  grpc::Status WatchStatus(grpc::ServerContext* call, const iq::WatchStatusRequest*,
                           grpc::ServerWriter<iq::WatchStatusResponse>* writer) override {
    writer->Write(iq::WatchStatusResponse());
    while (!call->IsCancelled()) std::this_thread::yield();
    return grpc::Status::OK;
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

TEST(Watch, WhenItIsClosedNothingOfItHoldsTheChannel) {
  const QuietGateway gateway;
  for (int i = 0; i < 100; ++i) {
    std::shared_ptr<grpc::Channel> channel = gateway.NewChannel();
    auto stub = iq::MediaGatewayService::NewStub(channel);
    const auto count = channel.use_count();
    std::promise<void> message_came;
    auto watch = std::make_shared<StatusWatch>(StatusWatch::Stream::Handlers{
        [&message_came](const auto&) { message_came.set_value(); }, [](const absl::Status&) {}});
    watch->Open(iq::WatchStatusRequest(), [&stub](auto* call, const auto* request, auto* reactor) {
      stub->async()->WatchStatus(call, request, reactor);
    });
    message_came.get_future().wait();
    EXPECT_GT(channel.use_count(), count);
    watch->Close();
    EXPECT_EQ(channel.use_count(), count);
  }
}

TEST(GrpcMediaGateway, WhenACallIsAnsweredNothingOfItHoldsTheChannel) {
  const QuietGateway gateway;
  for (int i = 0; i < 100; ++i) {
    std::shared_ptr<grpc::Channel> channel = gateway.NewChannel();
    GrpcMediaGateway media_gateway(channel, std::make_shared<Metrics>());
    const auto count = channel.use_count();
    std::promise<long> count_when_answered;
    media_gateway.AuditContext(iq::AuditContextRequest(), CallScope(),
                               [&](const absl::StatusOr<iq::AuditContextResponse>& response) {
                                 EXPECT_EQ(response.status().code(),
                                           absl::StatusCode::kUnimplemented);
                                 count_when_answered.set_value(channel.use_count());
                               });
    EXPECT_EQ(count_when_answered.get_future().get(), count);
  }
}

}  // namespace
}  // namespace alg
