// The IMS-AGWs behind --agw: which are there, and which of them is meant.

#ifndef IQCTL_GATEWAYS_H_
#define IQCTL_GATEWAYS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "ims/iq/v1/gateway_status.pb.h"
#include "ims/iqctl/v1/report.pb.h"
#include "iqctl/client/agw_client.h"
#include "iqctl/client/connection.h"
#include "iqctl/clock_offset.h"

namespace iqctl {

// An IMS-AGW that has told its status, or an address where none has. A value.
struct Gateway {
  std::vector<std::string> addresses;  // All that lead to it; at least one.
  absl::Status error;                  // Why it has not answered; OK if it has.
  ims::iq::v1::GatewayStatus status;
  std::shared_ptr<AgwClient> client;  // Null if there is no address to try.

  ClockOffset clock;  // Only if `status` has a time.

  bool has_answered() const { return error.ok(); }

  // "agw-1 at 192.0.2.5:7060", for messages; the address alone if it has not answered.
  std::string Name() const;
};

// Asks all at the same time. Addresses of the same run of an instance become one. Sorted by instance id,
// then by address; those that have not answered come last.
std::vector<Gateway> AskAll(const std::vector<EndpointOrError>& endpoints);

// The one that `instance` names: an instance id among those behind --agw, or "HOST:PORT". `kNotFound`: none
// of them, and all have answered; `kUnavailable` and others: what is meant does not answer, or may be
// behind an address that does not; `kInvalidArgument`: it names several.
absl::StatusOr<Gateway> FindGateway(const Connector& connector, const std::string& instance);

// As `iqctl` prints it.
ims::iqctl::v1::Gateway ToReport(const Gateway& gateway);

}  // namespace iqctl

#endif  // IQCTL_GATEWAYS_H_
