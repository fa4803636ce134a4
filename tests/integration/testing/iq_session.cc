#include "tests/integration/testing/iq_session.h"

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/check.h"
#include "common/status_macros.h"

namespace integration {

namespace iq = ims::iq::v1;

namespace {

std::string NewContextId() {
  static std::atomic<int> number{0};
  return absl::StrCat("test-", ++number);
}

peers::Listener ListenAt(const common::IpAddress& ip) {
  absl::StatusOr<peers::Listener> listener = peers::Listener::Listen({.ip = ip, .port = 0});
  CHECK(listener.ok());
  return *std::move(listener);
}

void SetTermination(const std::string& context_id, iq::Side side, iq::TerminationId* id) {
  id->set_context_id(context_id);
  id->set_stream_id(1);
  id->set_side(side);
}

}  // namespace

IqSession::IqSession(Services& services, Family family)
    : services_(services),
      addresses_(AddressesOf(family)),
      certificate_(peers::Certificate::SelfSigned()),
      context_id_(NewContextId()),
      core_listener_(ListenAt(addresses_.core_peer)) {
  const iq::AddressFamily address_family =
      family == Family::kIpv4 ? iq::ADDRESS_FAMILY_IPV4 : iq::ADDRESS_FAMILY_IPV6;
  SetTermination(context_id_, iq::SIDE_ACCESS, reserve_access.mutable_termination());
  reserve_access.set_transaction_id(NewTransaction());
  iq::LocalDescriptor* local = reserve_access.mutable_local();
  local->set_address_family(address_family);
  local->set_transport_protocol(iq::TRANSPORT_PROTOCOL_TCP_TLS);
  local->set_setup_mode(iq::SETUP_MODE_ACTPASS);
  local->set_certificate_fingerprint_request(true);
  iq::BearerControl* control = reserve_access.mutable_bearer_control();
  control->mutable_syn_policy()->mutable_drop_all();
  control->mutable_interlinkage()->set_topology(iq::Interlinkage::TOPOLOGY_T1_TO_T2);

  SetTermination(context_id_, iq::SIDE_CORE, reserve_core.mutable_termination());
  reserve_core.set_transaction_id(NewTransaction());
  local = reserve_core.mutable_local();
  local->set_address_family(address_family);
  local->set_transport_protocol(iq::TRANSPORT_PROTOCOL_TCP);
  local->set_setup_mode(iq::SETUP_MODE_ACTPASS);
  *reserve_core.mutable_remote()->mutable_address() = ToProto(core_listener_.address());
  reserve_core.mutable_bearer_control()->set_tcp_role(iq::TCP_ROLE_ACTIVE);

  SetTermination(context_id_, iq::SIDE_ACCESS, configure_access.mutable_termination());
  configure_access.set_transaction_id(NewTransaction());
  iq::RemoteDescriptor* remote = configure_access.mutable_remote();
  *remote->mutable_address() = ToProto({.ip = addresses_.phone, .port = 0});
  iq::Fingerprint* fingerprint = remote->add_fingerprints();
  fingerprint->set_hash_function("sha-256");
  fingerprint->set_digest(certificate_.digest());
  control = configure_access.mutable_bearer_control();
  control->set_tcp_role(iq::TCP_ROLE_PASSIVE);
  control->set_tls_role(iq::TLS_ROLE_SERVER);
  control->mutable_syn_policy()->mutable_accept_from();
}

IqSession::~IqSession() { Release().IgnoreError(); }

std::string IqSession::NewTransaction() {
  return absl::StrCat("transaction-", ++transaction_count_);
}

absl::Status IqSession::ReserveAccess() {
  ASSIGN_OR_RETURN(access_, Call(services_.iq(), &Stub::ReserveConnectionPoint, reserve_access));
  return absl::OkStatus();
}

absl::Status IqSession::ReserveCore() {
  return Call(services_.iq(), &Stub::ReserveAndConfigureConnectionPoint, reserve_core).status();
}

absl::Status IqSession::ConfigureAccess() {
  return Call(services_.iq(), &Stub::ConfigureConnectionPoint, configure_access).status();
}

absl::Status IqSession::Release() {
  iq::ReleaseTerminationRequest request;
  request.mutable_termination()->set_context_id(context_id_);
  request.set_transaction_id(NewTransaction());
  return Call(services_.iq(), &Stub::ReleaseTermination, request).status();
}

absl::Status IqSession::Establish() {
  RETURN_IF_ERROR(ReserveAccess());
  RETURN_IF_ERROR(ReserveCore());
  RETURN_IF_ERROR(ConfigureAccess());
  ASSIGN_OR_RETURN(phone_, ConnectPhone());
  RETURN_IF_ERROR(phone_->StartTls(PhoneTls()));
  ASSIGN_OR_RETURN(core_, AcceptCore());
  if (!WaitFor(iq::Notification::kTlsEstablished).has_value()) {
    return absl::DeadlineExceededError("TLS was not established");
  }
  return absl::OkStatus();
}

absl::StatusOr<peers::Connection> IqSession::ConnectPhone() {
  ASSIGN_OR_RETURN(peers::Socket socket,
                   peers::Socket::Connect({.ip = addresses_.phone, .port = 0}, t1()));
  return peers::Connection(std::move(socket));
}

absl::StatusOr<peers::Connection> IqSession::AcceptCore() {
  ASSIGN_OR_RETURN(peers::Socket socket, core_listener_.Accept());
  return peers::Connection(std::move(socket));
}

peers::TlsOptions IqSession::PhoneTls() const {
  peers::TlsOptions options;
  options.certificate = &certificate_;
  if (access_.local_fingerprints_size() > 0) {
    options.expected_digest = access_.local_fingerprints(0).digest();
  }
  return options;
}

absl::StatusOr<iq::TerminationAudit> IqSession::Audit(iq::Side side) {
  iq::AuditContextRequest request;
  request.set_context_id(context_id_);
  ASSIGN_OR_RETURN(const iq::AuditContextResponse audit,
                   Call(services_.iq(), &Stub::AuditContext, request));
  for (const iq::TerminationAudit& termination : audit.terminations()) {
    if (termination.termination().side() == side) return termination;
  }
  return absl::NotFoundError("no such termination");
}

absl::optional<iq::Notification> IqSession::WaitFor(iq::Notification::KindCase kind, iq::Side side,
                                                    absl::Duration timeout) {
  return services_.notifications().WaitForKind(kind, context_id_, side, timeout);
}

}  // namespace integration
