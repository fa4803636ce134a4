// Makes what IMS-AGWs notify visible to operators: log lines and metrics.

#ifndef ALG_SERVICE_NOTIFICATION_LOG_H_
#define ALG_SERVICE_NOTIFICATION_LOG_H_

#include <memory>
#include <utility>

#include "alg-service/gateway/notification_sink.h"
#include "alg-service/metrics.h"

namespace alg {

// Writes the lines "iq_notification", "iq_notifications_missed" and "gateway_lost", and counts.
// Thread-safe.
class NotificationLog : public NotificationSink {
 public:
  explicit NotificationLog(std::shared_ptr<Metrics> metrics) : metrics_(std::move(metrics)) {}

  void OnNotification(const GatewayId& gateway,
                      const ims::iq::v1::Notification& notification) override;
  void OnNotificationsMissed(const GatewayId& gateway, uint64_t count) override;
  void OnGatewayLost(const LostGateway& lost) override;

 private:
  const std::shared_ptr<Metrics> metrics_;
};

}  // namespace alg

#endif  // ALG_SERVICE_NOTIFICATION_LOG_H_
