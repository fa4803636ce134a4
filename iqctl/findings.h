// What "iqctl check" concludes from what the services have said. No network, no clock of its own.

#ifndef IQCTL_FINDINGS_H_
#define IQCTL_FINDINGS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ims/alg/v1/session_service.pb.h"
#include "ims/iqctl/v1/report.pb.h"
#include "iqctl/clock_offset.h"
#include "iqctl/gateways.h"
#include "iqctl/text/terminal.h"

namespace iqctl {

// An address of the IMS-ALG: whether its health service says that it serves, or why it does not answer.
struct AlgAnswer {
  std::string address;
  absl::StatusOr<bool> is_serving;
  ims::alg::v1::GetStatusResponse status = {};  // Empty if it has told none.
  ClockOffset clock = {};                       // Only if `status` has a time.
};

struct CheckInput {
  std::vector<AlgAnswer> algs;
  std::vector<Gateway> gateways;
  bool is_plaintext = false;
};

ims::iqctl::v1::CheckReport Conclude(const CheckInput& input);

// One line for each finding, and its remedy below it.
std::string CheckText(const ims::iqctl::v1::CheckReport& report, const Terminal& terminal);

}  // namespace iqctl

#endif  // IQCTL_FINDINGS_H_
