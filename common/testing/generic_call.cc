#include "common/testing/generic_call.h"

#include <chrono>
#include <vector>

#include "common/grpc_status.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace common {

absl::StatusOr<std::string> CallMethod(const std::shared_ptr<grpc::Channel>& channel,
                                       const std::string& method, const std::string& request,
                                       bool fail_fast) {
  grpc::ClientContext context;
  context.set_wait_for_ready(!fail_fast);
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  const grpc::Slice request_slice(request);
  const grpc::ByteBuffer request_bytes(&request_slice, 1);
  grpc::ByteBuffer response_bytes;
  grpc::Status status;
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  const auto call = stub.PrepareUnaryCall(&context, method, request_bytes, &queue);
  call->StartCall();
  call->Finish(&response_bytes, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok()) return FromGrpcStatus(status);
  std::vector<grpc::Slice> slices;
  if (!response_bytes.Dump(&slices).ok()) return absl::InternalError("unreadable response");
  std::string response;
  for (const grpc::Slice& slice : slices) {
    response.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return response;
}

}  // namespace common
