#include "iqctl/agw_text.h"

#include <cstdio>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/iq_notification.h"
#include "google/protobuf/timestamp.pb.h"
#include "ims/iq/v1/error_reason.pb.h"
#include "ims/iq/v1/history.pb.h"
#include "ims/iq/v1/notification.pb.h"
#include "ims/iq/v1/termination.pb.h"
#include "iqctl/text/human.h"

namespace iqctl {
namespace {

namespace iq = ims::iq::v1;
using ims::iqctl::v1::GatewayEvent;

// From when on the end of a certificate is near. One that the IMS-AGW makes lasts for a year longer
// than it is in use.
constexpr absl::Duration kCertificateWarning = absl::Hours(14 * 24);

// As SDP writes it, "sha-256 AB:CD:...".
std::string FingerprintText(const iq::Fingerprint& fingerprint) {
  std::string digest;
  for (const char c : fingerprint.digest()) {
    char octet[4];
    std::snprintf(octet, sizeof(octet), "%02X", static_cast<unsigned char>(c));
    absl::StrAppend(&digest, digest.empty() ? "" : ":", octet);
  }
  return absl::StrCat(fingerprint.hash_function(), " ", digest);
}

std::string AddressText(const iq::TransportAddress& address) {
  if (address.ip_address().empty()) return "";
  const bool is_ipv6 = address.ip_address().find(':') != std::string::npos;
  return absl::StrCat(is_ipv6 ? "[" : "", address.ip_address(), is_ipv6 ? "]:" : ":",
                      address.port() == 0 ? "any" : absl::StrCat(address.port()));
}

std::string DefaultSides(const iq::Realm& realm) {
  return absl::StrJoin(realm.default_for(), ", ", [](std::string* out, int side) {
    absl::StrAppend(out, ShortName(iq::Side_Name(static_cast<iq::Side>(side)), "SIDE_"));
  });
}

Cell TerminationStateCell(iq::TerminationAudit::State state) {
  Style style = Style::kPlain;
  if (state == iq::TerminationAudit::STATE_ESTABLISHED) style = Style::kGood;
  if (state == iq::TerminationAudit::STATE_CONNECTING ||
      state == iq::TerminationAudit::STATE_TLS_HANDSHAKE) {
    style = Style::kWarning;
  }
  if (state == iq::TerminationAudit::STATE_FAILED) style = Style::kBad;
  return Cell(ShortName(iq::TerminationAudit::State_Name(state), "STATE_"), style);
}

// What a notification says beside kind, cause and detail.
std::string Particulars(const iq::Notification& notification) {
  switch (notification.kind_case()) {
    case iq::Notification::kSynDropped:
      return Counted(notification.syn_dropped().dropped_count(), "SYN");
    case iq::Notification::kTcpEstablished:
      return absl::StrCat(AddressText(notification.tcp_established().local_address()), " with ",
                          AddressText(notification.tcp_established().remote_address()));
    case iq::Notification::kTlsEstablished:
      return absl::StrCat(notification.tls_established().protocol_version(), " ",
                          notification.tls_established().cipher_suite());
    case iq::Notification::kTlsFailed:
      return absl::StrCat(notification.tls_failed().attempts_left(), " more may try");
    case iq::Notification::kFingerprintVerified:
      return FingerprintText(notification.fingerprint_verified().fingerprint());
    case iq::Notification::kFingerprintMismatch:
      return absl::StrCat("presented ",
                          FingerprintText(notification.fingerprint_mismatch().presented()));
    case iq::Notification::kBearerReleased:
      return absl::StrCat("received ",
                          ByteCount(notification.bearer_released().received_byte_count()),
                          ", sent ", ByteCount(notification.bearer_released().sent_byte_count()));
    case iq::Notification::kMediaInactivity:
      return absl::StrCat("for ", ToHuman(notification.media_inactivity().time()));
    case iq::Notification::kCertificateRotated:
      return absl::StrCat(FingerprintText(notification.certificate_rotated().fingerprint()),
                          " until ", ToHuman(notification.certificate_rotated().not_after()));
    default:
      return "";
  }
}

std::string KindText(const common::IqNotificationName& name) {
  return name.cause.empty() ? name.kind : absl::StrCat(name.kind, " ", name.cause);
}

Style StyleOf(const iq::Notification& notification, const common::IqNotificationName& name) {
  if (name.is_failure) return Style::kBad;
  switch (notification.kind_case()) {
    case iq::Notification::kTlsEstablished:
    case iq::Notification::kFingerprintVerified:
      return Style::kGood;
    case iq::Notification::kDraining:
    case iq::Notification::kSynDropped:
      return Style::kWarning;
    default:
      return Style::kPlain;
  }
}

// "1 access", "1", or "" for the context as a whole.
std::string PlaceText(const iq::TerminationId& termination) {
  if (termination.stream_id() == 0) return "";
  const std::string side = ShortName(iq::Side_Name(termination.side()), "SIDE_");
  return absl::StrCat(termination.stream_id(), side.empty() ? "" : " ", side);
}

// What a line of a context's history says.
struct HistoryLine {
  google::protobuf::Timestamp time;
  std::string where;
  Cell what;
  std::string more;
};

HistoryLine LineOf(const iq::HistoryEntry::Call& call) {
  const bool failed = call.error_reason() != iq::ERROR_REASON_UNSPECIFIED;
  // As the log and the errors of calls name it.
  const std::string outcome = failed
                                  ? std::string(absl::StripPrefix(
                                        iq::ErrorReason_Name(call.error_reason()), "ERROR_REASON_"))
                                  : "";
  return {call.time(), PlaceText(call.termination()),
          Cell(absl::StrCat("> ", ShortName(iq::HistoryEntry::Procedure_Name(call.procedure()),
                                            "PROCEDURE_")),
               failed ? Style::kBad : Style::kPlain),
          outcome};
}

HistoryLine LineOf(const iq::Notification& notification) {
  const common::IqNotificationName name = common::NameOf(notification);
  std::vector<std::string> more;
  for (const std::string& each : {Particulars(notification), name.detail}) {
    if (!each.empty()) more.push_back(each);
  }
  return {notification.time(), PlaceText(notification.termination()),
          Cell(KindText(name), StyleOf(notification, name)), absl::StrJoin(more, "  ")};
}

std::string CertificatesText(const iq::GatewayStatus& status, const Terminal& terminal) {
  Table table(
      {{"CERTIFICATE OF"}, {"FROM"}, {"IN USE SINCE"}, {"ENDS"}, {"FINGERPRINT", false, true}});
  const absl::Time now = absl::FromUnixSeconds(status.time().seconds());
  for (const iq::Certificate& certificate : status.certificates()) {
    const absl::Duration left = absl::FromUnixSeconds(certificate.not_after().seconds()) - now;
    Style style = Style::kPlain;
    if (left < kCertificateWarning) style = Style::kWarning;
    if (left <= absl::ZeroDuration()) style = Style::kBad;
    table.AddRow({certificate.ip_realm().empty() ? "other realms"
                                                 : absl::StrCat("realm ", certificate.ip_realm()),
                  certificate.generated() ? "itself" : "files", ToHuman(certificate.in_use_since()),
                  Cell(ToHuman(certificate.not_after()), style),
                  FingerprintText(certificate.fingerprint())});
  }
  return table.ToString(terminal);
}

std::string HistoryText(const iq::AuditContextResponse& context, const Terminal& terminal) {
  Table table({{"TIME"}, {"AFTER", true}, {"WHERE"}, {"WHAT"}, {"MORE", false, true}});
  absl::optional<absl::Time> last;
  for (const iq::HistoryEntry& entry : context.history()) {
    const HistoryLine line = entry.has_call() ? LineOf(entry.call()) : LineOf(entry.notification());
    const absl::Time time =
        absl::FromUnixSeconds(line.time.seconds()) + absl::Nanoseconds(line.time.nanos());
    const absl::Duration after = time - last.value_or(time);
    table.AddRow({ToHuman(line.time), absl::StrFormat("+%.3f s", absl::ToDoubleSeconds(after)),
                  line.where, line.what, line.more});
    last = time;
  }
  return table.ToString(terminal);
}

}  // namespace

Cell StateCell(const ims::iqctl::v1::Gateway& gateway) {
  if (!gateway.has_status()) return Cell("unreachable", Style::kBad);
  return gateway.status().draining() ? Cell("draining", Style::kWarning) : Cell("up", Style::kGood);
}

Cell UseCell(uint64_t used, uint64_t total) {
  Style style = Style::kPlain;
  if (used * 10 >= total * 8) style = Style::kWarning;
  if (used >= total) style = Style::kBad;
  return Cell(absl::StrCat(WithSeparators(used), "/", WithSeparators(total)), style);
}

std::string PortsText(const iq::GatewayStatus& status) {
  return absl::StrJoin(status.realms(), ", ", [](std::string* out, const iq::Realm& realm) {
    absl::StrAppend(out, realm.name(), " ", WithSeparators(realm.ports_in_use()), "/",
                    WithSeparators(realm.ports_total()));
  });
}

std::string GatewayListText(const std::vector<Gateway>& gateways, const Terminal& terminal) {
  Table table({{"INSTANCE"},
               {"STATE"},
               {"SESSIONS", true},
               {"PORTS", false, true},
               {"VERSION"},
               {"ADDRESS", false, true}});
  for (const Gateway& gateway : gateways) {
    const std::string addresses = absl::StrJoin(gateway.addresses, ", ");
    if (!gateway.has_answered()) {
      table.AddRow({"-", StateCell(ToReport(gateway)), "-", "-", "-", addresses});
      continue;
    }
    const iq::GatewayStatus& status = gateway.status;
    table.AddRow({status.instance_id(), StateCell(ToReport(gateway)),
                  UseCell(status.context_count(), status.context_limit()), PortsText(status),
                  status.software_version(), addresses});
  }
  return table.ToString(terminal);
}

std::string GatewayText(const Gateway& gateway, const Terminal& terminal) {
  const iq::GatewayStatus& status = gateway.status;
  FieldList fields;
  fields.Add("Instance", status.instance_id());
  fields.Add("Incarnation", status.incarnation());
  fields.Add("Address", absl::StrJoin(gateway.addresses, ", "));
  Cell state = StateCell(ToReport(gateway));
  if (status.has_drain_duration()) {
    absl::StrAppend(&state.text, " for ", ToHuman(status.drain_duration()));
  }
  fields.Add("State", state);
  fields.Add("Sessions", UseCell(status.context_count(), status.context_limit()));
  fields.Add("Workers", absl::StrCat(status.worker_count()));
  fields.Add("Version", status.software_version());
  fields.Add("Last event", status.last_sequence_number() == 0
                               ? ""
                               : absl::StrCat("#", status.last_sequence_number()));
  Table realms(
      {{"REALM"}, {"DEFAULT FOR"}, {"ANNOUNCED", false, true}, {"PORTS"}, {"IN USE", true}});
  for (const iq::Realm& realm : status.realms()) {
    realms.AddRow({realm.name(), DefaultSides(realm),
                   absl::StrJoin(realm.advertised_addresses(), ", "),
                   absl::StrCat(realm.first_port(), "-", realm.last_port()),
                   UseCell(realm.ports_in_use(), realm.ports_total())});
  }
  return absl::StrCat(fields.ToString(terminal), "\n", realms.ToString(terminal), "\n",
                      CertificatesText(status, terminal));
}

std::string ContextText(const iq::AuditContextResponse& context, const Terminal& terminal) {
  FieldList fields;
  fields.Add("Context", context.context_id());
  fields.Add("Incarnation", context.incarnation());
  fields.Add("Created", ToHuman(context.creation_time()));
  if (context.context_attributes().emergency_call()) fields.Add("Emergency", "yes");
  if (context.context_attributes().priority() > 0) {
    fields.Add("Priority", absl::StrCat(context.context_attributes().priority()));
  }
  Table table({{"STREAM", true},
               {"SIDE"},
               {"TRANSPORT"},
               {"STATE"},
               {"LOCAL"},
               {"REMOTE"},
               {"RECEIVED", true},
               {"SENT", true},
               {"DURATION", true},
               {"SYNS DROPPED", true},
               {"FAILED TLS", true}});
  for (const iq::TerminationAudit& termination : context.terminations()) {
    table.AddRow({absl::StrCat(termination.termination().stream_id()),
                  ShortName(iq::Side_Name(termination.termination().side()), "SIDE_"),
                  ShortName(iq::TransportProtocol_Name(termination.local().transport_protocol()),
                            "TRANSPORT_PROTOCOL_"),
                  TerminationStateCell(termination.state()),
                  AddressText(termination.local_address()),
                  AddressText(termination.has_connected_address() ? termination.connected_address()
                                                                  : termination.remote().address()),
                  ByteCount(termination.statistics().received_byte_count()),
                  ByteCount(termination.statistics().sent_byte_count()),
                  ToHuman(termination.statistics().duration()),
                  WithSeparators(termination.dropped_syn_count()),
                  absl::StrCat(termination.failed_attempt_count())});
  }
  std::string text = absl::StrCat(fields.ToString(terminal), "\n", table.ToString(terminal));
  if (context.history().empty()) return text;
  absl::StrAppend(&text, "\n");
  if (context.forgotten_history_count() > 0) {
    absl::StrAppend(&text, WithSeparators(context.forgotten_history_count()),
                    " before that were not kept\n");
  }
  return absl::StrCat(text, HistoryText(context, terminal));
}

std::string EventText(const GatewayEvent& event, const Terminal& terminal) {
  const iq::Notification& notification = event.notification();
  const common::IqNotificationName name = common::NameOf(notification);
  std::vector<std::string> parts;
  const iq::TerminationId& where = notification.termination();
  if (!where.context_id().empty()) {
    parts.push_back(where.stream_id() == 0
                        ? where.context_id()
                        : absl::StrCat(where.context_id(), "/", where.stream_id()));
  }
  if (!name.side.empty()) parts.push_back(name.side);
  const std::string kind = KindText(name);
  std::string line =
      absl::StrCat(Styled(ToHuman(notification.time()), Style::kDim, terminal), "  ",
                   Printable(event.instance_id()), " #", notification.sequence_number(), "  ",
                   Styled(Printable(kind), StyleOf(notification, name), terminal));
  if (!parts.empty()) absl::StrAppend(&line, "  ", Printable(absl::StrJoin(parts, " ")));
  for (const std::string& more : {Particulars(notification), name.detail}) {
    if (!more.empty()) absl::StrAppend(&line, "  ", Printable(more));
  }
  return absl::StrCat(line, "\n");
}

}  // namespace iqctl
