#include "alg-service/session/iq_request.h"

#include "alg-service/session/session_record.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;
using ims::alg::v1::SessionRecord;

void SetTermination(const std::string& context_id, uint32_t stream_id, iq::Side side,
                    iq::TerminationId* termination) {
  termination->set_context_id(context_id);
  termination->set_stream_id(stream_id);
  termination->set_side(side);
}

iq::AddressFamily FamilyOf(const common::IpAddress& ip) {
  return ip.is_ipv4() ? iq::ADDRESS_FAMILY_IPV4 : iq::ADDRESS_FAMILY_IPV6;
}

void SetAddress(const common::TransportAddress& address, iq::TransportAddress* out) {
  out->set_ip_address(address.ip.ToString());
  out->set_port(address.port);
}

void AcceptFrom(const common::IpAddress& ip, iq::BearerControl* control) {
  control->mutable_syn_policy()->mutable_accept_from()->add_sources()->set_ip_address(
      ip.ToString());
}

bool IsTriggered(const SessionRecord& record) {
  return record.core_connect() != ims::alg::v1::CORE_CONNECT_ALG_ORDERED;
}

void SetInterlinkage(const SessionRecord& record, iq::Interlinkage::Topology topology,
                     iq::BearerControl* control) {
  iq::Interlinkage* interlinkage = control->mutable_interlinkage();
  interlinkage->set_topology(topology);
  interlinkage->set_trigger(record.core_connect() == ims::alg::v1::CORE_CONNECT_TRIGGERED_BY_TLS
                                ? iq::Interlinkage::TRIGGER_ON_TLS_VERIFIED
                                : iq::Interlinkage::TRIGGER_ON_TCP_SYN);
}

}  // namespace

iq::ReserveConnectionPointRequest ReserveAccess(const std::string& context_id,
                                                const OfferedStream& stream,
                                                const SessionRecord& record,
                                                const SessionPolicy& policy) {
  iq::ReserveConnectionPointRequest request;
  SetTermination(context_id, stream.stream_id, iq::SIDE_ACCESS, request.mutable_termination());
  iq::LocalDescriptor* local = request.mutable_local();
  local->set_ip_realm(policy.access_realm);
  // The UE's own family where it is known; the offer only knows that of the core.
  absl::StatusOr<common::IpAddress> ue =
      common::IpAddress::Parse(CurrentExchange(record).ue_signalling_address());
  if (ue.ok()) local->set_address_family(FamilyOf(*ue));
  local->set_transport_protocol(iq::TRANSPORT_PROTOCOL_TCP_TLS);
  local->set_setup_mode(iq::SETUP_MODE_ACTPASS);
  local->set_certificate_fingerprint_request(true);

  iq::BearerControl* control = request.mutable_bearer_control();
  const bool ue_may_connect = stream.answerer_may_connect;
  if (ue_may_connect) control->set_tls_role(iq::TLS_ROLE_SERVER);
  if (stream.setup == Setup::kPassive) control->set_tcp_role(iq::TCP_ROLE_PASSIVE);
  if (ue_may_connect && record.early_syn() == ims::alg::v1::EARLY_SYN_LATCH) {
    control->mutable_syn_policy()->mutable_latch();
  } else {
    control->mutable_syn_policy()->mutable_drop_all();
  }
  if (ue_may_connect && IsTriggered(record)) {
    SetInterlinkage(record, iq::Interlinkage::TOPOLOGY_T1_TO_T2, control);
  }
  return request;
}

iq::ReserveAndConfigureConnectionPointRequest ReserveCore(const std::string& context_id,
                                                          const OfferedStream& stream,
                                                          const SessionPolicy& policy) {
  iq::ReserveAndConfigureConnectionPointRequest request;
  SetTermination(context_id, stream.stream_id, iq::SIDE_CORE, request.mutable_termination());
  iq::LocalDescriptor* local = request.mutable_local();
  local->set_ip_realm(policy.core_realm);
  local->set_address_family(FamilyOf(stream.offerer_remote.ip));
  local->set_transport_protocol(iq::TRANSPORT_PROTOCOL_TCP);
  local->set_setup_mode(iq::SETUP_MODE_ACTPASS);
  SetAddress(stream.offerer_remote, request.mutable_remote()->mutable_address());
  request.mutable_bearer_control()->mutable_syn_policy()->mutable_drop_all();
  return request;
}

iq::ConfigureConnectionPointRequest ConfigureAccess(const std::string& context_id,
                                                    const AnsweredStream& stream,
                                                    const SessionRecord& record) {
  iq::ConfigureConnectionPointRequest request;
  SetTermination(context_id, stream.stream_id, iq::SIDE_ACCESS, request.mutable_termination());
  iq::RemoteDescriptor* remote = request.mutable_remote();
  SetAddress(stream.access_remote, remote->mutable_address());
  for (const Fingerprint& fingerprint : stream.remote_fingerprints) {
    iq::Fingerprint* out = remote->add_fingerprints();
    out->set_hash_function(fingerprint.hash_function);
    out->set_digest(fingerprint.digest.data(), fingerprint.digest.size());
  }

  iq::BearerControl* control = request.mutable_bearer_control();
  control->set_tls_role(stream.roles.access_tls == ConnectionRole::kServer ? iq::TLS_ROLE_SERVER
                                                                           : iq::TLS_ROLE_CLIENT);
  if (stream.roles.access_tcp == ConnectionRole::kServer) {
    control->set_tcp_role(iq::TCP_ROLE_PASSIVE);
    // A latched UE may be connected already, from wherever it is.
    if (record.early_syn() != ims::alg::v1::EARLY_SYN_LATCH) {
      AcceptFrom(stream.access_remote.ip, control);
    }
    return request;
  }

  // The UE listens: what was armed for its SYN is of no use any more (R-ALG-24).
  control->set_tcp_role(iq::TCP_ROLE_ACTIVE);
  control->mutable_syn_policy()->mutable_drop_all();
  if (IsTriggered(record)) {
    SetInterlinkage(record, iq::Interlinkage::TOPOLOGY_T2_TO_T1, control);
  } else {
    control->mutable_interlinkage()->set_topology(iq::Interlinkage::TOPOLOGY_NONE);
    control->mutable_establish()->set_tcp_connection(true);
  }
  if (stream.roles.access_tls == ConnectionRole::kClient) {
    control->mutable_establish()->set_tls_session(true);
  }
  return request;
}

absl::optional<iq::ConfigureConnectionPointRequest> ConfigureCore(const std::string& context_id,
                                                                  const AnsweredStream& stream,
                                                                  const SessionRecord& record) {
  iq::ConfigureConnectionPointRequest request;
  SetTermination(context_id, stream.stream_id, iq::SIDE_CORE, request.mutable_termination());
  iq::BearerControl* control = request.mutable_bearer_control();
  if (stream.roles.core_tcp == ConnectionRole::kServer) {
    control->set_tcp_role(iq::TCP_ROLE_PASSIVE);
    AcceptFrom(stream.core_remote.ip, control);
    return request;
  }
  if (IsTriggered(record)) return absl::nullopt;
  control->set_tcp_role(iq::TCP_ROLE_ACTIVE);
  control->mutable_establish()->set_tcp_connection(true);
  return request;
}

}  // namespace alg
