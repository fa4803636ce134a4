// Who connects, and who is the server of TLS. Both ends of an SDP exchange say with "a=setup"
// whether they connect (active), wait for a connection (passive) or leave it to the other (actpass;
// RFC 4145 clause 4). We sit between the two and pass on what they say ("set-up direction not
// modified", TS 23.334 clause 6.2.18.3), so towards each of them the IMS-AGW takes the opposite
// role:
//
//   offerer ── T1 or T2 │ IMS-AGW │ T2 or T1 ── answerer
//
// One leg has TLS, that towards the UE; either end may be the UE. What is told to the offerer and
// what the IMS-AGW does come from the same table, so they cannot disagree. Pure.

#ifndef ALG_SERVICE_OFFER_ANSWER_SETUP_ROLE_H_
#define ALG_SERVICE_OFFER_ANSWER_SETUP_ROLE_H_

#include "absl/types/optional.h"
#include "alg-service/sdp/attributes.h"

namespace alg {

// The two legs of a session.
enum class Side {
  kAccess,  // Towards the UE; the IMS-AGW's termination is T1, with TLS.
  kCore,    // Towards the IMS core network; T2, without TLS.
};

inline Side OtherSide(Side side) { return side == Side::kAccess ? Side::kCore : Side::kAccess; }

// Media with TCP whose roles the tables know.
enum class MediaKind {
  kMsrp,  // The TCP client is the TLS client (RFC 6135 clause 6); there is no "holdconn" (4.2.1).
  kBfcp,  // The answerer is the TLS server, whoever connects (RFC 8856 clause 8, RFC 4583 clause
          // 8).
};

enum class ConnectionRole { kServer, kClient };

// What the IMS-AGW is. It never is the client on both sides, which would leave MSRP without anybody
// to send first (RFC 4975 clause 5.4). A connection that comes in on the side where it is the
// server can trigger the one on the other side (interlinkage).
struct StreamRoles {
  ConnectionRole access_tcp;
  ConnectionRole access_tls;
  ConnectionRole core_tcp;
  Setup setup_to_offerer;  // "a=setup" of the answer that is sent on.

  friend bool operator==(const StreamRoles&, const StreamRoles&) = default;
};

// The role that a description takes: `setup` is its "a=setup", if any. Absent is active in an offer
// and passive in an answer (RFC 4145 clause 4.1); with MSRP "holdconn" counts as absent.
Setup EffectiveOfferSetup(MediaKind kind, absl::optional<Setup> setup);
Setup EffectiveAnswerSetup(MediaKind kind, absl::optional<Setup> setup);

// The roles for an offer from the side `offerer` and the answer from the other one; nothing for a
// pair that RFC 4145 clause 4.1 does not allow, or that connects nobody.
absl::optional<StreamRoles> RolesOf(Side offerer, MediaKind kind, absl::optional<Setup> offer,
                                    absl::optional<Setup> answer);

// True if some legal answer to `offer` makes the answerer the connecting side, so that interlinkage
// from its side to the offerer's may be armed before the answer (R-ALG-23).
bool AnswererMayConnect(MediaKind kind, absl::optional<Setup> offer);

}  // namespace alg

#endif  // ALG_SERVICE_OFFER_ANSWER_SETUP_ROLE_H_
