#include "alg-service/session/gateway_choice.h"

#include <algorithm>
#include <utility>

#include "alg-service/session/session_id.h"

namespace alg {

std::vector<Gateway> ChooseGateways(std::vector<Gateway> reachable, uint64_t hash,
                                    absl::string_view preferred_instance_id) {
  std::vector<std::pair<uint64_t, Gateway>> ranked;
  std::vector<Gateway> preferred;
  for (Gateway& gateway : reachable) {
    if (gateway.info->instance_id == preferred_instance_id) {
      preferred.push_back(std::move(gateway));
    } else if (!gateway.info->draining) {
      const uint64_t rank = StableHash(gateway.info->instance_id, hash);
      ranked.emplace_back(rank, std::move(gateway));
    }
  }
  std::sort(ranked.begin(), ranked.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  if (ranked.size() >= 2 &&
      ranked[0].second.info->load > ranked[1].second.info->load + kLoadDifference) {
    std::swap(ranked[0], ranked[1]);
  }
  std::vector<Gateway> chosen = std::move(preferred);
  for (auto& [rank, gateway] : ranked) chosen.push_back(std::move(gateway));
  return chosen;
}

}  // namespace alg
