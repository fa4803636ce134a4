// Calls of an IMS-AGW.

#ifndef IQCTL_CLIENT_AGW_CLIENT_H_
#define IQCTL_CLIENT_AGW_CLIENT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/sync_stream.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"
#include "ims/iq/v1/media_gateway_service.pb.h"
#include "iqctl/client/connection.h"

namespace iqctl {

// A stream of an IMS-AGW. `Read()` and `Finish()` by one thread; `Cancel()` by any, as long as this lives.
template <typename Response>
class AgwStream {
 public:
  AgwStream(std::shared_ptr<ims::iq::v1::MediaGatewayService::Stub> stub, bool is_plaintext)
      : stub_(std::move(stub)), is_plaintext_(is_plaintext) {}

  // Blocks until there is one. False: the stream is over, `Finish()` says why.
  bool Read(Response* response) { return reader_->Read(response); }

  // Not OK, unless the IMS-AGW has ended the stream without a reason.
  absl::Status Finish();

  void Cancel() { context_.TryCancel(); }

 private:
  friend class AgwClient;

  std::shared_ptr<ims::iq::v1::MediaGatewayService::Stub> stub_;
  const bool is_plaintext_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<Response>> reader_;
};

using StatusStream = AgwStream<ims::iq::v1::WatchStatusResponse>;
using NotificationStream = AgwStream<ims::iq::v1::WatchNotificationsResponse>;

// Errors are those of the proto, and of ToCallStatus(). Thread-safe.
class AgwClient {
 public:
  explicit AgwClient(Endpoint endpoint);

  const Endpoint& endpoint() const { return endpoint_; }

  absl::StatusOr<ims::iq::v1::GatewayStatus> GetStatus();
  absl::Status Drain();
  absl::Status Undrain();

  // All pages in one.
  absl::StatusOr<ims::iq::v1::ListContextsResponse> ListContexts();
  absl::StatusOr<ims::iq::v1::AuditContextResponse> AuditContext(const std::string& context_id);

  // Streams have no time limit.
  std::shared_ptr<StatusStream> WatchStatus(absl::Duration interval);
  std::shared_ptr<NotificationStream> WatchNotifications(uint64_t after_sequence_number,
                                                         const std::string& incarnation);

 private:
  template <typename Request, typename Response>
  using Method = grpc::Status (ims::iq::v1::MediaGatewayService::Stub::*)(grpc::ClientContext*,
                                                                          const Request&,
                                                                          Response*);
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(Method<Request, Response> method, const Request& request);

  Endpoint endpoint_;
  std::shared_ptr<ims::iq::v1::MediaGatewayService::Stub> stub_;
};

}  // namespace iqctl

#endif  // IQCTL_CLIENT_AGW_CLIENT_H_
