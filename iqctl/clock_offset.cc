#include "iqctl/clock_offset.h"

namespace iqctl {

ClockOffset MeasureClock(const google::protobuf::Timestamp& theirs, absl::Time before,
                         absl::Time after) {
  const absl::Duration uncertainty = (after - before) / 2;
  const absl::Time time =
      absl::FromUnixSeconds(theirs.seconds()) + absl::Nanoseconds(theirs.nanos());
  return {time - (before + uncertainty), uncertainty};
}

}  // namespace iqctl
