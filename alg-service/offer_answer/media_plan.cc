#include "alg-service/offer_answer/media_plan.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/variant.h"
#include "alg-service/offer_answer/msrp_media.h"
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

// TLS that is not for us to end goes from end to end (TS 23.334 clause 6.2.10A): MSRP comes from
// the core without, and from a UE with the request to end it (clause 6.2.10.3.1.1.1, step 1).
absl::optional<Rejection> CheckOfferedTransport(const Section& media, Side offerer) {
  const bool has_tls = HasTransport(*MediaFieldOf(media), kMsrpOverTls);
  if (offerer == Side::kCore) {
    if (!has_tls) return absl::nullopt;
    return Rejection{RejectReason::kTransportUnsupported, "MSRP that has TLS of its own already"};
  }
  if (!has_tls) {
    return Rejection{RejectReason::kTransportUnsupported, "MSRP without TLS from the UE"};
  }
  const std::vector<absl::string_view> indicators = media.Attributes("3ge2ae");
  if (std::any_of(indicators.begin(), indicators.end(), [](absl::string_view value) {
        return ParseE2aeIndicator(value) == E2aeIndicator::kRequested;
      })) {
    return absl::nullopt;
  }
  return Rejection{RejectReason::kTransportUnsupported,
                   "the UE does not request that TLS ends at the access edge"};
}

// Fills in `stream` for an MSRP section, or says why it is rejected.
absl::optional<Rejection> PlanMsrpOffer(const SessionDescription& offer, const Section& media,
                                        const OfferFacts& facts, OfferedStream& stream) {
  if (absl::optional<Rejection> rejection = CheckOfferedTransport(media, facts.offerer)) {
    return rejection;
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

  if (facts.offerer == Side::kAccess) {
    // The fingerprints of T1 are known with the reservation only; PlanAnswer() compares.
    auto fingerprints = ReadRemoteFingerprints(offer, media, {}, facts.allow_sha1);
    if (const Rejection* rejection = absl::get_if<Rejection>(&fingerprints)) return *rejection;
    stream.remote_fingerprints = absl::get<std::vector<Fingerprint>>(std::move(fingerprints));
  }
  stream.setup = EffectiveOfferSetup(MediaKind::kMsrp, msrp.setup);
  stream.answerer_may_connect = AnswererMayConnect(MediaKind::kMsrp, msrp.setup);
  stream.offerer_remote = msrp.address;
  common::TransportAddress guarded = msrp.address;
  if (stream.setup == Setup::kActive) {
    guarded.port = 0;
  } else if (absl::optional<Rejection> rejection = CheckPortToConnectTo(msrp.address.port)) {
    return rejection;
  }
  return CheckGuard(guarded, LocalAddressFor(guarded.ip), facts.own_addresses);
}

// What the IMS-AGW is told of the peer on `side`, which its description says is at `described`; or
// why it may not be there.
absl::variant<common::TransportAddress, Rejection> PeerAddress(
    const common::TransportAddress& described, Side side, ConnectionRole role,
    const Reservation& reservation, const AnswerFacts& facts) {
  const common::IpAddress& local = reservation.address(side).ip;
  common::TransportAddress peer = described;
  if (role == ConnectionRole::kServer) {
    peer.port = 0;
    // A signalling address of the other family is no source that T1 could see.
    if (side == Side::kAccess && facts.ue_signalling_address.has_value() &&
        facts.ue_signalling_address->is_ipv4() == local.is_ipv4()) {
      peer.ip = *facts.ue_signalling_address;
    }
  } else if (absl::optional<Rejection> rejection = CheckPortToConnectTo(peer.port)) {
    return *rejection;
  }
  if (peer.ip.is_ipv4() != local.is_ipv4()) {
    return Rejection{RejectReason::kAddressInvalid,
                     "the address of \"c=\" is not of the family offered"};
  }
  std::vector<common::OwnAddressRange> own = facts.own_addresses;
  for (const common::TransportAddress& address : {reservation.access, reservation.core}) {
    own.push_back({address.ip, address.port, address.port});
  }
  if (absl::optional<Rejection> rejection = CheckGuard(peer, local, own)) return *rejection;
  return peer;
}

// The answer has to come with the transport that its side of the IMS-AGW was offered with.
absl::optional<Rejection> CheckAnsweredTransport(const Section& media, Side answerer) {
  const absl::optional<MediaField> field = MediaFieldOf(media);
  if (field.has_value() && HasTransport(*field, MsrpTransport(answerer))) return absl::nullopt;
  if (answerer == Side::kAccess) {
    return Rejection{RejectReason::kTransportDowngraded,
                     "the transport of the answer is not the one offered, which has TLS"};
  }
  return Rejection{RejectReason::kTransportUnsupported,
                   "the transport of the answer is not the one offered"};
}

// Fills in `stream` for the answer to an anchored stream, or says why it is rejected.
absl::optional<Rejection> PlanMsrpAnswer(const SessionDescription& offer,
                                         const OfferPlan& offer_plan,
                                         const SessionDescription& answer, size_t index,
                                         const Reservation& reservation, const AnswerFacts& facts,
                                         AnsweredStream& stream) {
  const Side offerer = offer_plan.offerer;
  const OfferedStream& offered = offer_plan.streams[index];
  const Section& media = answer.media[index];
  if (absl::optional<Rejection> rejection = CheckAnsweredTransport(media, OtherSide(offerer))) {
    return rejection;
  }
  const auto read = ReadMsrpMedia(answer, media);
  if (const Rejection* rejection = absl::get_if<Rejection>(&read)) return *rejection;
  const MsrpMedia& msrp = absl::get<MsrpMedia>(read);

  const absl::optional<StreamRoles> roles =
      RolesOf(offerer, MediaKind::kMsrp, offered.setup, msrp.setup);
  if (!roles.has_value()) {
    const Setup answered = EffectiveAnswerSetup(MediaKind::kMsrp, msrp.setup);
    return Rejection{RejectReason::kSetupIllegal,
                     absl::StrCat("\"a=setup:", ToString(answered), "\" in answer to \"",
                                  ToString(offered.setup), "\"")};
  }
  stream.roles = *roles;

  const bool ue_offered = offerer == Side::kAccess;
  auto fingerprints =
      ReadRemoteFingerprints(ue_offered ? offer : answer, ue_offered ? offer.media[index] : media,
                             reservation.access_fingerprints, facts.allow_sha1);
  if (const Rejection* rejection = absl::get_if<Rejection>(&fingerprints)) return *rejection;
  stream.remote_fingerprints = absl::get<std::vector<Fingerprint>>(std::move(fingerprints));

  const auto access = PeerAddress(ue_offered ? offered.offerer_remote : msrp.address, Side::kAccess,
                                  roles->access_tcp, reservation, facts);
  if (const Rejection* rejection = absl::get_if<Rejection>(&access)) return *rejection;
  stream.access_remote = absl::get<common::TransportAddress>(access);

  const auto core = PeerAddress(ue_offered ? msrp.address : offered.offerer_remote, Side::kCore,
                                roles->core_tcp, reservation, facts);
  if (const Rejection* rejection = absl::get_if<Rejection>(&core)) return *rejection;
  stream.core_remote = absl::get<common::TransportAddress>(core);
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
    const absl::string_view offered = MediaTypeOf(offer.media[i]);
    if (!absl::EqualsIgnoreCase(offered, MediaTypeOf(answer.media[i]))) {
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
  plan.offerer = facts.offerer;
  bool is_anything_left = false;
  for (const Section& media : offer.media) {
    OfferedStream stream;
    stream.stream_id = static_cast<uint32_t>(plan.streams.size() + 1);
    if (IsAtPortZero(media)) {
      stream.handling = Handling::kDeclined;
    } else if (IsMsrp(media)) {
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
    const bool is_declined = IsAtPortZero(answer.media[i]);
    if (is_declined && offered.handling != Handling::kRejected) {
      stream.handling = Handling::kDeclined;
    } else if (offered.handling == Handling::kE2ae) {
      stream.rejection =
          PlanMsrpAnswer(offer, offer_plan, answer, i,
                         ReservationOf(offered.stream_id, reservations), facts, stream);
      if (stream.rejection.has_value()) stream.handling = Handling::kRejected;
    }
    plan.streams.push_back(std::move(stream));
  }
  return plan;
}

}  // namespace alg
