#include "agw-service/control/gateway_streams.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "common/grpc_push_stream.h"
#include "common/thread_name.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;

grpc::Status Stopping() { return {grpc::StatusCode::UNAVAILABLE, "the IMS-AGW is stopping"}; }

}  // namespace

class GatewayStreams::NotificationStream final
    : public common::PushStream<iq::WatchNotificationsResponse>,
      private NotificationLog::Watcher {
 public:
  NotificationStream(GatewayStreams& streams, uint64_t after_sequence_number)
      : streams_(streams), sent_(after_sequence_number) {
    streams_.log_.AddWatcher(*this);
  }

 private:
  void OnAppended() override { Wake(); }

  absl::optional<iq::WatchNotificationsResponse> Next() override {
    absl::optional<iq::Notification> notification = streams_.log_.After(sent_);
    if (!notification.has_value()) return absl::nullopt;
    sent_ = notification->sequence_number();
    iq::WatchNotificationsResponse response;
    *response.mutable_notification() = *std::move(notification);
    response.set_incarnation(streams_.state_.incarnation());
    return response;
  }

  bool more_follows() const override { return sent_ < streams_.log_.last_sequence_number(); }

  void OnEnd() override {
    streams_.log_.RemoveWatcher(*this);
    common::MutexLock lock(streams_.mutex_);
    streams_.notification_streams_.erase(this);
  }

  GatewayStreams& streams_;
  uint64_t sent_;
};

class GatewayStreams::StatusStream final : public common::PushStream<iq::WatchStatusResponse> {
 public:
  StatusStream(GatewayStreams& streams, absl::Duration interval)
      : streams_(streams), interval_(interval) {}

  absl::Duration interval() const { return interval_; }

  void Push() {
    due_.store(true);
    Wake();
  }

 private:
  absl::optional<iq::WatchStatusResponse> Next() override {
    if (!due_.exchange(false)) return absl::nullopt;
    iq::WatchStatusResponse response;
    *response.mutable_status() = streams_.state_.Status();
    return response;
  }

  void OnEnd() override {
    common::MutexLock lock(streams_.mutex_);
    streams_.status_due_.erase(this);
  }

  GatewayStreams& streams_;
  const absl::Duration interval_;
  std::atomic<bool> due_{false};
};

GatewayStreams::GatewayStreams(const GatewayState& state, NotificationLog& log)
    : state_(state), log_(log), thread_([this] { Run(); }) {}

GatewayStreams::~GatewayStreams() {
  {
    common::MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

// The analysis does not follow a condition variable that takes the lock by reference.
void GatewayStreams::Run() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  common::NameThisThread("status");
  common::MutexLock lock(mutex_);
  while (!stopping_) {
    const common::MonotonicTime now = common::MonotonicTime::Now();
    common::MonotonicTime next = now + absl::Hours(1);
    for (auto& [stream, due] : status_due_) {
      if (due <= now) {
        stream->Push();
        due = now + stream->interval();
      }
      next = std::min(next, due);
    }
    changed_.wait_until(mutex_, next.ToChrono());
  }
}

grpc::ServerWriteReactor<iq::WatchNotificationsResponse>* GatewayStreams::WatchNotifications(
    uint64_t after_sequence_number) {
  auto* stream = new NotificationStream(*this, after_sequence_number);
  common::MutexLock lock(mutex_);
  notification_streams_.insert(stream);
  if (closed_) {
    stream->Close(Stopping());
  } else {
    stream->Wake();
  }
  return stream;
}

grpc::ServerWriteReactor<iq::WatchStatusResponse>* GatewayStreams::WatchStatus(
    absl::Duration interval) {
  auto* stream = new StatusStream(*this, interval);
  common::MutexLock lock(mutex_);
  status_due_.emplace(stream, common::MonotonicTime::Now() + interval);
  if (closed_) {
    stream->Close(Stopping());
  } else {
    stream->Push();
  }
  changed_.notify_one();
  return stream;
}

void GatewayStreams::PushStatus() {
  common::MutexLock lock(mutex_);
  for (const auto& [stream, due] : status_due_) stream->Push();
}

void GatewayStreams::CloseAll() {
  common::MutexLock lock(mutex_);
  closed_ = true;
  for (NotificationStream* stream : notification_streams_) stream->Close(Stopping());
  for (const auto& [stream, due] : status_due_) stream->Close(Stopping());
}

}  // namespace agw
