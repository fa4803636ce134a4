#include "common/iq_notification.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace common {
namespace {

using ims::iq::v1::Notification;

// "CAUSE_TIMED_OUT" -> "timed_out".
std::string ShortName(absl::string_view value_name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(value_name, prefix));
}

std::string OfRealm(absl::string_view name) {
  return name.empty() ? "realms without one of their own" : absl::StrCat("realm ", name);
}

}  // namespace

IqNotificationName NameOf(const Notification& notification) {
  IqNotificationName name;
  const google::protobuf::OneofDescriptor* kinds = Notification::descriptor()->oneof_decl(0);
  const google::protobuf::FieldDescriptor* kind =
      Notification::GetReflection()->GetOneofFieldDescriptor(notification, kinds);
  name.kind = kind != nullptr ? kind->name() : "unknown";
  if (notification.termination().side() != ims::iq::v1::SIDE_UNSPECIFIED) {
    name.side = ShortName(ims::iq::v1::Side_Name(notification.termination().side()), "SIDE_");
  }
  switch (notification.kind_case()) {
    case Notification::kTcpFailed:
      name.is_failure = true;
      name.cause = ShortName(Notification::TcpFailed::Cause_Name(notification.tcp_failed().cause()),
                             "CAUSE_");
      name.detail = notification.tcp_failed().detail();
      break;
    case Notification::kTlsFailed:
      name.is_failure = true;
      name.cause = ShortName(Notification::TlsFailed::Cause_Name(notification.tls_failed().cause()),
                             "CAUSE_");
      name.detail = notification.tls_failed().detail();
      break;
    case Notification::kBearerReleased:
      name.cause = ShortName(
          Notification::BearerReleased::Cause_Name(notification.bearer_released().cause()),
          "CAUSE_");
      name.detail = notification.bearer_released().detail();
      break;
    case Notification::kSetupTimedOut:
      name.is_failure = true;
      name.cause =
          ShortName(Notification::SetupTimedOut::Timer_Name(notification.setup_timed_out().timer()),
                    "TIMER_");
      break;
    case Notification::kDescriptorShortage:
      name.is_failure = true;
      name.detail = notification.descriptor_shortage().detail();
      break;
    case Notification::kMediaInactivity:
      name.cause = ShortName(ims::iq::v1::MediaInactivityDetection::Direction_Name(
                                 notification.media_inactivity().direction()),
                             "DIRECTION_");
      break;
    case Notification::kCertificateRotated:
      name.detail = OfRealm(notification.certificate_rotated().ip_realm());
      break;
    case Notification::kPortPoolLow:
      name.is_failure = true;
      name.detail = absl::StrCat(OfRealm(notification.port_pool_low().ip_realm()), ": ",
                                 notification.port_pool_low().ports_in_use(), " of ",
                                 notification.port_pool_low().ports_total(), " ports in use");
      break;
    case Notification::kFingerprintMismatch:
    case Notification::kHangingTermination:
      name.is_failure = true;
      break;
    default:
      break;
  }
  return name;
}

}  // namespace common
