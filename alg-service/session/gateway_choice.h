// Which IMS-AGWs to ask for a new session, and in which order. Pure.

#ifndef ALG_SERVICE_SESSION_GATEWAY_CHOICE_H_
#define ALG_SERVICE_SESSION_GATEWAY_CHOICE_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "alg-service/gateway/gateway_directory.h"

namespace alg {

// How much more loaded (0 to 1) the first of the two choices must be for the second to be taken.
// Not zero, so that a repeated request finds the IMS-AGW that has its reservation although the load
// has moved a little.
inline constexpr double kLoadDifference = 0.05;

// The gateways that are not draining. Their order depends on `hash` (rendezvous hashing), so that a
// repeated request goes the same way on every replica; of the first two the less loaded one leads
// (power of two choices). The one called `preferred_instance_id`, if it is there, comes before all
// others, even if draining.
std::vector<Gateway> ChooseGateways(std::vector<Gateway> reachable, uint64_t hash,
                                    absl::string_view preferred_instance_id);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_GATEWAY_CHOICE_H_
