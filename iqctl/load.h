// What goes on at the IMS-AGWs, from what a follower tells. No network, no clock of its own.

#ifndef IQCTL_LOAD_H_
#define IQCTL_LOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "common/monotonic_time.h"
#include "ims/iqctl/v1/report.pb.h"
#include "iqctl/gateway_follower.h"
#include "iqctl/text/terminal.h"

namespace iqctl {

// One thread.
class Load {
 public:
  explicit Load(common::MonotonicTime now) : last_report_(now) {}

  void Add(const GatewayNews& news, common::MonotonicTime now);

  // What there is to tell at `now`; rates are since the report before.
  ims::iqctl::v1::LoadReport Report(common::MonotonicTime now);

 private:
  struct Counts {
    common::MonotonicTime since;
    uint64_t events = 0;  // Since the last report.
    uint64_t established = 0;
    uint64_t failed = 0;
    uint64_t missed = 0;
    absl::btree_map<std::string, uint64_t> failures;
  };

  common::MonotonicTime last_report_;
  std::vector<Gateway> gateways_;
  absl::flat_hash_map<std::string, Counts> counts_;  // By instance id.
};

// A line for all, and a table.
std::string LoadText(const ims::iqctl::v1::LoadReport& report, const Terminal& terminal);

}  // namespace iqctl

#endif  // IQCTL_LOAD_H_
