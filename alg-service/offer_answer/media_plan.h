// Offer or answer to plan: what becomes of each m-line, and what the IMS-AGW is to be told, for
// application-agnostic MSRP. The offer comes from either side: from the core to a UE
// ("terminating", TS 23.334 clause 6.2.10.3.1.2), or from a UE ("originating", clause 6.2.10.3.1.1,
// its mirror image). Pure; docs/offer-answer.md has the tables.

#ifndef ALG_SERVICE_OFFER_ANSWER_MEDIA_PLAN_H_
#define ALG_SERVICE_OFFER_ANSWER_MEDIA_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "alg-service/offer_answer/reject_reason.h"
#include "alg-service/offer_answer/setup_role.h"
#include "alg-service/sdp/attributes.h"
#include "alg-service/sdp/session_description.h"
#include "common/ip_address.h"
#include "common/remote_address_guard.h"

namespace alg {

enum class Handling {
  kE2ae,      // Anchored in the IMS-AGW, TLS towards the UE.
  kPassed,    // Not ours: as it came.
  kRejected,  // By us: port 0 where a description goes on.
  kDeclined,  // By its sender: port 0.
};

// The SIP status to answer a rejected description with (488, Not Acceptable Here).
inline constexpr int kRejectionSipStatus = 488;

// What PlanOffer() needs to know beside the offer.
struct OfferFacts {
  Side offerer = Side::kCore;     // Where the offer comes from.
  bool ue_supports_e2ae = false;  // Both as of the registration the session uses (R-ALG-02).
  bool p_cscf_supports_e2ae = false;
  std::vector<common::OwnAddressRange> own_addresses;  // Of the IMS-AGW; no peer may be there.
  bool allow_sha1 = false;  // For the fingerprints of an offer from the UE (R-SEC-14).
};

// One m-line of an offer.
struct OfferedStream {
  uint32_t stream_id = 0;  // Position of the m-line, from 1.
  Handling handling = Handling::kPassed;
  absl::optional<Rejection> rejection;  // With `kRejected`.

  // The rest with `kE2ae`.

  // The offerer, from "c=" and "m=". Its family is that to reserve its termination in. If the
  // offerer is sure to connect (`active`) nobody connects to the port, which may be 9; else it is
  // the one to connect to.
  common::TransportAddress offerer_remote;

  // Of the UE, if it is the offerer; else empty. As AnsweredStream::remote_fingerprints.
  std::vector<Fingerprint> remote_fingerprints;

  // What the offer that is sent on says. Never `kHoldconn`.
  Setup setup = Setup::kActive;

  // Interlinkage from the answerer's side to the offerer's may be armed with the reservation
  // (R-ALG-23): the answerer may be the one that connects.
  bool answerer_may_connect = false;
};

struct OfferPlan {
  Side offerer = Side::kCore;          // As in the facts.
  std::vector<OfferedStream> streams;  // One per m-line, in order.

  // Set if nothing would be left to offer: send nothing on, answer with kRejectionSipStatus. The
  // reason is that of the first m-line rejected.
  absl::optional<Rejection> rejection;
};

// Never fails: what is wrong with the offer is in the plan. Whether the offerer's address may be on
// loopback is left to the IMS-AGW, which knows its own addresses there.
OfferPlan PlanOffer(const SessionDescription& offer, const OfferFacts& facts);

// What the IMS-AGW reserved for a stream.
struct Reservation {
  uint32_t stream_id = 0;
  common::TransportAddress access;               // T1.
  common::TransportAddress core;                 // T2.
  std::vector<Fingerprint> access_fingerprints;  // Of the certificate on T1; at least one.

  const common::TransportAddress& address(Side side) const {
    return side == Side::kAccess ? access : core;
  }
};

// The one of `stream_id`, which must be there.
const Reservation& ReservationOf(uint32_t stream_id, absl::Span<const Reservation> reservations);

// What PlanAnswer() needs to know beside the answer.
struct AnswerFacts {
  std::vector<common::OwnAddressRange> own_addresses;  // Of the IMS-AGW.

  // Where the P-CSCF sees the UE's signalling come from. Stands in for the address of the answer as
  // the source of the UE's connection, because a NAT may lie between.
  absl::optional<common::IpAddress> ue_signalling_address;

  bool allow_sha1 = false;  // R-SEC-14.
};

// One m-line of an answer.
struct AnsweredStream {
  uint32_t stream_id = 0;
  Handling handling = Handling::kPassed;
  absl::optional<Rejection> rejection;  // With `kRejected`.

  // The rest with `kE2ae`.

  StreamRoles roles = {};

  // The UE: to connect to if T1 is a client; if T1 is a server the only source to let in, with port
  // 0 because the UE's port is not known.
  common::TransportAddress access_remote;

  // All fingerprints of the UE's description whose hash function is known and not deprecated; at
  // least one.
  std::vector<Fingerprint> remote_fingerprints;

  // The core peer: to connect to if T2 is a client; if T2 is a server the only source to let in,
  // with port 0.
  common::TransportAddress core_remote;
};

struct AnswerPlan {
  std::vector<AnsweredStream> streams;  // One per m-line, in order.

  // Set if the answer does not fit the offer: there is nothing to send on.
  absl::optional<Rejection> rejection;
};

// `offer` and `offer_plan` are what PlanOffer() took and gave, without a rejection of the whole;
// `reservations` has every stream that is kE2ae there.
AnswerPlan PlanAnswer(const SessionDescription& offer, const OfferPlan& offer_plan,
                      const SessionDescription& answer, absl::Span<const Reservation> reservations,
                      const AnswerFacts& facts);

}  // namespace alg

#endif  // ALG_SERVICE_OFFER_ANSWER_MEDIA_PLAN_H_
