// Who connects: the role matrix of an anchored MSRP stream whose set-up direction is not modified
// (RFC 4145 clause 4.1, RFC 6135 clauses 4.2 and 6, TS 23.334 clauses 6.2.10.3.1.2 and 6.2.18.3).
// What is told to the core and what the IMS-AGW does come from the same row, so they cannot
// disagree. Pure.

#ifndef ALG_SERVICE_OFFER_ANSWER_SETUP_ROLE_H_
#define ALG_SERVICE_OFFER_ANSWER_SETUP_ROLE_H_

#include "absl/types/optional.h"
#include "alg-service/sdp/attributes.h"

namespace alg {

enum class ConnectionRole { kServer, kClient };

// Which side's incoming connection makes the IMS-AGW connect on the other side.
enum class InterlinkageDirection { kAccessToCore, kCoreToAccess };

struct StreamRoles {
  ConnectionRole access_tcp;  // T1.
  ConnectionRole access_tls;  // T1; for MSRP it follows the TCP role (RFC 6135 clause 6).
  ConnectionRole core_tcp;    // T2.
  InterlinkageDirection
      interlinkage;     // To arm in the triggered variant; else order the client side.
  Setup setup_to_core;  // "a=setup" of the answer to the core.

  friend bool operator==(const StreamRoles&, const StreamRoles&) = default;
};

// The role an MSRP description takes: `setup` is its "a=setup", if any. "holdconn" counts as absent
// (RFC 6135 clause 4.2.1); absent is active in an offer and passive in an answer.
Setup EffectiveOfferSetup(absl::optional<Setup> setup);
Setup EffectiveAnswerSetup(absl::optional<Setup> setup);

// The row for an offer from the core and the UE's answer to it; nothing for a pair that RFC 4145
// does not allow.
absl::optional<StreamRoles> RolesOf(absl::optional<Setup> offer, absl::optional<Setup> answer);

// True if some legal answer to `offer` makes the UE the connecting side, so that interlinkage
// towards the core may be armed before the answer (R-ALG-23).
bool MayArmAccessToCore(absl::optional<Setup> offer);

}  // namespace alg

#endif  // ALG_SERVICE_OFFER_ANSWER_SETUP_ROLE_H_
