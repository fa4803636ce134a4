// Values to replies and notifications. The way in is in request_conversion.cc.

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/variant.h"
#include "agw-service/control/proto_conversion.h"
#include "common/config_check.h"
#include "ims/iq/v1/error_reason.pb.h"
#include "ims/iq/v1/history.pb.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;

iq::TcpRole ToProto(TcpRole role) {
  switch (role) {
    case TcpRole::kPassive:
      return iq::TCP_ROLE_PASSIVE;
    case TcpRole::kActive:
      return iq::TCP_ROLE_ACTIVE;
    case TcpRole::kUndecided:
      break;
  }
  return iq::TCP_ROLE_UNSPECIFIED;
}

iq::TlsRole ToProto(TlsRole role) {
  return role == TlsRole::kServer ? iq::TLS_ROLE_SERVER : iq::TLS_ROLE_CLIENT;
}

iq::Notification::TcpFailed::Cause ToProto(TcpFailed::Cause cause) {
  using Proto = iq::Notification::TcpFailed;
  switch (cause) {
    case TcpFailed::Cause::kRefused:
      return Proto::CAUSE_REFUSED;
    case TcpFailed::Cause::kUnreachable:
      return Proto::CAUSE_UNREACHABLE;
    case TcpFailed::Cause::kTimedOut:
      return Proto::CAUSE_TIMED_OUT;
    case TcpFailed::Cause::kLocal:
      return Proto::CAUSE_LOCAL;
    case TcpFailed::Cause::kCongestion:
      return Proto::CAUSE_CONGESTION;
  }
  return Proto::CAUSE_UNSPECIFIED;
}

iq::Notification::TlsFailed::Cause ToProto(TlsFailed::Cause cause) {
  using Proto = iq::Notification::TlsFailed;
  using Cause = TlsFailed::Cause;
  switch (cause) {
    case Cause::kNotTls:
      return Proto::CAUSE_NOT_TLS;
    case Cause::kProtocolVersion:
      return Proto::CAUSE_PROTOCOL_VERSION;
    case Cause::kNoCommonCipher:
      return Proto::CAUSE_NO_COMMON_CIPHER;
    case Cause::kNoCertificate:
      return Proto::CAUSE_NO_CERTIFICATE;
    case Cause::kFingerprintMismatch:
      return Proto::CAUSE_FINGERPRINT_MISMATCH;
    case Cause::kAlertReceived:
      return Proto::CAUSE_ALERT_RECEIVED;
    case Cause::kClosedByPeer:
      return Proto::CAUSE_CLOSED_BY_PEER;
    case Cause::kTimedOut:
      return Proto::CAUSE_TIMED_OUT;
    case Cause::kProtocolError:
      return Proto::CAUSE_PROTOCOL_ERROR;
    case Cause::kHandshakeTooLarge:
      return Proto::CAUSE_HANDSHAKE_TOO_LARGE;
    case Cause::kCertificateRefused:
      return Proto::CAUSE_CERTIFICATE_REFUSED;
    case Cause::kBadSignature:
      return Proto::CAUSE_BAD_SIGNATURE;
  }
  return Proto::CAUSE_UNSPECIFIED;
}

iq::Notification::BearerReleased::Cause ToProto(BearerReleased::Cause cause) {
  using Proto = iq::Notification::BearerReleased;
  using Cause = BearerReleased::Cause;
  switch (cause) {
    case Cause::kClosedByPeers:
      return Proto::CAUSE_CLOSED_BY_PEERS;
    case Cause::kResetByPeer:
      return Proto::CAUSE_RESET_BY_PEER;
    case Cause::kOtherSideEnded:
      return Proto::CAUSE_OTHER_SIDE_ENDED;
    case Cause::kTlsError:
      return Proto::CAUSE_TLS_ERROR;
    case Cause::kClosedWithoutCloseNotify:
      return Proto::CAUSE_CLOSED_WITHOUT_CLOSE_NOTIFY;
    case Cause::kTimedOut:
      return Proto::CAUSE_TIMED_OUT;
    case Cause::kPeerVanished:
      return Proto::CAUSE_PEER_VANISHED;
    case Cause::kProtocolError:
      return Proto::CAUSE_PROTOCOL_ERROR;
    case Cause::kReplaced:
      return Proto::CAUSE_REPLACED;
    case Cause::kBufferLimit:
      return Proto::CAUSE_BUFFER_LIMIT;
    case Cause::kDrainDeadline:
      return Proto::CAUSE_DRAIN_DEADLINE;
  }
  return Proto::CAUSE_UNSPECIFIED;
}

iq::MediaInactivityDetection::Direction ToProto(MediaInactivityDetection::Direction direction) {
  using Proto = iq::MediaInactivityDetection;
  switch (direction) {
    case MediaInactivityDetection::Direction::kFromPeer:
      return Proto::DIRECTION_FROM_PEER;
    case MediaInactivityDetection::Direction::kToPeer:
      return Proto::DIRECTION_TO_PEER;
    case MediaInactivityDetection::Direction::kBoth:
      break;
  }
  return Proto::DIRECTION_BOTH;
}

iq::Notification::SetupTimedOut::Timer ToProto(SetupTimedOut::Timer timer) {
  using Proto = iq::Notification::SetupTimedOut;
  switch (timer) {
    case SetupTimedOut::Timer::kAwaitConfiguration:
      return Proto::TIMER_AWAIT_CONFIGURATION;
    case SetupTimedOut::Timer::kTcpEstablishment:
      return Proto::TIMER_TCP_ESTABLISHMENT;
    case SetupTimedOut::Timer::kTlsEstablishment:
      return Proto::TIMER_TLS_ESTABLISHMENT;
  }
  return Proto::TIMER_UNSPECIFIED;
}

// Fills the notification's oneof, one overload for each kind of event.
struct KindConverter {
  iq::Notification& out;

  void operator()(const SynDropped& event) const {
    out.mutable_syn_dropped()->set_dropped_count(event.dropped_count);
  }
  void operator()(const TcpEstablished& event) const {
    auto* proto = out.mutable_tcp_established();
    *proto->mutable_local_address() = agw::ToProto(event.local_address);
    *proto->mutable_remote_address() = agw::ToProto(event.remote_address);
    proto->set_tcp_role(ToProto(event.tcp_role));
  }
  void operator()(const TcpFailed& event) const {
    out.mutable_tcp_failed()->set_cause(ToProto(event.cause));
    out.mutable_tcp_failed()->set_detail(event.detail);
  }
  void operator()(const TlsEstablished& event) const {
    auto* proto = out.mutable_tls_established();
    proto->set_protocol_version(std::string(event.protocol_version));
    proto->set_cipher_suite(std::string(event.cipher_suite));
    proto->set_tls_role(ToProto(event.tls_role));
  }
  void operator()(const TlsFailed& event) const {
    auto* proto = out.mutable_tls_failed();
    proto->set_cause(ToProto(event.cause));
    proto->set_detail(event.detail);
    proto->set_attempts_left(event.attempts_left);
  }
  void operator()(const FingerprintVerified& event) const {
    *out.mutable_fingerprint_verified()->mutable_fingerprint() = agw::ToProto(event.fingerprint);
  }
  void operator()(const FingerprintMismatch& event) const {
    *out.mutable_fingerprint_mismatch()->mutable_presented() = agw::ToProto(event.presented);
  }
  void operator()(const BearerReleased& event) const {
    auto* proto = out.mutable_bearer_released();
    proto->set_cause(ToProto(event.cause));
    proto->set_detail(event.detail);
    proto->set_received_byte_count(event.statistics.received_byte_count);
    proto->set_sent_byte_count(event.statistics.sent_byte_count);
    *proto->mutable_duration() = common::ToProto(event.statistics.duration);
  }
  void operator()(const SetupTimedOut& event) const {
    out.mutable_setup_timed_out()->set_timer(ToProto(event.timer));
  }
  void operator()(const MediaInactivity& event) const {
    auto* proto = out.mutable_media_inactivity();
    proto->set_direction(ToProto(event.direction));
    *proto->mutable_time() = common::ToProto(event.time);
  }
  void operator()(const TerminationHeartbeat&) const { out.mutable_termination_heartbeat(); }
  void operator()(const HangingTermination&) const { out.mutable_hanging_termination(); }
  void operator()(const Draining&) const { out.mutable_draining(); }
  void operator()(const DrainEnded&) const { out.mutable_drain_ended(); }
  void operator()(const DescriptorShortage& event) const {
    out.mutable_descriptor_shortage()->set_detail(event.detail);
  }
  void operator()(const CertificateRotated& event) const {
    auto* proto = out.mutable_certificate_rotated();
    proto->set_ip_realm(event.ip_realm);
    *proto->mutable_fingerprint() = agw::ToProto(event.fingerprint);
    *proto->mutable_not_after() = agw::ToProto(event.not_after);
  }
  void operator()(const PortPoolLow& event) const {
    auto* proto = out.mutable_port_pool_low();
    proto->set_ip_realm(event.ip_realm);
    proto->set_ports_in_use(event.ports_in_use);
    proto->set_ports_total(event.ports_total);
  }
};

iq::TerminationAudit::State ToProto(Termination::State state) {
  using Proto = iq::TerminationAudit;
  switch (state) {
    case Termination::State::kIdle:
      return Proto::STATE_IDLE;
    case Termination::State::kConnecting:
      return Proto::STATE_CONNECTING;
    case Termination::State::kTlsHandshake:
      return Proto::STATE_TLS_HANDSHAKE;
    case Termination::State::kEstablished:
      return Proto::STATE_ESTABLISHED;
    case Termination::State::kReleased:
      return Proto::STATE_RELEASED;
    case Termination::State::kFailed:
      return Proto::STATE_FAILED;
  }
  return Proto::STATE_UNSPECIFIED;
}

iq::TransportProtocol ToProto(TransportProtocol transport_protocol) {
  switch (transport_protocol) {
    case TransportProtocol::kTcp:
      return iq::TRANSPORT_PROTOCOL_TCP;
    case TransportProtocol::kTcpTls:
      return iq::TRANSPORT_PROTOCOL_TCP_TLS;
    case TransportProtocol::kTcpMsrp:
      return iq::TRANSPORT_PROTOCOL_TCP_MSRP;
    case TransportProtocol::kTcpTlsMsrp:
      return iq::TRANSPORT_PROTOCOL_TCP_TLS_MSRP;
  }
  return iq::TRANSPORT_PROTOCOL_UNSPECIFIED;
}

iq::StreamMode ToProto(StreamMode mode) {
  switch (mode) {
    case StreamMode::kSendReceive:
      return iq::STREAM_MODE_SEND_RECEIVE;
    case StreamMode::kSendOnly:
      return iq::STREAM_MODE_SEND_ONLY;
    case StreamMode::kReceiveOnly:
      return iq::STREAM_MODE_RECEIVE_ONLY;
    case StreamMode::kInactive:
      return iq::STREAM_MODE_INACTIVE;
  }
  return iq::STREAM_MODE_UNSPECIFIED;
}

void SetLocal(const Termination& termination, iq::LocalDescriptor* out) {
  const LocalDescriptor& local = termination.local();
  out->set_ip_realm(local.ip_realm);
  out->set_address_family(termination.local_address().ip.is_ipv4() ? iq::ADDRESS_FAMILY_IPV4
                                                                   : iq::ADDRESS_FAMILY_IPV6);
  out->set_transport_protocol(ToProto(local.transport_protocol));
  out->set_setup_mode(iq::SETUP_MODE_ACTPASS);
  out->set_certificate_fingerprint_request(local.fingerprint_request());
  for (const HashFunction hash_function : local.fingerprint_hash_functions) {
    out->add_certificate_fingerprint_hash_functions(std::string(HashFunctionName(hash_function)));
  }
}

void SetSynPolicy(const SynPolicy& policy, iq::SynPolicy* out) {
  switch (policy.kind) {
    case SynPolicy::Kind::kDropAll:
      out->mutable_drop_all();
      return;
    case SynPolicy::Kind::kLatch:
      out->mutable_latch();
      return;
    case SynPolicy::Kind::kAcceptFrom:
      out->mutable_accept_from();
      break;
  }
  for (const SourceFilter& filter : policy.sources) {
    iq::SynPolicy::Source* source = out->mutable_accept_from()->add_sources();
    source->set_ip_address(filter.ip.ToString());
    source->set_prefix_length(filter.prefix_length);
    source->set_port(filter.port);
  }
}

void SetInterlinkage(const Interlinkage& interlinkage, iq::Interlinkage* out) {
  switch (interlinkage.topology) {
    case Interlinkage::Topology::kNone:
      out->set_topology(iq::Interlinkage::TOPOLOGY_NONE);
      break;
    case Interlinkage::Topology::kT1ToT2:
      out->set_topology(iq::Interlinkage::TOPOLOGY_T1_TO_T2);
      break;
    case Interlinkage::Topology::kT2ToT1:
      out->set_topology(iq::Interlinkage::TOPOLOGY_T2_TO_T1);
      break;
  }
  out->set_trigger(interlinkage.trigger == Interlinkage::Trigger::kOnTcpSyn
                       ? iq::Interlinkage::TRIGGER_ON_TCP_SYN
                       : iq::Interlinkage::TRIGGER_ON_TLS_VERIFIED);
}

void SetBearerControl(const TerminationPolicy& policy, const Interlinkage& interlinkage,
                      iq::BearerControl* out) {
  out->set_tcp_role(ToProto(policy.tcp_role()));
  if (policy.tls_role().has_value()) out->set_tls_role(ToProto(*policy.tls_role()));
  SetSynPolicy(policy.syn_policy(), out->mutable_syn_policy());
  SetInterlinkage(interlinkage, out->mutable_interlinkage());
  iq::SetupTimers* timers = out->mutable_setup_timers();
  *timers->mutable_await_configuration() = common::ToProto(policy.timers().await_configuration);
  *timers->mutable_tcp_establishment() = common::ToProto(policy.timers().tcp_establishment);
  *timers->mutable_tls_establishment() = common::ToProto(policy.timers().tls_establishment);
  out->set_stream_mode(ToProto(policy.stream_mode()));
  if (policy.media_inactivity().time > absl::ZeroDuration()) {
    iq::MediaInactivityDetection* detection = out->mutable_media_inactivity();
    *detection->mutable_time() = common::ToProto(policy.media_inactivity().time);
    detection->set_direction(ToProto(policy.media_inactivity().direction));
  }
  if (policy.heartbeat_interval() > absl::ZeroDuration()) {
    *out->mutable_heartbeat_interval() = common::ToProto(policy.heartbeat_interval());
  }
  if (policy.dscp().has_value()) out->set_dscp(*policy.dscp());
  if (policy.policing().sustained_byte_rate > 0) {
    out->mutable_policing()->set_sustained_byte_rate(policy.policing().sustained_byte_rate);
    out->mutable_policing()->set_burst_byte_count(policy.policing().burst_byte_count);
  }
}

void AuditTermination(absl::string_view context_id, TerminationKey key, const MediaStream& stream,
                      iq::TerminationAudit* out) {
  const Termination& termination = *stream.termination(key.side);
  SetTerminationId(context_id, key, out->mutable_termination());
  out->set_state(ToProto(termination.state()));
  SetLocal(termination, out->mutable_local());
  *out->mutable_local_address() = agw::ToProto(termination.local_address());
  for (const HashFunction hash_function : termination.local().fingerprint_hash_functions) {
    *out->add_local_fingerprints() =
        agw::ToProto(termination.identity()->FingerprintBy(hash_function));
  }
  const absl::optional<common::TransportAddress> remote = termination.remote_address();
  if (remote.has_value()) *out->mutable_remote()->mutable_address() = agw::ToProto(*remote);
  for (const Fingerprint& fingerprint : termination.policy().remote().fingerprints.fingerprints()) {
    *out->mutable_remote()->add_fingerprints() = agw::ToProto(fingerprint);
  }
  for (const std::string& uri : termination.policy().remote().msrp_path) {
    out->mutable_remote()->add_msrp_path(uri);
  }
  SetBearerControl(termination.policy(), stream.interlinkage(), out->mutable_bearer_control());
  SetStatistics(stream.Statistics(key.side), out->mutable_statistics());
  *out->mutable_statistics()->mutable_termination() = out->termination();
  out->set_dropped_syn_count(termination.dropped_syn_count());
  out->set_failed_attempt_count(termination.failed_attempt_count());
  out->set_local_msrp_path(stream.LocalMsrpPath(key.side));
  if (termination.replacing()) out->set_next_connection_state(ToProto(termination.setup_state()));
  const absl::optional<common::TransportAddress> connected = termination.connected_address();
  if (connected.has_value()) *out->mutable_connected_address() = agw::ToProto(*connected);
}

iq::HistoryEntry::Procedure ToProto(ProcedureCall::Procedure procedure) {
  using Proto = iq::HistoryEntry;
  switch (procedure) {
    case ProcedureCall::Procedure::kReserve:
      return Proto::PROCEDURE_RESERVE_CONNECTION_POINT;
    case ProcedureCall::Procedure::kReserveAndConfigure:
      return Proto::PROCEDURE_RESERVE_AND_CONFIGURE_CONNECTION_POINT;
    case ProcedureCall::Procedure::kConfigure:
      return Proto::PROCEDURE_CONFIGURE_CONNECTION_POINT;
    case ProcedureCall::Procedure::kRelease:
      return Proto::PROCEDURE_RELEASE_TERMINATION;
  }
  return Proto::PROCEDURE_UNSPECIFIED;
}

void SetWhere(absl::string_view context_id, uint32_t stream_id, absl::optional<Side> side,
              iq::TerminationId* out) {
  out->set_context_id(std::string(context_id));
  out->set_stream_id(stream_id);
  if (side.has_value()) out->set_side(agw::ToProto(*side));
}

void AuditHistory(const Context& context, iq::AuditContextResponse* out) {
  for (const HistoryEntry& entry : context.history().entries()) {
    iq::HistoryEntry* proto = out->add_history();
    if (const auto* kind = absl::get_if<EventKind>(&entry.what)) {
      *proto->mutable_notification() =
          agw::ToProto(Event{entry.time, context.id(), entry.stream_id, entry.side, *kind});
      continue;
    }
    const auto& call = absl::get<ProcedureCall>(entry.what);
    *proto->mutable_call()->mutable_time() = agw::ToProto(entry.time);
    proto->mutable_call()->set_procedure(ToProto(call.procedure));
    SetWhere(context.id(), entry.stream_id, entry.side,
             proto->mutable_call()->mutable_termination());
    iq::ErrorReason reason = iq::ERROR_REASON_UNSPECIFIED;
    iq::ErrorReason_Parse(absl::StrCat("ERROR_REASON_", call.error_reason), &reason);
    proto->mutable_call()->set_error_reason(reason);
  }
  out->set_forgotten_history_count(context.history().forgotten_count());
}

}  // namespace

iq::Side ToProto(Side side) { return side == Side::kAccess ? iq::SIDE_ACCESS : iq::SIDE_CORE; }

void SetTerminationId(absl::string_view context_id, TerminationKey key, iq::TerminationId* out) {
  out->set_context_id(std::string(context_id));
  out->set_stream_id(key.stream_id);
  out->set_side(ToProto(key.side));
}

void SetStatistics(const TerminationStatistics& statistics, iq::TerminationStatistics* out) {
  out->set_received_byte_count(statistics.received_byte_count);
  out->set_sent_byte_count(statistics.sent_byte_count);
  *out->mutable_duration() = common::ToProto(statistics.duration);
}

iq::Fingerprint ToProto(const Fingerprint& fingerprint) {
  iq::Fingerprint proto;
  proto.set_hash_function(std::string(HashFunctionName(fingerprint.hash_function())));
  proto.set_digest(std::string(fingerprint.digest()));
  return proto;
}

iq::TransportAddress ToProto(const common::TransportAddress& address) {
  iq::TransportAddress proto;
  proto.set_ip_address(address.ip.ToString());
  proto.set_port(address.port);
  return proto;
}

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp proto;
  const int64_t nanos = absl::ToUnixNanos(time);
  proto.set_seconds(nanos / 1'000'000'000);
  proto.set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  return proto;
}

iq::Notification ToProto(const Event& event) {
  iq::Notification proto;
  *proto.mutable_time() = ToProto(event.time);
  if (!event.context_id.empty()) {
    SetWhere(event.context_id, event.stream_id, event.side, proto.mutable_termination());
  }
  absl::visit(KindConverter{proto}, event.kind);
  return proto;
}

iq::AuditContextResponse Audit(const Context& context) {
  iq::AuditContextResponse response;
  response.set_context_id(context.id());
  *response.mutable_creation_time() = ToProto(context.creation_time());
  for (const auto& [stream_id, stream] : context.media_streams()) {
    for (Side side : {Side::kAccess, Side::kCore}) {
      if (stream->termination(side) == nullptr) continue;
      AuditTermination(context.id(), {stream_id, side}, *stream, response.add_terminations());
    }
  }
  response.set_controller_state(context.controller_state());
  response.set_controller_state_revision(context.controller_state_revision());
  AuditHistory(context, &response);
  if (context.attributes().privileged()) {
    response.mutable_context_attributes()->set_emergency_call(context.attributes().emergency_call);
    response.mutable_context_attributes()->set_priority(context.attributes().priority);
  }
  return response;
}

}  // namespace agw
