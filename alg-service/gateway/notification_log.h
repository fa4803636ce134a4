// Makes what an IMS-AGW reports visible: a log line for each notification.

#ifndef ALG_SERVICE_GATEWAY_NOTIFICATION_LOG_H_
#define ALG_SERVICE_GATEWAY_NOTIFICATION_LOG_H_

#include "absl/strings/string_view.h"
#include "ims/iq/v1/notification.pb.h"

namespace alg {

// Writes the line "iq_notification". `session_id_prefix` is what a session id of that IMS-AGW has
// before its context id.
void LogNotification(const ims::iq::v1::Notification& notification,
                     absl::string_view session_id_prefix);

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_NOTIFICATION_LOG_H_
