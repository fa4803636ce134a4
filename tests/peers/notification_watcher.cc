#include "tests/peers/notification_watcher.h"

#include <chrono>
#include <utility>

namespace peers {

using ims::iq::v1::Notification;

NotificationWatcher::NotificationWatcher(std::shared_ptr<grpc::Channel> channel,
                                         uint64_t after_sequence_number, std::string incarnation)
    : stub_(ims::iq::v1::MediaGatewayService::NewStub(channel)) {
  request_.set_after_sequence_number(after_sequence_number);
  request_.set_incarnation(std::move(incarnation));
  call_.set_wait_for_ready(true);
  thread_ = std::thread([this] { Read(); });
}

NotificationWatcher::~NotificationWatcher() {
  call_.TryCancel();
  thread_.join();
}

void NotificationWatcher::Read() {
  std::unique_ptr<grpc::ClientReader<ims::iq::v1::WatchNotificationsResponse>> reader =
      stub_->WatchNotifications(&call_, request_);
  ims::iq::v1::WatchNotificationsResponse response;
  while (reader->Read(&response)) {
    common::MutexLock lock(mutex_);
    seen_.push_back(response.notification());
    incarnation_ = response.incarnation();
    changed_.notify_all();
  }
  const grpc::Status status = reader->Finish();
  common::MutexLock lock(mutex_);
  end_ = status;
  changed_.notify_all();
}

absl::optional<Notification> NotificationWatcher::WaitFor(const Condition& condition,
                                                          absl::Duration timeout) {
  const auto deadline = absl::ToChronoTime(absl::Now() + timeout);
  size_t next = 0;
  common::MutexLock lock(mutex_);
  while (true) {
    for (; next < seen_.size(); ++next) {
      if (condition(seen_[next])) return seen_[next];
    }
    if (end_.has_value()) return absl::nullopt;
    if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout && next == seen_.size()) {
      return absl::nullopt;
    }
  }
}

absl::optional<Notification> NotificationWatcher::WaitForKind(Notification::KindCase kind,
                                                              const std::string& context_id,
                                                              ims::iq::v1::Side side,
                                                              absl::Duration timeout) {
  return WaitFor(
      [&](const Notification& notification) {
        return notification.kind_case() == kind &&
               (context_id.empty() || notification.termination().context_id() == context_id) &&
               (side == ims::iq::v1::SIDE_UNSPECIFIED || notification.termination().side() == side);
      },
      timeout);
}

std::vector<Notification> NotificationWatcher::seen() const {
  common::MutexLock lock(mutex_);
  return seen_;
}

std::string NotificationWatcher::incarnation() const {
  common::MutexLock lock(mutex_);
  return incarnation_;
}

grpc::Status NotificationWatcher::WaitForEnd() {
  common::MutexLock lock(mutex_);
  while (!end_.has_value()) changed_.wait(mutex_);
  return *end_;
}

}  // namespace peers
