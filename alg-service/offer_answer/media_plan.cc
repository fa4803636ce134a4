#include "alg-service/offer_answer/media_plan.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/variant.h"
#include "alg-service/offer_answer/msrp_media.h"
#include "alg-service/offer_answer/remote_fingerprints.h"
#include "common/check.h"

namespace alg {
namespace {

// What an active peer writes in place of a port (RFC 4145 clause 4.1).
constexpr uint16_t kDiscardPort = 9;

absl::optional<Rejection> CheckGuard(const common::TransportAddress& remote,
                                     const common::IpAddress& local,
                                     const std::vector<common::OwnAddressRange>& own) {
  const absl::Status status = common::CheckRemoteAddress(remote, local, own);
  if (status.ok()) return absl::nullopt;
  return Rejection{RejectReason::kRemoteAddressForbidden, std::string(status.message())};
}

absl::optional<Rejection> CheckPortToConnectTo(uint16_t port) {
  if (port != kDiscardPort) return absl::nullopt;
  return Rejection{RejectReason::kPortInvalid, "port 9 is for peers that connect themselves"};
}

// An address that stands for the IMS-AGW's, which is not known yet: of the family of `remote`, and
// on loopback if that is.
common::IpAddress LocalAddressFor(const common::IpAddress& remote) {
  if (remote.IsLoopback()) return remote;
  const std::vector<uint8_t> zeros(remote.bytes().size(), 0);
  return common::IpAddress::FromBytes(zeros);
}

// Fills in `stream` for an MSRP section, or says why it is rejected.
absl::optional<Rejection> PlanMsrpOffer(const SessionDescription& offer, const Section& media,
                                        const OfferFacts& facts, OfferedStream& stream) {
  if (!HasTransport(MediaFieldOf(media), kMsrpOverTcp)) {
    return Rejection{RejectReason::kTransportUnsupported, "MSRP that has TLS of its own already"};
  }
  const auto read = ReadMsrpMedia(offer, media);
  if (const Rejection* rejection = absl::get_if<Rejection>(&read)) return *rejection;
  const MsrpMedia& msrp = absl::get<MsrpMedia>(read);

  if (!facts.ue_supports_e2ae || !facts.p_cscf_supports_e2ae) {
    return Rejection{RejectReason::kE2aeNotIndicated,
                     absl::StrCat(facts.ue_supports_e2ae ? "the P-CSCF" : "the UE",
                                  " did not announce e2ae media security for MSRP")};
  }
  if (!media.HasAttribute("msrp-cema")) {
    return Rejection{RejectReason::kApplicationAwareUnavailable, "no \"a=msrp-cema\""};
  }

  stream.setup = EffectiveOfferSetup(msrp.setup);
  stream.may_arm_access_to_core = MayArmAccessToCore(msrp.setup);
  stream.core_remote = msrp.address;
  common::TransportAddress guarded = msrp.address;
  if (stream.setup == Setup::kActive) {
    guarded.port = 0;
  } else if (absl::optional<Rejection> rejection = CheckPortToConnectTo(msrp.address.port)) {
    return rejection;
  }
  return CheckGuard(guarded, LocalAddressFor(guarded.ip), facts.own_addresses);
}

// Where the UE is, or why it may not be there.
absl::variant<common::TransportAddress, Rejection> UeAddress(
    const common::TransportAddress& answered, ConnectionRole access_role,
    const Reservation& reservation, const AnswerFacts& facts) {
  common::TransportAddress ue = answered;
  if (access_role == ConnectionRole::kServer) {
    ue.port = 0;
    // A signalling address of the other family is no source that T1 could see.
    if (facts.ue_signalling_address.has_value() &&
        facts.ue_signalling_address->is_ipv4() == reservation.access.ip.is_ipv4()) {
      ue.ip = *facts.ue_signalling_address;
    }
  } else if (absl::optional<Rejection> rejection = CheckPortToConnectTo(ue.port)) {
    return *rejection;
  }
  if (ue.ip.is_ipv4() != reservation.access.ip.is_ipv4()) {
    return Rejection{RejectReason::kAddressInvalid,
                     "the address of \"c=\" is not of the family offered"};
  }
  std::vector<common::OwnAddressRange> own = facts.own_addresses;
  for (const common::TransportAddress& address : {reservation.access, reservation.core}) {
    own.push_back({address.ip, address.port, address.port});
  }
  if (absl::optional<Rejection> rejection = CheckGuard(ue, reservation.access.ip, own)) {
    return *rejection;
  }
  return ue;
}

// Fills in `stream` for the answer to an anchored stream, or says why it is rejected.
absl::optional<Rejection> PlanMsrpAnswer(const OfferedStream& offered,
                                         const SessionDescription& answer, const Section& media,
                                         const Reservation& reservation, const AnswerFacts& facts,
                                         AnsweredStream& stream) {
  const MediaField field = MediaFieldOf(media);
  if (!HasTransport(field, kMsrpOverTls)) {
    return Rejection{RejectReason::kTransportDowngraded,
                     "the transport of the answer is not the one offered, which has TLS"};
  }
  const auto read = ReadMsrpMedia(answer, media);
  if (const Rejection* rejection = absl::get_if<Rejection>(&read)) return *rejection;
  const MsrpMedia& msrp = absl::get<MsrpMedia>(read);

  const absl::optional<StreamRoles> roles = RolesOf(offered.setup, msrp.setup);
  if (!roles.has_value()) {
    return Rejection{RejectReason::kSetupIllegal,
                     absl::StrCat("\"a=setup:", ToString(EffectiveAnswerSetup(msrp.setup)),
                                  "\" in answer to \"", ToString(offered.setup), "\"")};
  }
  stream.roles = *roles;

  const auto fingerprints =
      ReadRemoteFingerprints(answer, media, reservation.access_fingerprints, facts.allow_sha1);
  if (const Rejection* rejection = absl::get_if<Rejection>(&fingerprints)) return *rejection;
  stream.remote_fingerprints = absl::get<std::vector<Fingerprint>>(fingerprints);

  const auto ue = UeAddress(msrp.address, roles->access_tcp, reservation, facts);
  if (const Rejection* rejection = absl::get_if<Rejection>(&ue)) return *rejection;
  stream.access_remote = absl::get<common::TransportAddress>(ue);

  stream.core_remote = offered.core_remote;
  if (roles->core_tcp == ConnectionRole::kServer) stream.core_remote.port = 0;
  return absl::nullopt;
}

// Same number, order and kind of m-lines (RFC 3264 clause 6).
absl::optional<Rejection> CompareMedia(const SessionDescription& offer,
                                       const SessionDescription& answer) {
  if (answer.media.size() != offer.media.size()) {
    return Rejection{
        RejectReason::kMediaMismatch,
        absl::StrCat(answer.media.size(), " m-lines in answer to ", offer.media.size())};
  }
  for (size_t i = 0; i < offer.media.size(); ++i) {
    const std::string offered = MediaFieldOf(offer.media[i]).media;
    if (!absl::EqualsIgnoreCase(offered, MediaFieldOf(answer.media[i]).media)) {
      return Rejection{RejectReason::kMediaMismatch,
                       absl::StrCat("m-line ", i + 1, " of the answer is not \"", offered, "\"")};
    }
  }
  return absl::nullopt;
}

}  // namespace

const Reservation& ReservationOf(uint32_t stream_id, absl::Span<const Reservation> reservations) {
  const auto found = std::find_if(
      reservations.begin(), reservations.end(),
      [stream_id](const Reservation& reservation) { return reservation.stream_id == stream_id; });
  CHECK(found != reservations.end());
  return *found;
}

OfferPlan PlanOffer(const SessionDescription& offer, const OfferFacts& facts) {
  OfferPlan plan;
  bool is_anything_left = false;
  for (const Section& media : offer.media) {
    OfferedStream stream;
    stream.stream_id = static_cast<uint32_t>(plan.streams.size() + 1);
    const MediaField field = MediaFieldOf(media);
    if (field.port == 0) {
      stream.handling = Handling::kDeclined;
    } else if (IsMsrp(field)) {
      stream.rejection = PlanMsrpOffer(offer, media, facts, stream);
      stream.handling = stream.rejection.has_value() ? Handling::kRejected : Handling::kE2ae;
      if (!plan.rejection.has_value()) plan.rejection = stream.rejection;
    }
    is_anything_left |= stream.handling == Handling::kE2ae || stream.handling == Handling::kPassed;
    plan.streams.push_back(std::move(stream));
  }
  if (is_anything_left) plan.rejection = absl::nullopt;
  return plan;
}

AnswerPlan PlanAnswer(const SessionDescription& offer, const OfferPlan& offer_plan,
                      const SessionDescription& answer, absl::Span<const Reservation> reservations,
                      const AnswerFacts& facts) {
  CHECK(offer_plan.streams.size() == offer.media.size());
  AnswerPlan plan;
  plan.rejection = CompareMedia(offer, answer);
  if (plan.rejection.has_value()) return plan;

  for (size_t i = 0; i < offer_plan.streams.size(); ++i) {
    const OfferedStream& offered = offer_plan.streams[i];
    AnsweredStream stream;
    stream.stream_id = offered.stream_id;
    stream.handling = offered.handling;
    stream.rejection = offered.rejection;
    const bool is_declined = MediaFieldOf(answer.media[i]).port == 0;
    if (is_declined && offered.handling != Handling::kRejected) {
      stream.handling = Handling::kDeclined;
    } else if (offered.handling == Handling::kE2ae) {
      stream.rejection =
          PlanMsrpAnswer(offered, answer, answer.media[i],
                         ReservationOf(offered.stream_id, reservations), facts, stream);
      if (stream.rejection.has_value()) stream.handling = Handling::kRejected;
    }
    plan.streams.push_back(std::move(stream));
  }
  return plan;
}

}  // namespace alg
