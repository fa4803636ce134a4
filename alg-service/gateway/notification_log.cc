#include "alg-service/gateway/notification_log.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/iq_notification.h"
#include "common/log.h"

namespace alg {

void LogNotification(const ims::iq::v1::Notification& notification,
                     absl::string_view session_id_prefix) {
  const common::IqNotificationName name = common::NameOf(notification);
  const common::Severity severity =
      name.is_failure ? common::Severity::kWarning : common::Severity::kDebug;
  if (!common::IsLogged(severity)) return;
  const ims::iq::v1::TerminationId& termination = notification.termination();
  std::string session_id;
  if (!termination.context_id().empty()) {
    session_id = absl::StrCat(session_id_prefix, termination.context_id());
  }
  common::Log(severity, "iq_notification",
              {{"kind", name.kind},
               {"cause", name.cause},
               {"session_id", session_id},
               {"stream_id", termination.stream_id()},
               {"side", name.side},
               {"sequence_number", notification.sequence_number()},
               {"detail", name.detail}});
}

}  // namespace alg
