// Follows the notifications of one IMS-AGW.

#ifndef ALG_SERVICE_GATEWAY_NOTIFICATION_WATCH_H_
#define ALG_SERVICE_GATEWAY_NOTIFICATION_WATCH_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "alg-service/gateway/notification_sink.h"
#include "alg-service/gateway/watch.h"
#include "common/monotonic_time.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"

namespace alg {

// From one incarnation to the next. A stream that broke goes on where it stopped, on whichever of
// the addresses of the IMS-AGW can be reached then. Thread-safe.
class NotificationWatch {
 public:
  // Notifications up to `last_sequence_number` are not asked for. `changed` is called, on gRPC's
  // threads, when `Maintain()` should be called soon.
  NotificationWatch(GatewayId gateway, uint64_t last_sequence_number,
                    std::shared_ptr<NotificationSink> sink, std::function<void()> changed);

  // Ends the stream and waits until the sink is not called any more.
  ~NotificationWatch();

  NotificationWatch(const NotificationWatch&) = delete;
  NotificationWatch& operator=(const NotificationWatch&) = delete;

  // Opens the stream if it is due. Returns when to be called again.
  common::MonotonicTime Maintain(common::MonotonicTime now,
                                 ims::iq::v1::MediaGatewayService::Stub& stub);

 private:
  using Notifications =
      Watch<ims::iq::v1::WatchNotificationsRequest, ims::iq::v1::WatchNotificationsResponse>;

  void OnNotification(const ims::iq::v1::WatchNotificationsResponse& response);

  const GatewayId gateway_;
  const std::shared_ptr<NotificationSink> sink_;
  std::atomic<uint64_t> last_sequence_number_;
  const std::shared_ptr<Notifications> watch_;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_NOTIFICATION_WATCH_H_
