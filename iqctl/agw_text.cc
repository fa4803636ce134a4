#include "iqctl/agw_text.h"

#include <cstdio>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/iq_notification.h"
#include "ims/iq/v1/notification.pb.h"
#include "ims/iq/v1/termination.pb.h"
#include "iqctl/text/human.h"

namespace iqctl {
namespace {

namespace iq = ims::iq::v1;
using ims::iqctl::v1::GatewayEvent;

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
    default:
      return "";
  }
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
  for (const iq::Fingerprint& fingerprint : status.certificate_fingerprints()) {
    fields.Add("Certificate", FingerprintText(fingerprint));
  }
  Table realms({{"REALM"},
                {"DEFAULT FOR"},
                {"ANNOUNCED", false, true},
                {"PORTS"},
                {"IN USE", true},
                {"OWN CERTIFICATE", false, true}});
  for (const iq::Realm& realm : status.realms()) {
    realms.AddRow({realm.name(), DefaultSides(realm),
                   absl::StrJoin(realm.advertised_addresses(), ", "),
                   absl::StrCat(realm.first_port(), "-", realm.last_port()),
                   UseCell(realm.ports_in_use(), realm.ports_total()),
                   absl::StrJoin(realm.certificate_fingerprints(), ", ",
                                 [](std::string* out, const iq::Fingerprint& fingerprint) {
                                   absl::StrAppend(out, FingerprintText(fingerprint));
                                 })});
  }
  return absl::StrCat(fields.ToString(terminal), "\n", realms.ToString(terminal));
}

std::string ContextText(const iq::AuditContextResponse& context, const Terminal& terminal) {
  FieldList fields;
  fields.Add("Context", context.context_id());
  fields.Add("Incarnation", context.incarnation());
  fields.Add("Created", ToHuman(context.creation_time()));
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
                  AddressText(termination.remote().address()),
                  ByteCount(termination.statistics().received_byte_count()),
                  ByteCount(termination.statistics().sent_byte_count()),
                  ToHuman(termination.statistics().duration()),
                  WithSeparators(termination.dropped_syn_count()),
                  absl::StrCat(termination.failed_attempt_count())});
  }
  return absl::StrCat(fields.ToString(terminal), "\n", table.ToString(terminal));
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
  const std::string kind =
      name.cause.empty() ? name.kind : absl::StrCat(name.kind, " ", name.cause);
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
