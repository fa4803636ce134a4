#include "alg-service/offer_answer/setup_role.h"

namespace alg {
namespace {

struct Row {
  Setup offer;   // From the core, after defaults.
  Setup answer;  // From the UE, after defaults.
  StreamRoles roles;
};

constexpr StreamRoles kUeConnects = {
    .access_tcp = ConnectionRole::kServer,
    .access_tls = ConnectionRole::kServer,
    .core_tcp = ConnectionRole::kClient,
    .interlinkage = InterlinkageDirection::kAccessToCore,
    .setup_to_core = Setup::kActive,
};

constexpr StreamRoles kCorePeerConnects = {
    .access_tcp = ConnectionRole::kClient,
    .access_tls = ConnectionRole::kClient,
    .core_tcp = ConnectionRole::kServer,
    .interlinkage = InterlinkageDirection::kCoreToAccess,
    .setup_to_core = Setup::kPassive,
};

// The legal pairs of RFC 4145 clause 4.1. There is none in which the IMS-AGW connects to both
// sides, which would leave MSRP without anybody to send first (RFC 4975 clause 5.4).
constexpr Row kRoleMatrix[] = {
    {Setup::kActpass, Setup::kActive, kUeConnects},
    {Setup::kActpass, Setup::kPassive, kCorePeerConnects},
    {Setup::kActive, Setup::kPassive, kCorePeerConnects},
    {Setup::kPassive, Setup::kActive, kUeConnects},
};

}  // namespace

Setup EffectiveOfferSetup(absl::optional<Setup> setup) {
  return setup.has_value() && *setup != Setup::kHoldconn ? *setup : Setup::kActive;
}

Setup EffectiveAnswerSetup(absl::optional<Setup> setup) {
  return setup.has_value() && *setup != Setup::kHoldconn ? *setup : Setup::kPassive;
}

absl::optional<StreamRoles> RolesOf(absl::optional<Setup> offer, absl::optional<Setup> answer) {
  for (const Row& row : kRoleMatrix) {
    if (row.offer == EffectiveOfferSetup(offer) && row.answer == EffectiveAnswerSetup(answer)) {
      return row.roles;
    }
  }
  return absl::nullopt;
}

bool MayArmAccessToCore(absl::optional<Setup> offer) {
  for (const Row& row : kRoleMatrix) {
    if (row.offer == EffectiveOfferSetup(offer) &&
        row.roles.interlinkage == InterlinkageDirection::kAccessToCore) {
      return true;
    }
  }
  return false;
}

}  // namespace alg
