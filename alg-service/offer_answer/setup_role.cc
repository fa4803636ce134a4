#include "alg-service/offer_answer/setup_role.h"

namespace alg {
namespace {

struct SetupPair {
  Setup offer;
  Setup answer;
};

// Of RFC 4145 clause 4.1, those in which somebody connects.
constexpr SetupPair kLegalPairs[] = {
    {Setup::kActpass, Setup::kActive},
    {Setup::kActpass, Setup::kPassive},
    {Setup::kActive, Setup::kPassive},
    {Setup::kPassive, Setup::kActive},
};

bool IsAbsent(MediaKind kind, absl::optional<Setup> setup) {
  return !setup.has_value() || (kind == MediaKind::kMsrp && *setup == Setup::kHoldconn);
}

bool IsLegal(Setup offer, Setup answer) {
  for (const SetupPair& pair : kLegalPairs) {
    if (pair.offer == offer && pair.answer == answer) return true;
  }
  return false;
}

ConnectionRole ServerIf(bool condition) {
  return condition ? ConnectionRole::kServer : ConnectionRole::kClient;
}

}  // namespace

Setup EffectiveOfferSetup(MediaKind kind, absl::optional<Setup> setup) {
  return IsAbsent(kind, setup) ? Setup::kActive : *setup;
}

Setup EffectiveAnswerSetup(MediaKind kind, absl::optional<Setup> setup) {
  return IsAbsent(kind, setup) ? Setup::kPassive : *setup;
}

absl::optional<StreamRoles> RolesOf(Side offerer, MediaKind kind, absl::optional<Setup> offer,
                                    absl::optional<Setup> answer) {
  const Setup answered = EffectiveAnswerSetup(kind, answer);
  if (!IsLegal(EffectiveOfferSetup(kind, offer), answered)) return absl::nullopt;

  const Side connecting = answered == Setup::kActive ? OtherSide(offerer) : offerer;
  StreamRoles roles = {};
  roles.access_tcp = ServerIf(connecting == Side::kAccess);
  roles.core_tcp = ServerIf(connecting == Side::kCore);
  switch (kind) {
    case MediaKind::kMsrp:
      roles.access_tls = roles.access_tcp;
      break;
    case MediaKind::kBfcp:
      // Towards the UE that offered we are the answerer.
      roles.access_tls = ServerIf(offerer == Side::kAccess);
      break;
  }
  roles.setup_to_offerer = answered;
  return roles;
}

bool AnswererMayConnect(MediaKind kind, absl::optional<Setup> offer) {
  return IsLegal(EffectiveOfferSetup(kind, offer), Setup::kActive);
}

}  // namespace alg
