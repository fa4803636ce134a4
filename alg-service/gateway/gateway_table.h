// The IMS-AGWs behind the addresses: which are there, which are lost, and of which nobody knows.

#ifndef ALG_SERVICE_GATEWAY_GATEWAY_TABLE_H_
#define ALG_SERVICE_GATEWAY_GATEWAY_TABLE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/gateway/link_state.h"
#include "alg-service/gateway/notification_sink.h"
#include "common/monotonic_time.h"

namespace alg {

// Several addresses may lead to one IMS-AGW (a name with an IPv4 and an IPv6 address), and a
// restarted IMS-AGW may come up at another address; so what links tell is put together here by
// instance and incarnation. An IMS-AGW is as well off as the best of its links. It is lost if
//
// * the same instance is up in another incarnation, or
// * nobody listens at any of its addresses, or
// * it has not been heard of for `lost_after`, or
// * its addresses lead to other instances.
//
// Not thread-safe; has no clock of its own.
class GatewayTable {
 public:
  explicit GatewayTable(absl::Duration lost_after) : lost_after_(lost_after) {}

  // Takes over what all links tell at `now`. Returns what has been lost since the last call.
  std::vector<LostGateway> Update(const std::vector<LinkState>& links, common::MonotonicTime now);

  // When time alone will change something.
  common::MonotonicTime next_change() const;

  // As GatewayDirectory has them. An IMS-AGW that no address has led to is unknown (`kUnavailable`)
  // until `lost_after` after it was first asked for, because another replica may have found it
  // sooner.
  std::vector<Gateway> Reachable() const;
  absl::StatusOr<Gateway> Find(absl::string_view instance_id, absl::string_view incarnation,
                               common::MonotonicTime now);

  // Whether a link tells more of an IMS-AGW that is not lost than the other links do.
  bool IsOfUse(const LinkState& link) const;

  bool Has(const GatewayId& gateway) const { return gateways_.count(gateway) > 0; }

  // The state of the best link of each IMS-AGW that can be reached.
  std::vector<LinkState> ReachableLinks() const;

  // For the gauges. `unreachable`: those that are neither lost nor reachable, and addresses that no
  // IMS-AGW has been found at.
  struct Counts {
    int up = 0;
    int draining = 0;
    int unreachable = 0;
    int lost = 0;
  };
  Counts Count() const;

 private:
  struct Entry {
    LinkState best_link;
    absl::optional<GatewayLoss> loss;
  };

  absl::optional<GatewayLoss> LossOf(const GatewayId& gateway, const LinkState& best_link,
                                     common::MonotonicTime now) const;
  bool IsUpInAnotherIncarnation(const GatewayId& gateway) const;

  const absl::Duration lost_after_;
  std::map<GatewayId, Entry> gateways_;
  int unknown_link_count_ = 0;

  // When somebody first asked for an IMS-AGW that no link shows. Those that have been lost are in
  // here with an infinite past.
  std::map<GatewayId, common::MonotonicTime> missing_since_;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_GATEWAY_TABLE_H_
