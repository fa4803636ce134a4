// What is counted of MSRP for the metrics.

#ifndef AGW_SERVICE_MSRP_MSRP_COUNTERS_H_
#define AGW_SERVICE_MSRP_MSRP_COUNTERS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "agw-service/msrp/msrp_framing_error.h"

namespace agw {

enum class MsrpMethod : uint8_t { kSend, kReport, kAuth, kNickname, kOther };

// The values of the metrics' label, in the order of `MsrpMethod`.
inline constexpr std::array<absl::string_view, 5> kMsrpMethodLabels = {"SEND", "REPORT", "AUTH",
                                                                       "NICKNAME", "other"};

// The status codes that are counted by themselves (RFC 4975 clause 10); all others are the last one.
inline constexpr std::array<absl::string_view, 11> kMsrpCodeLabels = {
    "200", "400", "403", "408", "413", "415", "423", "481", "501", "506", "other"};

// For one direction: what came from one side. Belongs to one worker.
struct MsrpCounters {
  // Index: `MsrpMethod`, and `kMsrpCodeLabels`.
  std::array<uint64_t, kMsrpMethodLabels.size()> requests{};
  std::array<uint64_t, kMsrpCodeLabels.size()> responses{};

  // SEND requests by their continuation flag.
  uint64_t chunks = 0;             // '+': more of the message follows.
  uint64_t complete_messages = 0;  // '$'
  uint64_t aborted_messages = 0;   // '#'

  // Requests and responses whose To-Path does not name the IMS-AGW. They pass as they came.
  uint64_t not_addressed = 0;

  // Messages whose connection ended, or was replaced, in their middle.
  uint64_t cut_off = 0;

  // Messages of which the rest went nowhere, since the sink had been replaced.
  uint64_t dropped = 0;

  // Index: `MsrpFramingError`.
  std::array<uint64_t, kMsrpFramingErrorCount> framing_errors{};

  friend bool operator==(const MsrpCounters&, const MsrpCounters&) = default;
};

}  // namespace agw

#endif  // AGW_SERVICE_MSRP_MSRP_COUNTERS_H_
