// Makes what an IMS-AGW reports visible: a log line and a count for each notification.

#ifndef ALG_SERVICE_GATEWAY_NOTIFICATION_LOG_H_
#define ALG_SERVICE_GATEWAY_NOTIFICATION_LOG_H_

#include <string>

#include "absl/strings/string_view.h"
#include "ims/iq/v1/notification.pb.h"

namespace alg {

// The bounded part of a notification, for metrics and logs.
struct NotificationLabels {
  std::string kind;   // The name of the field: "tls_failed".
  std::string cause;  // The name of the enum value: "FINGERPRINT_MISMATCH"; empty if it has none.

  // Something went wrong that an operator may want to look at.
  bool is_failure = false;
};

NotificationLabels LabelsOf(const ims::iq::v1::Notification& notification);

// Writes the line "iq_notification". `session_id_prefix` is what a session id of that IMS-AGW has
// before its context id.
void LogNotification(const ims::iq::v1::Notification& notification,
                     const NotificationLabels& labels, absl::string_view session_id_prefix);

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_NOTIFICATION_LOG_H_
