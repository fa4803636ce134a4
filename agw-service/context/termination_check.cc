// What an IMS-ALG may ask of a termination; the rest of the class is in termination.cc.

#include "agw-service/context/iq_error.h"
#include "agw-service/context/termination.h"
#include "common/remote_address_guard.h"
#include "common/status_macros.h"

namespace agw {

absl::Status Termination::CheckRemote(const RemoteDescriptor& remote) const {
  if (remote.address.has_value()) {
    absl::Status allowed = common::CheckRemoteAddress(*remote.address, point_->bound_address().ip,
                                                      resources_.own_addresses);
    if (!allowed.ok()) {
      return IqError(absl::StatusCode::kInvalidArgument, "REMOTE_ADDRESS_FORBIDDEN",
                     allowed.message(), "remote.address");
    }
  }
  if (remote.fingerprints.empty()) return absl::OkStatus();
  if (!local_.tls) {
    return IqError(absl::StatusCode::kInvalidArgument, "FIELD_INVALID",
                   "a termination of plain TCP has none", "remote.fingerprints");
  }
  for (const Fingerprint& fingerprint : remote.fingerprints.fingerprints()) {
    if (identity_->Has(fingerprint)) {
      return IqError(absl::StatusCode::kInvalidArgument, "OWN_FINGERPRINT",
                     "is that of the IMS-AGW's own certificate", "remote.fingerprints");
    }
  }
  if (!resources_.limits.allow_sha1_fingerprints &&
      remote.fingerprints.preferred_hash_function() == HashFunction::kSha1) {
    return IqError(absl::StatusCode::kInvalidArgument, "FINGERPRINT_UNUSABLE",
                   "sha-1 alone is not allowed here", "remote.fingerprints");
  }
  return absl::OkStatus();
}

absl::Status Termination::CheckSynPolicy(const SynPolicy& policy, bool has_remote_address) const {
  for (const SourceFilter& source : policy.sources) {
    if (source.ip.is_ipv4() != point_->bound_address().ip.is_ipv4()) {
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

absl::Status Termination::CheckOrders(const RemoteDescriptor& remote,
                                      const BearerControl& control) const {
  const absl::optional<TlsRole> tls_role =
      control.tls_role.has_value() ? control.tls_role : tls_role_;
  if (!local_.tls && (tls_role.has_value() || control.establish_tls)) {
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

absl::Status Termination::CheckAgainstConnection(const RemoteDescriptor& remote,
                                                 const BearerControl& control) const {
  if (state_ == State::kIdle || YieldsTo(control)) return absl::OkStatus();
  const char* field = nullptr;
  if (control.tcp_role.has_value() && *control.tcp_role != tcp_role_) {
    field = "bearer_control.tcp_role";
  } else if (control.tls_role.has_value() && tls_role_.has_value() &&
             *control.tls_role != *tls_role_) {
    field = "bearer_control.tls_role";
  } else if (tcp_role_ == TcpRole::kActive && remote.address.has_value() &&
             remote.address != remote_.address) {
    field = "remote.address";
  } else if (state_ == State::kEstablished && !remote.fingerprints.empty() &&
             !(remote.fingerprints == remote_.fingerprints)) {
    field = "remote.fingerprints";
  }
  if (field == nullptr) return absl::OkStatus();
  return IqError(absl::StatusCode::kFailedPrecondition, "CONNECTION_EXISTS",
                 "cannot change while there is a connection", field);
}

absl::Status Termination::CheckConfigure(const RemoteDescriptor& remote,
                                         const BearerControl& control) const {
  if (state_ == State::kReleased || state_ == State::kFailed) {
    return IqError(absl::StatusCode::kFailedPrecondition, "TERMINATION_ENDED",
                   "its connection has ended; release it and reserve anew");
  }
  RETURN_IF_ERROR(CheckRemote(remote));
  if (control.syn_policy.has_value()) {
    RETURN_IF_ERROR(CheckSynPolicy(*control.syn_policy,
                                   remote.address.has_value() || remote_.address.has_value()));
  }
  RETURN_IF_ERROR(CheckOrders(remote, control));
  return CheckAgainstConnection(remote, control);
}

}  // namespace agw
