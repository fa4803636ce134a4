#include "alg-service/gateway/notification_log.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/log.h"

namespace alg {
namespace {

using ims::iq::v1::Notification;

std::string CauseName(absl::string_view enum_value_name) {
  return std::string(absl::StripPrefix(enum_value_name, "CAUSE_"));
}

}  // namespace

NotificationLabels LabelsOf(const Notification& notification) {
  switch (notification.kind_case()) {
    case Notification::kSynDropped:
      return {"syn_dropped", "", false};
    case Notification::kTcpEstablished:
      return {"tcp_established", "", false};
    case Notification::kTcpFailed: {
      auto cause = notification.tcp_failed().cause();
      return {"tcp_failed", CauseName(Notification::TcpFailed::Cause_Name(cause)), true};
    }
    case Notification::kTlsEstablished:
      return {"tls_established", "", false};
    case Notification::kTlsFailed: {
      auto cause = notification.tls_failed().cause();
      return {"tls_failed", CauseName(Notification::TlsFailed::Cause_Name(cause)), true};
    }
    case Notification::kFingerprintVerified:
      return {"fingerprint_verified", "", false};
    case Notification::kFingerprintMismatch:
      return {"fingerprint_mismatch", "", true};
    case Notification::kBearerReleased: {
      auto cause = notification.bearer_released().cause();
      return {"bearer_released", CauseName(Notification::BearerReleased::Cause_Name(cause)), false};
    }
    case Notification::kHangingTermination:
      return {"hanging_termination", "", true};
    case Notification::kDraining:
      return {"draining", "", false};
    case Notification::kSetupTimedOut: {
      auto timer = notification.setup_timed_out().timer();
      return {
          "setup_timed_out",
          std::string(absl::StripPrefix(Notification::SetupTimedOut::Timer_Name(timer), "TIMER_")),
          true};
    }
    case Notification::KIND_NOT_SET:
      break;
  }
  return {"unknown", "", false};  // Of a newer IMS-AGW.
}

void LogNotification(const Notification& notification, const NotificationLabels& labels,
                     absl::string_view session_id_prefix) {
  const common::Severity severity =
      labels.is_failure ? common::Severity::kWarning : common::Severity::kDebug;
  if (!common::IsLogged(severity)) return;
  const ims::iq::v1::TerminationId& termination = notification.termination();
  std::string detail;
  if (notification.has_tls_failed()) detail = notification.tls_failed().detail();
  if (notification.has_tcp_failed()) detail = notification.tcp_failed().detail();
  std::string session_id;
  if (!termination.context_id().empty()) {
    session_id = absl::StrCat(session_id_prefix, termination.context_id());
  }
  const char* side = "";
  if (termination.side() == ims::iq::v1::SIDE_ACCESS) side = "access";
  if (termination.side() == ims::iq::v1::SIDE_CORE) side = "core";
  common::Log(severity, "iq_notification",
              {{"kind", labels.kind},
               {"cause", labels.cause},
               {"session_id", session_id},
               {"stream_id", termination.stream_id()},
               {"side", side},
               {"sequence_number", notification.sequence_number()},
               {"detail", detail}});
}

}  // namespace alg
