// Iq's notifications by name, for the logs and metrics of both services.

#ifndef COMMON_IQ_NOTIFICATION_H_
#define COMMON_IQ_NOTIFICATION_H_

#include <string>

#include "ims/iq/v1/notification.pb.h"

namespace common {

struct IqNotificationName {
  std::string kind;    // "tls_failed"; "unknown" for one of a newer IMS-AGW
  std::string cause;   // "fingerprint_mismatch"; of a time-out the timer, of silence the direction;
                       // empty if there is none
  std::string side;    // "access", "core"; empty if the whole context or IMS-AGW is meant
  std::string detail;  // For people; empty if there is none.

  // Something went wrong that an operator may want to look at.
  bool is_failure = false;
};

IqNotificationName NameOf(const ims::iq::v1::Notification& notification);

}  // namespace common

#endif  // COMMON_IQ_NOTIFICATION_H_
