#include "common/grpc_lifetime.h"

#include <chrono>
#include <future>

#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace common {

GrpcLifetime::GrpcLifetime() {
  grpc_init();
  channel_ = grpc::CreateChannel("ipv4:127.0.0.1:9", grpc::InsecureChannelCredentials());
  // A channel takes part in gRPC's callback threads from its first callback on. This call is over
  // before it begins: nothing is connected to.
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() - std::chrono::seconds(1));
  const grpc::Slice nothing;
  const grpc::ByteBuffer request(&nothing, 1);
  grpc::ByteBuffer response;
  std::promise<void> done;
  grpc::GenericStub stub(channel_);
  stub.UnaryCall(&call, "/none", grpc::StubOptions(), &request, &response,
                 [&done](const grpc::Status&) { done.set_value(); });
  done.get_future().wait();
}

GrpcLifetime::~GrpcLifetime() {
  channel_.reset();
  grpc_shutdown_blocking();
}

}  // namespace common
