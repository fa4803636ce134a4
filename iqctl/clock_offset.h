// How far another machine's clock is from ours.

#ifndef IQCTL_CLOCK_OFFSET_H_
#define IQCTL_CLOCK_OFFSET_H_

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace iqctl {

// Their clock minus ours, right to `uncertainty`.
struct ClockOffset {
  absl::Duration offset;
  absl::Duration uncertainty;
};

// From the time that a call answered with, and our own before and after it.
ClockOffset MeasureClock(const google::protobuf::Timestamp& theirs, absl::Time before,
                         absl::Time after);

}  // namespace iqctl

#endif  // IQCTL_CLOCK_OFFSET_H_
