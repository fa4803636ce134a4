// Where the IMS-ALG's knowledge of what happens at IMS-AGWs goes.

#ifndef ALG_SERVICE_GATEWAY_NOTIFICATION_SINK_H_
#define ALG_SERVICE_GATEWAY_NOTIFICATION_SINK_H_

#include <cstdint>
#include <string>
#include <tuple>

#include "ims/iq/v1/notification.pb.h"

namespace alg {

// One run of an IMS-AGW: from its start to its end. Its contexts live as long. A value.
struct GatewayId {
  std::string instance_id;
  std::string incarnation;

  friend bool operator==(const GatewayId& a, const GatewayId& b) {
    return a.instance_id == b.instance_id && a.incarnation == b.incarnation;
  }
  friend bool operator<(const GatewayId& a, const GatewayId& b) {
    return std::tie(a.instance_id, a.incarnation) < std::tie(b.instance_id, b.incarnation);
  }
};

// Why an IMS-AGW is taken for lost.
enum class GatewayLoss {
  kRestarted,  // The instance has another incarnation.
  kRefused,    // Nobody listens at its address any more.
  kSilent,     // It has not been heard of for `gateways.lost_after`.
  kReplaced,   // Another instance has its address.
};

// "restarted", for log and metrics.
inline const char* NameOf(GatewayLoss loss) {
  switch (loss) {
    case GatewayLoss::kRestarted:
      return "restarted";
    case GatewayLoss::kRefused:
      return "refused";
    case GatewayLoss::kSilent:
      return "silent";
    case GatewayLoss::kReplaced:
      return "replaced";
  }
  return "";
}

// An IMS-AGW that is lost.
struct LostGateway {
  GatewayId id;
  GatewayLoss loss;
  uint32_t session_count = 0;  // As it said last.
};

// Hears of every IMS-AGW of the pool. Called on several threads at the same time, for the
// notifications of one IMS-AGW by one at a time and in their order. Must not block for long: the
// next notification waits.
class NotificationSink {
 public:
  virtual ~NotificationSink() = default;

  virtual void OnNotification(const GatewayId& gateway,
                              const ims::iq::v1::Notification& notification) = 0;

  // `count` notifications of `gateway` came to nobody: the IMS-AGW did not keep them long enough.
  virtual void OnNotificationsMissed(const GatewayId& gateway, uint64_t count) = 0;

  // The contexts of `lost` are gone, as far as can be known. Should it turn up again nevertheless,
  // its notifications go on.
  virtual void OnGatewayLost(const LostGateway& lost) = 0;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_NOTIFICATION_SINK_H_
