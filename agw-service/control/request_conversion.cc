// Requests to values. The way back is in reply_conversion.cc.

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "agw-service/context/iq_error.h"
#include "agw-service/control/proto_conversion.h"
#include "agw-service/msrp/msrp_rewriting.h"
#include "agw-service/msrp/msrp_uri.h"
#include "common/config_check.h"
#include "common/status_macros.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;

constexpr size_t kContextIdLimit = 64;
constexpr size_t kTransactionIdLimit = 128;
constexpr uint32_t kStreamLimit = 64;
constexpr int kFingerprintLimit = 16;
constexpr int kMsrpUriLimit = 16;
constexpr size_t kControllerStateLimit = 16384;
constexpr uint32_t kPriorityLimit = 15;

absl::Status Missing(absl::string_view field) {
  return IqError(absl::StatusCode::kInvalidArgument, "FIELD_MISSING", "is required", field);
}

absl::Status Invalid(absl::string_view field, absl::string_view message) {
  return IqError(absl::StatusCode::kInvalidArgument, "FIELD_INVALID", message, field);
}

absl::StatusOr<common::IpAddress> ToIpAddress(const std::string& text, absl::string_view field) {
  absl::StatusOr<common::IpAddress> ip = common::IpAddress::Parse(text);
  if (!ip.ok()) return Invalid(field, ip.status().message());
  if (ip->IsIpv4Mapped()) return Invalid(field, "is an IPv4 address in IPv6 form");
  return ip;
}

absl::StatusOr<absl::optional<absl::Duration>> ToTimer(bool present,
                                                       const google::protobuf::Duration& duration,
                                                       absl::Duration limit,
                                                       absl::string_view field) {
  if (!present) return absl::optional<absl::Duration>();
  const absl::Duration value =
      absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
  if (value == absl::ZeroDuration()) return absl::optional<absl::Duration>();
  if (value < absl::ZeroDuration() || value > limit) {
    return Invalid(absl::StrCat("bearer_control.setup_timers.", field),
                   absl::StrCat("must be between 0 and ", absl::FormatDuration(limit)));
  }
  return absl::optional<absl::Duration>(value);
}

absl::StatusOr<SourceFilter> ToSourceFilter(const iq::SynPolicy::Source& source) {
  const std::string field = "bearer_control.syn_policy.accept_from.sources";
  SourceFilter filter;
  ASSIGN_OR_RETURN(filter.ip, ToIpAddress(source.ip_address(), absl::StrCat(field, ".ip_address")));
  const uint32_t address_bits = static_cast<uint32_t>(8 * filter.ip.bytes().size());
  if (source.prefix_length() > address_bits) {
    return Invalid(absl::StrCat(field, ".prefix_length"),
                   absl::StrCat("must be at most ", address_bits));
  }
  if (source.port() > 65535) return Invalid(absl::StrCat(field, ".port"), "must be at most 65535");
  filter.prefix_length =
      static_cast<uint8_t>(source.prefix_length() == 0 ? address_bits : source.prefix_length());
  filter.port = static_cast<uint16_t>(source.port());
  return filter;
}

absl::StatusOr<SynPolicy> ToSynPolicy(const iq::SynPolicy& policy) {
  SynPolicy result;
  switch (policy.policy_case()) {
    case iq::SynPolicy::kDropAll:
      result.kind = SynPolicy::Kind::kDropAll;
      return result;
    case iq::SynPolicy::kLatch:
      result.kind = SynPolicy::Kind::kLatch;
      return result;
    case iq::SynPolicy::kAcceptFrom:
      break;
    case iq::SynPolicy::POLICY_NOT_SET:
      return Missing("bearer_control.syn_policy.policy");
  }
  result.kind = SynPolicy::Kind::kAcceptFrom;
  if (policy.accept_from().sources_size() > static_cast<int>(kSourceFilterLimit)) {
    return Invalid("bearer_control.syn_policy.accept_from.sources",
                   absl::StrCat("must be at most ", kSourceFilterLimit));
  }
  for (const iq::SynPolicy::Source& source : policy.accept_from().sources()) {
    ASSIGN_OR_RETURN(SourceFilter filter, ToSourceFilter(source));
    result.sources.push_back(filter);
  }
  return result;
}

absl::StatusOr<Interlinkage> ToInterlinkage(const iq::Interlinkage& interlinkage) {
  Interlinkage result;
  switch (interlinkage.topology()) {
    case iq::Interlinkage::TOPOLOGY_NONE:
      result.topology = Interlinkage::Topology::kNone;
      break;
    case iq::Interlinkage::TOPOLOGY_T1_TO_T2:
      result.topology = Interlinkage::Topology::kT1ToT2;
      break;
    case iq::Interlinkage::TOPOLOGY_T2_TO_T1:
      result.topology = Interlinkage::Topology::kT2ToT1;
      break;
    default:
      return Invalid("bearer_control.interlinkage.topology", "is not a value of the enum");
  }
  switch (interlinkage.trigger()) {
    case iq::Interlinkage::TRIGGER_UNSPECIFIED:
    case iq::Interlinkage::TRIGGER_ON_TCP_SYN:
      result.trigger = Interlinkage::Trigger::kOnTcpSyn;
      break;
    case iq::Interlinkage::TRIGGER_ON_TLS_VERIFIED:
      result.trigger = Interlinkage::Trigger::kOnTlsVerified;
      break;
    default:
      return Invalid("bearer_control.interlinkage.trigger", "is not a value of the enum");
  }
  return result;
}

// Of the fingerprints that a local descriptor asks for.
absl::StatusOr<std::vector<HashFunction>> ToHashFunctions(const iq::LocalDescriptor& local) {
  const std::string field = "local.certificate_fingerprint_hash_functions";
  std::vector<HashFunction> result;
  for (const std::string& name : local.certificate_fingerprint_hash_functions()) {
    if (!local.certificate_fingerprint_request()) {
      return Invalid(field, "needs certificate_fingerprint_request");
    }
    absl::StatusOr<HashFunction> hash_function = ParseHashFunction(name);
    if (!hash_function.ok()) {
      return IqError(absl::StatusCode::kInvalidArgument, "FINGERPRINT_UNUSABLE",
                     hash_function.status().message(), field);
    }
    // There are five of them, so no more can come.
    if (std::find(result.begin(), result.end(), *hash_function) != result.end()) {
      return Invalid(field, absl::StrCat(HashFunctionName(*hash_function), " stands twice"));
    }
    result.push_back(*hash_function);
  }
  if (local.certificate_fingerprint_request() && result.empty()) {
    result.push_back(HashFunction::kSha256);
  }
  return result;
}

absl::StatusOr<Fingerprint> ToFingerprint(const iq::Fingerprint& fingerprint) {
  const auto unusable = [](const absl::Status& status, absl::string_view field) {
    return IqError(absl::StatusCode::kInvalidArgument, "FINGERPRINT_UNUSABLE", status.message(),
                   absl::StrCat("remote.fingerprints.", field));
  };
  absl::StatusOr<HashFunction> hash_function = ParseHashFunction(fingerprint.hash_function());
  if (!hash_function.ok()) return unusable(hash_function.status(), "hash_function");
  absl::StatusOr<Fingerprint> result = Fingerprint::Create(*hash_function, fingerprint.digest());
  if (!result.ok()) return unusable(result.status(), "digest");
  return result;
}

}  // namespace

absl::Status CheckContextId(absl::string_view context_id, absl::string_view field) {
  if (context_id.empty()) return Missing(field);
  const auto allowed = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' || c == '-';
  };
  if (context_id.size() > kContextIdLimit ||
      !std::all_of(context_id.begin(), context_id.end(), allowed)) {
    return Invalid(field, "must be 1 to 64 characters of [A-Za-z0-9._-]");
  }
  return absl::OkStatus();
}

absl::Status CheckTransactionId(absl::string_view transaction_id) {
  if (transaction_id.empty()) return Missing("transaction_id");
  const auto allowed = [](char c) { return absl::ascii_isprint(static_cast<unsigned char>(c)); };
  if (transaction_id.size() > kTransactionIdLimit ||
      !std::all_of(transaction_id.begin(), transaction_id.end(), allowed)) {
    return Invalid("transaction_id", "must be 1 to 128 printable ASCII characters");
  }
  return absl::OkStatus();
}

absl::StatusOr<TerminationKey> ToTerminationKey(const iq::TerminationId& id) {
  RETURN_IF_ERROR(CheckContextId(id.context_id(), "termination.context_id"));
  if (id.stream_id() == 0) return Missing("termination.stream_id");
  if (id.stream_id() > kStreamLimit) {
    return Invalid("termination.stream_id", absl::StrCat("must be at most ", kStreamLimit));
  }
  switch (id.side()) {
    case iq::SIDE_ACCESS:
      return TerminationKey{id.stream_id(), Side::kAccess};
    case iq::SIDE_CORE:
      return TerminationKey{id.stream_id(), Side::kCore};
    case iq::SIDE_UNSPECIFIED:
      return Missing("termination.side");
    default:
      return Invalid("termination.side", "is not a value of the enum");
  }
}

absl::StatusOr<LocalDescriptor> ToLocalDescriptor(const iq::LocalDescriptor& local) {
  LocalDescriptor result;
  result.ip_realm = local.ip_realm();
  switch (local.address_family()) {
    case iq::ADDRESS_FAMILY_UNSPECIFIED:
      break;
    case iq::ADDRESS_FAMILY_IPV4:
      result.family = LocalDescriptor::Family::kIpv4;
      break;
    case iq::ADDRESS_FAMILY_IPV6:
      result.family = LocalDescriptor::Family::kIpv6;
      break;
    default:
      return Invalid("local.address_family", "is not a value of the enum");
  }
  switch (local.transport_protocol()) {
    case iq::TRANSPORT_PROTOCOL_TCP:
      break;
    case iq::TRANSPORT_PROTOCOL_TCP_TLS:
      result.transport_protocol = TransportProtocol::kTcpTls;
      break;
    case iq::TRANSPORT_PROTOCOL_TCP_MSRP:
      result.transport_protocol = TransportProtocol::kTcpMsrp;
      break;
    case iq::TRANSPORT_PROTOCOL_TCP_TLS_MSRP:
      result.transport_protocol = TransportProtocol::kTcpTlsMsrp;
      break;
    case iq::TRANSPORT_PROTOCOL_UNSPECIFIED:
      return Missing("local.transport_protocol");
    default:
      return IqError(absl::StatusCode::kUnimplemented, "TRANSPORT_UNSUPPORTED",
                     "is not supported by this IMS-AGW", "local.transport_protocol");
  }
  if (local.setup_mode() == iq::SETUP_MODE_UNSPECIFIED) return Missing("local.setup_mode");
  if (local.setup_mode() != iq::SETUP_MODE_ACTPASS) {
    return Invalid("local.setup_mode", "is not a value of the enum");
  }
  if (local.certificate_fingerprint_request() && !result.tls()) {
    return Invalid("local.certificate_fingerprint_request", "needs TLS");
  }
  ASSIGN_OR_RETURN(result.fingerprint_hash_functions, ToHashFunctions(local));
  return result;
}

namespace {

absl::StatusOr<std::vector<std::string>> ToMsrpPath(const iq::RemoteDescriptor& remote) {
  std::vector<std::string> path;
  size_t size = 0;
  for (int i = 0; i < remote.msrp_path_size(); ++i) {
    const std::string field = absl::StrCat("remote.msrp_path[", i, "]");
    const absl::StatusOr<MsrpUri> uri = MsrpUri::Parse(remote.msrp_path(i));
    if (!uri.ok()) return Invalid(field, uri.status().message());
    size += remote.msrp_path(i).size() + 1;
    if (i == kMsrpUriLimit || size > kMsrpPathLimit) {
      return Invalid(field, absl::StrCat("the path must be at most ", kMsrpUriLimit, " URIs and ",
                                         kMsrpPathLimit, " octets"));
    }
    path.push_back(remote.msrp_path(i));
  }
  return path;
}

}  // namespace

absl::StatusOr<RemoteDescriptor> ToRemoteDescriptor(const iq::RemoteDescriptor& remote) {
  RemoteDescriptor result;
  if (remote.has_address()) {
    common::TransportAddress address;
    ASSIGN_OR_RETURN(address.ip,
                     ToIpAddress(remote.address().ip_address(), "remote.address.ip_address"));
    if (remote.address().port() > 65535) {
      return Invalid("remote.address.port", "must be at most 65535");
    }
    address.port = static_cast<uint16_t>(remote.address().port());
    result.address = address;
  }
  if (remote.fingerprints_size() > kFingerprintLimit) {
    return Invalid("remote.fingerprints", absl::StrCat("must be at most ", kFingerprintLimit));
  }
  std::vector<Fingerprint> fingerprints;
  for (const iq::Fingerprint& proto : remote.fingerprints()) {
    ASSIGN_OR_RETURN(Fingerprint fingerprint, ToFingerprint(proto));
    fingerprints.push_back(fingerprint);
  }
  if (!fingerprints.empty()) result.fingerprints = FingerprintSet(std::move(fingerprints));
  ASSIGN_OR_RETURN(result.msrp_path, ToMsrpPath(remote));
  return result;
}

namespace {

absl::Status SetConnectionRequest(const iq::BearerControl& control, BearerControl* out) {
  switch (control.connection_request()) {
    case iq::CONNECTION_REQUEST_UNSPECIFIED:
      return absl::OkStatus();
    case iq::CONNECTION_REQUEST_NEW:
      out->connection_request = ConnectionRequest::kNew;
      return absl::OkStatus();
    case iq::CONNECTION_REQUEST_EXISTING:
      out->connection_request = ConnectionRequest::kExisting;
      return absl::OkStatus();
    default:
      return Invalid("bearer_control.connection_request", "is not a value of the enum");
  }
}

absl::Status SetStreamMode(const iq::BearerControl& control, BearerControl* out) {
  switch (control.stream_mode()) {
    case iq::STREAM_MODE_UNSPECIFIED:
      return absl::OkStatus();
    case iq::STREAM_MODE_SEND_RECEIVE:
      out->stream_mode = StreamMode::kSendReceive;
      return absl::OkStatus();
    case iq::STREAM_MODE_SEND_ONLY:
      out->stream_mode = StreamMode::kSendOnly;
      return absl::OkStatus();
    case iq::STREAM_MODE_RECEIVE_ONLY:
      out->stream_mode = StreamMode::kReceiveOnly;
      return absl::OkStatus();
    case iq::STREAM_MODE_INACTIVE:
      out->stream_mode = StreamMode::kInactive;
      return absl::OkStatus();
    default:
      return Invalid("bearer_control.stream_mode", "is not a value of the enum");
  }
}

// Zero, or within the limits.
absl::StatusOr<absl::Duration> ToInterval(const google::protobuf::Duration& duration,
                                          absl::Duration least, absl::Duration most,
                                          absl::string_view field) {
  const absl::Duration value = common::ToDuration(duration);
  if (value != absl::ZeroDuration() && (value < least || value > most)) {
    return Invalid(absl::StrCat("bearer_control.", field),
                   absl::StrCat("must be 0, or between ", absl::FormatDuration(least), " and ",
                                absl::FormatDuration(most)));
  }
  return value;
}

absl::StatusOr<MediaInactivityDetection> ToMediaInactivity(
    const iq::MediaInactivityDetection& detection) {
  using Direction = MediaInactivityDetection::Direction;
  MediaInactivityDetection result;
  ASSIGN_OR_RETURN(result.time, ToInterval(detection.time(), absl::Seconds(1), absl::Hours(24),
                                           "media_inactivity.time"));
  switch (detection.direction()) {
    case iq::MediaInactivityDetection::DIRECTION_UNSPECIFIED:
    case iq::MediaInactivityDetection::DIRECTION_BOTH:
      result.direction = Direction::kBoth;
      break;
    case iq::MediaInactivityDetection::DIRECTION_FROM_PEER:
      result.direction = Direction::kFromPeer;
      break;
    case iq::MediaInactivityDetection::DIRECTION_TO_PEER:
      result.direction = Direction::kToPeer;
      break;
    default:
      return Invalid("bearer_control.media_inactivity.direction", "is not a value of the enum");
  }
  return result;
}

absl::StatusOr<TrafficPolicing> ToTrafficPolicing(const iq::TrafficPolicing& policing) {
  constexpr uint64_t kLeastRate = 1024;
  constexpr uint64_t kMostBurst = uint64_t{1} << 30;
  if (policing.sustained_byte_rate() != 0 && policing.sustained_byte_rate() < kLeastRate) {
    return Invalid("bearer_control.policing.sustained_byte_rate",
                   absl::StrCat("must be 0, or at least ", kLeastRate));
  }
  if (policing.burst_byte_count() > kMostBurst) {
    return Invalid("bearer_control.policing.burst_byte_count",
                   absl::StrCat("must be at most ", kMostBurst));
  }
  return TrafficPolicing{policing.sustained_byte_rate(), policing.burst_byte_count()};
}

// What belongs to the octets that pass, rather than to how the connection comes about.
absl::Status SetTreatment(const iq::BearerControl& control, BearerControl* out) {
  RETURN_IF_ERROR(SetStreamMode(control, out));
  if (control.has_media_inactivity()) {
    ASSIGN_OR_RETURN(out->media_inactivity, ToMediaInactivity(control.media_inactivity()));
  }
  if (control.has_heartbeat_interval()) {
    ASSIGN_OR_RETURN(out->heartbeat_interval,
                     ToInterval(control.heartbeat_interval(), absl::Seconds(10), absl::Hours(24),
                                "heartbeat_interval"));
  }
  if (control.has_dscp()) {
    if (control.dscp() > 63) return Invalid("bearer_control.dscp", "must be at most 63");
    out->dscp = static_cast<uint8_t>(control.dscp());
  }
  if (control.has_policing()) {
    ASSIGN_OR_RETURN(out->policing, ToTrafficPolicing(control.policing()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BearerControl> ToBearerControl(const iq::BearerControl& control,
                                              bool orders_allowed) {
  BearerControl result;
  RETURN_IF_ERROR(SetConnectionRequest(control, &result));
  RETURN_IF_ERROR(SetTreatment(control, &result));
  switch (control.tcp_role()) {
    case iq::TCP_ROLE_UNSPECIFIED:
      break;
    case iq::TCP_ROLE_PASSIVE:
      result.tcp_role = TcpRole::kPassive;
      break;
    case iq::TCP_ROLE_ACTIVE:
      result.tcp_role = TcpRole::kActive;
      break;
    default:
      return Invalid("bearer_control.tcp_role", "is not a value of the enum");
  }
  switch (control.tls_role()) {
    case iq::TLS_ROLE_UNSPECIFIED:
      break;
    case iq::TLS_ROLE_SERVER:
      result.tls_role = TlsRole::kServer;
      break;
    case iq::TLS_ROLE_CLIENT:
      result.tls_role = TlsRole::kClient;
      break;
    default:
      return Invalid("bearer_control.tls_role", "is not a value of the enum");
  }
  if (control.has_syn_policy()) {
    ASSIGN_OR_RETURN(result.syn_policy, ToSynPolicy(control.syn_policy()));
  }
  if (control.has_interlinkage()) {
    ASSIGN_OR_RETURN(result.interlinkage, ToInterlinkage(control.interlinkage()));
  }
  result.establish_tcp = control.establish().tcp_connection();
  result.establish_tls = control.establish().tls_session();
  if (!orders_allowed && (result.establish_tcp || result.establish_tls)) {
    return Invalid("bearer_control.establish", "is for a far end that is known");
  }
  if (!orders_allowed && result.connection_request != ConnectionRequest::kNone) {
    return Invalid("bearer_control.connection_request", "is for a termination that is there");
  }
  const iq::SetupTimers& timers = control.setup_timers();
  ASSIGN_OR_RETURN(result.await_configuration,
                   ToTimer(timers.has_await_configuration(), timers.await_configuration(),
                           absl::Minutes(30), "await_configuration"));
  ASSIGN_OR_RETURN(result.tcp_establishment,
                   ToTimer(timers.has_tcp_establishment(), timers.tcp_establishment(),
                           absl::Minutes(10), "tcp_establishment"));
  ASSIGN_OR_RETURN(result.tls_establishment,
                   ToTimer(timers.has_tls_establishment(), timers.tls_establishment(),
                           absl::Minutes(5), "tls_establishment"));
  return result;
}

absl::StatusOr<absl::optional<ControllerStateUpdate>> ToControllerStateUpdate(
    bool present, const iq::ControllerState& state) {
  if (!present) return absl::optional<ControllerStateUpdate>();
  if (state.data().size() > kControllerStateLimit) {
    return Invalid("controller_state.data",
                   absl::StrCat("must be at most ", kControllerStateLimit, " octets"));
  }
  return absl::optional<ControllerStateUpdate>({state.data(), state.expected_revision()});
}

absl::StatusOr<absl::optional<ContextAttributes>> ToContextAttributes(
    bool present, const iq::ContextAttributes& attributes) {
  if (!present) return absl::optional<ContextAttributes>();
  if (attributes.priority() > kPriorityLimit) {
    return Invalid("context_attributes.priority", absl::StrCat("must be at most ", kPriorityLimit));
  }
  return absl::optional<ContextAttributes>({attributes.emergency_call(), attributes.priority()});
}

}  // namespace agw
