// Notifications by name, for logs and metrics.

#ifndef AGW_SERVICE_CONTROL_NOTIFICATION_NAME_H_
#define AGW_SERVICE_CONTROL_NOTIFICATION_NAME_H_

#include <string>

#include "ims/iq/v1/notification.pb.h"

namespace agw {

struct NotificationName {
  std::string kind;    // "tls_failed"
  std::string cause;   // "fingerprint_mismatch"; of a time-out the timer; empty if there is none
  std::string side;    // "access", "core"; empty if the whole context or IMS-AGW is meant
  std::string detail;  // For people; empty if there is none.
};

NotificationName NameOf(const ims::iq::v1::Notification& notification);

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_NOTIFICATION_NAME_H_
