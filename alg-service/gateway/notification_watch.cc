#include "alg-service/gateway/notification_watch.h"

#include <utility>

namespace alg {

NotificationWatch::NotificationWatch(GatewayId gateway, uint64_t last_sequence_number,
                                     std::shared_ptr<NotificationSink> sink,
                                     std::function<void()> changed)
    : gateway_(std::move(gateway)),
      sink_(std::move(sink)),
      last_sequence_number_(last_sequence_number),
      watch_(std::make_shared<Notifications>(Notifications::Stream::Handlers{
          [this](const auto& response) { OnNotification(response); },
          [changed = std::move(changed)](const absl::Status&) { changed(); }})) {}

NotificationWatch::~NotificationWatch() { watch_->Close(); }

common::MonotonicTime NotificationWatch::Maintain(common::MonotonicTime now,
                                                  ims::iq::v1::MediaGatewayService::Stub& stub) {
  if (watch_->due() > now) return watch_->due();
  ims::iq::v1::WatchNotificationsRequest request;
  request.set_after_sequence_number(last_sequence_number_);
  request.set_incarnation(gateway_.incarnation);
  watch_->Open(std::move(request), [&stub](auto* call, const auto* message, auto* reactor) {
    stub.async()->WatchNotifications(call, message, reactor);
  });
  return common::MonotonicTime::InfiniteFuture();
}

void NotificationWatch::OnNotification(const ims::iq::v1::WatchNotificationsResponse& response) {
  if (response.incarnation() != gateway_.incarnation) return;
  const ims::iq::v1::Notification& notification = response.notification();
  const uint64_t expected = last_sequence_number_ + 1;
  last_sequence_number_ = notification.sequence_number();
  if (notification.sequence_number() > expected) {
    sink_->OnNotificationsMissed(gateway_, notification.sequence_number() - expected);
  }
  sink_->OnNotification(gateway_, notification);
}

}  // namespace alg
