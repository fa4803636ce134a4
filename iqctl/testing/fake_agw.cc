#include "iqctl/testing/fake_agw.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "common/check.h"
#include "common/error.h"
#include "common/grpc_status.h"
#include "ims/config/v1/endpoint.pb.h"

namespace iqctl {

namespace iq = ims::iq::v1;
using common::MutexLock;

FakeAgw::FakeAgw(const std::string& instance_id, const std::string& incarnation) {
  {
    MutexLock lock(mutex_);
    status_.set_instance_id(instance_id);
    status_.set_incarnation(incarnation);
  }
  ims::config::v1::GrpcServer config;
  config.set_listen_address("127.0.0.1:0");
  absl::StatusOr<std::unique_ptr<common::GrpcServer>> server =
      common::GrpcServer::Start(config, {{iq::MediaGatewayService::service_full_name(), this}});
  CHECK(server.ok());
  server_ = *std::move(server);
  address_ = absl::StrCat("127.0.0.1:", server_->port());
}

FakeAgw::~FakeAgw() {
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  server_ = nullptr;
}

void FakeAgw::Restart(const std::string& incarnation) {
  MutexLock lock(mutex_);
  status_.set_incarnation(incarnation);
  status_.clear_last_sequence_number();
  numbers_.clear();
  changed_.notify_all();
}

void FakeAgw::Notify(uint64_t sequence_number) {
  MutexLock lock(mutex_);
  numbers_.push_back(sequence_number);
  status_.set_last_sequence_number(sequence_number);
  changed_.notify_all();
}

std::vector<iq::WatchNotificationsRequest> FakeAgw::watch_requests() const {
  MutexLock lock(mutex_);
  return watch_requests_;
}

grpc::Status FakeAgw::GetStatus(grpc::ServerContext*, const iq::GetStatusRequest*,
                                iq::GetStatusResponse* response) {
  MutexLock lock(mutex_);
  *response->mutable_status() = status_;
  return grpc::Status::OK;
}

grpc::Status FakeAgw::WatchNotifications(
    grpc::ServerContext* context, const iq::WatchNotificationsRequest* request,
    grpc::ServerWriter<iq::WatchNotificationsResponse>* writer) {
  MutexLock lock(mutex_);
  watch_requests_.push_back(*request);
  const std::string incarnation = status_.incarnation();
  if (!request->incarnation().empty() && request->incarnation() != incarnation) {
    return common::ToGrpcStatus(common::MakeError(absl::StatusCode::kFailedPrecondition,
                                                  "an earlier run",
                                                  {"INCARNATION_MISMATCH", "iq.ims", {}}));
  }
  uint64_t last = request->after_sequence_number();
  while (true) {
    if (is_stopping_ || status_.incarnation() != incarnation) {
      return grpc::Status(grpc::StatusCode::UNAVAILABLE, "stopping");
    }
    if (context->IsCancelled()) return grpc::Status::CANCELLED;
    const auto next = std::find_if(numbers_.begin(), numbers_.end(),
                                   [last](uint64_t number) { return number > last; });
    if (next == numbers_.end()) {
      // A cancellation wakes nobody.
      changed_.wait_for(mutex_, std::chrono::milliseconds(10));
      continue;
    }
    last = *next;
    iq::WatchNotificationsResponse response;
    response.set_incarnation(incarnation);
    response.mutable_notification()->set_sequence_number(last);
    writer->Write(response);
  }
}

}  // namespace iqctl
