// An IMS-AGW that says what a test wants.

#ifndef IQCTL_TESTING_FAKE_AGW_H_
#define IQCTL_TESTING_FAKE_AGW_H_

#include <condition_variable>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "common/grpc_server.h"
#include "common/mutex.h"
#include "ims/iq/v1/gateway_status.pb.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace iqctl {

// On a loopback port of its own, in plaintext. Serves GetStatus and WatchNotifications. Thread-safe.
class FakeAgw : public ims::iq::v1::MediaGatewayService::Service {
 public:
  FakeAgw(const std::string& instance_id, const std::string& incarnation);
  ~FakeAgw() override;

  // "127.0.0.1:40001"
  const std::string& address() const { return address_; }

  // From now on it is another run, which has no notifications; streams end.
  void Restart(const std::string& incarnation);

  // Sends one to those who watch; numbers need not be in sequence.
  void Notify(uint64_t sequence_number);

  // The requests it has had.
  std::vector<ims::iq::v1::WatchNotificationsRequest> watch_requests() const;

 private:
  grpc::Status GetStatus(grpc::ServerContext* context, const ims::iq::v1::GetStatusRequest* request,
                         ims::iq::v1::GetStatusResponse* response) override;
  grpc::Status WatchNotifications(
      grpc::ServerContext* context, const ims::iq::v1::WatchNotificationsRequest* request,
      grpc::ServerWriter<ims::iq::v1::WatchNotificationsResponse>* writer) override;

  mutable common::Mutex mutex_;
  std::condition_variable_any changed_;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  ims::iq::v1::GatewayStatus status_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> numbers_ ABSL_GUARDED_BY(mutex_);
  std::vector<ims::iq::v1::WatchNotificationsRequest> watch_requests_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<common::GrpcServer> server_;
  std::string address_;
};

}  // namespace iqctl

#endif  // IQCTL_TESTING_FAKE_AGW_H_
