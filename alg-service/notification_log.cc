#include "alg-service/notification_log.h"

#include <string>

#include "alg-service/session/session_id.h"
#include "common/iq_notification.h"
#include "common/log.h"

namespace alg {

void NotificationLog::OnNotification(const GatewayId& gateway,
                                     const ims::iq::v1::Notification& notification) {
  const common::IqNotificationName name = common::NameOf(notification);
  metrics_->CountNotification(name.kind, name.cause);
  const common::Severity severity =
      name.is_failure ? common::Severity::kWarning : common::Severity::kDebug;
  if (!common::IsLogged(severity)) return;
  const ims::iq::v1::TerminationId& termination = notification.termination();
  std::string session_id;
  if (!termination.context_id().empty()) {
    session_id =
        SessionId{gateway.instance_id, gateway.incarnation, termination.context_id()}.ToString();
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

void NotificationLog::OnNotificationsMissed(const GatewayId& gateway, uint64_t count) {
  metrics_->CountMissedNotifications(count);
  common::Log(common::Severity::kWarning, "iq_notifications_missed",
              {{"instance_id", gateway.instance_id}, {"missed_count", count}});
}

void NotificationLog::OnGatewayLost(const LostGateway& lost) {
  metrics_->CountLostGateway(NameOf(lost.loss), lost.session_count);
  common::Log(common::Severity::kWarning, "gateway_lost",
              {{"instance_id", lost.id.instance_id},
               {"incarnation", lost.id.incarnation},
               {"reason", NameOf(lost.loss)},
               {"session_count", lost.session_count}});
}

}  // namespace alg
