#include "iqctl/client/health.h"

#include <string>
#include <vector>

#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"
#include "iqctl/client/call_error.h"

namespace iqctl {
namespace {

// grpc.health.v1.HealthCheckResponse with `status` (field 1) = SERVING (1), as it is on the wire. Debian
// has no generated code of that service for clients, and this is all of it that is needed.
constexpr absl::string_view kServing("\x08\x01", 2);

}  // namespace

absl::StatusOr<bool> IsServing(const Endpoint& endpoint) {
  grpc::ClientContext call;
  endpoint.Prepare(&call);
  const grpc::Slice empty_request;  // The whole server is meant.
  const grpc::ByteBuffer request(&empty_request, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(endpoint.channel);
  const auto reader = stub.PrepareUnaryCall(&call, "/grpc.health.v1.Health/Check", request, &queue);
  reader->StartCall();
  reader->Finish(&response, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  if (!status.ok()) return ToCallStatus(status, endpoint.is_plaintext);
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (response.Dump(&slices).ok()) {
    for (const grpc::Slice& slice : slices) {
      bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
    }
  }
  return bytes == kServing;
}

}  // namespace iqctl
