#include "alg-service/session/session_snapshot.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "alg-service/sdp/parser.h"
#include "alg-service/session/iq_call.h"
#include "alg-service/session/session_error.h"
#include "alg-service/session/session_record.h"
#include "common/status_macros.h"

namespace alg {
namespace {

namespace iq = ims::iq::v1;

absl::StatusOr<common::TransportAddress> ToAddress(const iq::TransportAddress& address) {
  absl::StatusOr<common::IpAddress> ip = common::IpAddress::Parse(address.ip_address());
  if (!ip.ok() || address.port() < 1 || address.port() > 65535) {
    return SessionError(ims::alg::v1::ERROR_REASON_GATEWAY_REFUSED,
                        "the IMS-AGW gave an address that is none");
  }
  return common::TransportAddress{*ip, static_cast<uint16_t>(address.port())};
}

}  // namespace

std::string SessionSnapshot::session_id() const {
  return SessionId{gateway.info->instance_id, gateway.info->incarnation, context_id}.ToString();
}

absl::StatusOr<Gateway> FindGateway(const GatewayDirectory& directory, const SessionId& id) {
  absl::StatusOr<Gateway> gateway = directory.Find(id.instance_id, id.incarnation);
  if (gateway.ok()) return gateway;
  return SessionError(gateway.status().code() == absl::StatusCode::kNotFound
                          ? ims::alg::v1::ERROR_REASON_GATEWAY_LOST
                          : ims::alg::v1::ERROR_REASON_NO_GATEWAY,
                      gateway.status().message());
}

Task<absl::StatusOr<iq::AuditContextResponse>> Audit(Gateway gateway, std::string context_id,
                                                     CallScope scope) {
  iq::AuditContextRequest request;
  request.set_context_id(std::move(context_id));
  return Call(gateway.media_gateway, &MediaGateway::AuditContext, std::move(request),
              std::move(scope));
}

OfferFacts OfferFactsOf(const ims::alg::v1::SessionRecord& record, const GatewayInfo& gateway) {
  return {.ue_supports_e2ae = record.ue_supports_e2ae(),
          .p_cscf_supports_e2ae = record.p_cscf_supports_e2ae(),
          .own_addresses = gateway.own_addresses};
}

absl::StatusOr<Reservation> MakeReservation(
    uint32_t stream_id, const iq::TransportAddress& access,
    const google::protobuf::RepeatedPtrField<iq::Fingerprint>& access_fingerprints,
    const iq::TransportAddress& core) {
  Reservation reservation;
  reservation.stream_id = stream_id;
  ASSIGN_OR_RETURN(reservation.access, ToAddress(access));
  ASSIGN_OR_RETURN(reservation.core, ToAddress(core));
  for (const iq::Fingerprint& fingerprint : access_fingerprints) {
    reservation.access_fingerprints.push_back(
        {absl::AsciiStrToLower(fingerprint.hash_function()),
         {fingerprint.digest().begin(), fingerprint.digest().end()}});
  }
  if (reservation.access_fingerprints.empty()) {
    return SessionError(ims::alg::v1::ERROR_REASON_GATEWAY_REFUSED,
                        "the IMS-AGW gave no fingerprint of its certificate");
  }
  return reservation;
}

const iq::TerminationAudit* FindTermination(const iq::AuditContextResponse& audit,
                                            uint32_t stream_id, iq::Side side) {
  for (const iq::TerminationAudit& termination : audit.terminations()) {
    if (termination.termination().stream_id() == stream_id &&
        termination.termination().side() == side) {
      return &termination;
    }
  }
  return nullptr;
}

absl::StatusOr<SessionSnapshot> FromAudit(const Gateway& gateway,
                                          const iq::AuditContextResponse& audit) {
  SessionSnapshot session;
  session.gateway = gateway;
  session.context_id = audit.context_id();
  session.revision = audit.controller_state_revision();
  ASSIGN_OR_RETURN(session.record, ParseRecord(audit.controller_state()));
  const absl::Status does_not_fit = SessionError(
      ims::alg::v1::ERROR_REASON_GATEWAY_REFUSED,
      absl::StrCat("the record of the context ", audit.context_id(), " makes no sense"));
  absl::StatusOr<SessionDescription> offer =
      ParseSessionDescription(CurrentExchange(session.record).offer_sdp());
  if (!offer.ok()) return does_not_fit;
  session.offer = *std::move(offer);
  session.plan = PlanOffer(session.offer, OfferFactsOf(session.record, *gateway.info));
  if (session.plan.rejection.has_value()) return does_not_fit;
  for (const OfferedStream& stream : session.plan.streams) {
    if (stream.handling != Handling::kE2ae) continue;
    const auto* access = FindTermination(audit, stream.stream_id, iq::SIDE_ACCESS);
    const auto* core = FindTermination(audit, stream.stream_id, iq::SIDE_CORE);
    Reservation reservation;
    reservation.stream_id = stream.stream_id;
    if (access != nullptr && core != nullptr) {
      ASSIGN_OR_RETURN(reservation,
                       MakeReservation(stream.stream_id, access->local_address(),
                                       access->local_fingerprints(), core->local_address()));
    }
    session.reservations.push_back(std::move(reservation));
  }
  return session;
}

}  // namespace alg
