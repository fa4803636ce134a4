#include "agw-service/context/termination_policy.h"

#include "agw-service/context/iq_error.h"
#include "common/status_macros.h"

namespace agw {

absl::Status TerminationPolicy::CheckRemote(const Circumstances& circumstances,
                                            const RemoteDescriptor& remote) const {
  if (remote.address.has_value()) {
    absl::Status allowed = common::CheckRemoteAddress(*remote.address, circumstances.bound_ip,
                                                      circumstances.own_addresses);
    if (!allowed.ok()) {
      return IqError(absl::StatusCode::kInvalidArgument, "REMOTE_ADDRESS_FORBIDDEN",
                     allowed.message(), "remote.address");
    }
    if (!circumstances.remote_prefixes.Permit(remote.address->ip)) {
      return IqError(absl::StatusCode::kInvalidArgument, "REMOTE_ADDRESS_FORBIDDEN",
                     "the realm does not allow peers there", "remote.address");
    }
  }
  if (remote.fingerprints.empty()) return absl::OkStatus();
  if (!circumstances.tls) {
    return IqError(absl::StatusCode::kInvalidArgument, "FIELD_INVALID",
                   "a termination of plain TCP has none", "remote.fingerprints");
  }
  for (const Fingerprint& fingerprint : remote.fingerprints.fingerprints()) {
    if (circumstances.identities.Has(fingerprint)) {
      return IqError(absl::StatusCode::kInvalidArgument, "OWN_FINGERPRINT",
                     "is that of a certificate of the IMS-AGW", "remote.fingerprints");
    }
  }
  if (!circumstances.allow_sha1_fingerprints &&
      remote.fingerprints.preferred_hash_function() == HashFunction::kSha1) {
    return IqError(absl::StatusCode::kInvalidArgument, "FINGERPRINT_UNUSABLE",
                   "sha-1 alone is not allowed here", "remote.fingerprints");
  }
  return absl::OkStatus();
}

absl::Status TerminationPolicy::CheckMsrpPath(const Circumstances& circumstances,
                                              const RemoteDescriptor& remote,
                                              bool remote_known) const {
  if (!circumstances.msrp && !remote.msrp_path.empty()) {
    return IqError(absl::StatusCode::kInvalidArgument, "FIELD_INVALID",
                   "an application-agnostic termination has none", "remote.msrp_path");
  }
  if (circumstances.msrp && remote_known && remote.msrp_path.empty() && remote_.msrp_path.empty()) {
    return IqError(absl::StatusCode::kInvalidArgument, "FIELD_MISSING",
                   "an application-aware termination needs the path of its peer",
                   "remote.msrp_path");
  }
  return absl::OkStatus();
}

absl::Status TerminationPolicy::CheckSynPolicy(const Circumstances& circumstances,
                                               const SynPolicy& policy,
                                               bool has_remote_address) const {
  for (const SourceFilter& source : policy.sources) {
    if (source.ip.is_ipv4() != circumstances.bound_ip.is_ipv4()) {
      return IqError(absl::StatusCode::kInvalidArgument, "FIELD_INVALID",
                     "a source is not of the termination's family",
                     "bearer_control.syn_policy.accept_from.sources");
    }
  }
  if (policy.kind == SynPolicy::Kind::kAcceptFrom && policy.sources.empty() &&
      !has_remote_address) {
    return IqError(absl::StatusCode::kFailedPrecondition, "REMOTE_UNKNOWN",
                   "there is neither a source nor a remote address to accept from",
                   "bearer_control.syn_policy.accept_from");
  }
  return absl::OkStatus();
}

absl::Status TerminationPolicy::CheckOrders(const Circumstances& circumstances,
                                            const RemoteDescriptor& remote,
                                            const BearerControl& control) const {
  const absl::optional<TlsRole> tls_role =
      control.tls_role.has_value() ? control.tls_role : tls_role_;
  if (!circumstances.tls && (tls_role.has_value() || control.establish_tls)) {
    return IqError(absl::StatusCode::kInvalidArgument, "ROLE_UNSUPPORTED",
                   "a termination of plain TCP has no TLS role", "bearer_control.tls_role");
  }
  if (control.establish_tcp) {
    if (control.tcp_role.value_or(tcp_role_) != TcpRole::kActive) {
      return IqError(absl::StatusCode::kInvalidArgument, "ROLE_UNSUPPORTED",
                     "only the active role connects", "bearer_control.establish.tcp_connection");
    }
    const absl::optional<common::TransportAddress>& address =
        remote.address.has_value() ? remote.address : remote_.address;
    if (!address.has_value() || address->port == 0) {
      return IqError(absl::StatusCode::kFailedPrecondition, "REMOTE_UNKNOWN",
                     "there is no address with a port to connect to", "remote.address");
    }
  }
  if (control.establish_tls) {
    if (tls_role != TlsRole::kClient) {
      return IqError(absl::StatusCode::kInvalidArgument, "ROLE_UNSUPPORTED",
                     "only the TLS client begins a session",
                     "bearer_control.establish.tls_session");
    }
    if (remote.fingerprints.empty() && remote_.fingerprints.empty()) {
      return IqError(absl::StatusCode::kFailedPrecondition, "REMOTE_UNKNOWN",
                     "there is no fingerprint to verify the session with", "remote.fingerprints");
    }
  }
  return absl::OkStatus();
}

absl::Status TerminationPolicy::CheckAgainstConnection(const Circumstances& circumstances,
                                                       const RemoteDescriptor& remote,
                                                       const BearerControl& control) const {
  if (circumstances.state == TerminationState::kIdle ||
      GivesUpConnectionFor(remote, control, circumstances.state)) {
    return absl::OkStatus();
  }
  const char* field = nullptr;
  if (control.tcp_role.has_value() && *control.tcp_role != tcp_role_) {
    field = "bearer_control.tcp_role";
  } else if (control.tls_role.has_value() && tls_role_.has_value() &&
             *control.tls_role != *tls_role_) {
    field = "bearer_control.tls_role";
  } else if (tcp_role_ == TcpRole::kActive && remote.address.has_value() &&
             remote.address != remote_.address) {
    field = "remote.address";
  }
  if (field == nullptr) return absl::OkStatus();
  return IqError(absl::StatusCode::kFailedPrecondition, "CONNECTION_EXISTS",
                 "cannot change while there is a connection", field);
}

absl::Status TerminationPolicy::Check(const Circumstances& circumstances,
                                      const RemoteDescriptor& remote, const BearerControl& control,
                                      bool remote_known) const {
  if (circumstances.state == TerminationState::kReleased ||
      circumstances.state == TerminationState::kFailed) {
    return IqError(absl::StatusCode::kFailedPrecondition, "TERMINATION_ENDED",
                   "its connection has ended; release it and reserve anew");
  }
  RETURN_IF_ERROR(CheckRemote(circumstances, remote));
  RETURN_IF_ERROR(CheckMsrpPath(circumstances, remote, remote_known));
  if (control.syn_policy.has_value()) {
    RETURN_IF_ERROR(CheckSynPolicy(circumstances, *control.syn_policy,
                                   remote.address.has_value() || remote_.address.has_value()));
  }
  RETURN_IF_ERROR(CheckOrders(circumstances, remote, control));
  return CheckAgainstConnection(circumstances, remote, control);
}

void TerminationPolicy::Apply(const RemoteDescriptor& remote, const BearerControl& control,
                              bool remote_known) {
  if (remote.address.has_value()) remote_.address = remote.address;
  if (!remote.fingerprints.empty()) remote_.fingerprints = remote.fingerprints;
  if (!remote.msrp_path.empty()) remote_.msrp_path = remote.msrp_path;
  if (control.tcp_role.has_value()) tcp_role_ = *control.tcp_role;
  if (control.tls_role.has_value()) tls_role_ = control.tls_role;
  if (control.syn_policy.has_value()) syn_policy_ = *control.syn_policy;
  if (control.await_configuration) timers_.await_configuration = *control.await_configuration;
  if (control.tcp_establishment) timers_.tcp_establishment = *control.tcp_establishment;
  if (control.tls_establishment) timers_.tls_establishment = *control.tls_establishment;
  if (control.stream_mode) stream_mode_ = *control.stream_mode;
  if (control.media_inactivity) media_inactivity_ = *control.media_inactivity;
  if (control.heartbeat_interval) heartbeat_interval_ = *control.heartbeat_interval;
  if (control.dscp) dscp_ = control.dscp;
  if (control.policing) policing_ = *control.policing;
  tls_ordered_ |= control.establish_tls;
  configured_ |= remote_known;
}

bool TerminationPolicy::GivesUpConnectionFor(const RemoteDescriptor& remote,
                                             const BearerControl& control,
                                             TerminationState state) const {
  switch (state) {
    case TerminationState::kTlsHandshake:
      if (tcp_role_ == TcpRole::kPassive && control.tcp_role == TcpRole::kActive) return true;
      break;
    case TerminationState::kConnecting:
    case TerminationState::kEstablished:
      break;
    case TerminationState::kIdle:
    case TerminationState::kReleased:
    case TerminationState::kFailed:
      return false;
  }
  return !remote.fingerprints.empty() && !remote_.fingerprints.empty() &&
         !(remote.fingerprints == remote_.fingerprints);
}

bool TerminationPolicy::Accepts(const common::TransportAddress& source) const {
  switch (syn_policy_.kind) {
    case SynPolicy::Kind::kDropAll:
      return false;
    case SynPolicy::Kind::kLatch:
      return true;
    case SynPolicy::Kind::kAcceptFrom:
      break;
  }
  for (const SourceFilter& filter : AcceptedSources()) {
    if (filter.Matches(source)) return true;
  }
  return false;
}

std::vector<SourceFilter> TerminationPolicy::AcceptedSources() const {
  if (!syn_policy_.sources.empty()) return syn_policy_.sources;
  const common::IpAddress ip = remote_.address->ip;
  return {{.ip = ip, .prefix_length = static_cast<uint8_t>(8 * ip.bytes().size())}};
}

}  // namespace agw
