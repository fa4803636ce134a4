// A wall clock that tests can set, as an operator or NTP does.

#ifndef COMMON_TESTING_WALL_CLOCK_H_
#define COMMON_TESTING_WALL_CLOCK_H_

#include "absl/time/time.h"

namespace common {

// Steps the wall clock of this process (CLOCK_REALTIME, which absl::Now() and
// std::chrono::system_clock read) by `step`, forward or back, on top of what it was stepped before.
// The monotonic clock goes on as it does. Thread-safe.
void StepWallClock(absl::Duration step);

}  // namespace common

#endif  // COMMON_TESTING_WALL_CLOCK_H_
