// SIGTERM and SIGINT, to be waited for.

#ifndef COMMON_STOP_SIGNAL_H_
#define COMMON_STOP_SIGNAL_H_

#include "common/monotonic_time.h"

namespace common {

// Make it first thing in main(), before any thread: the signals are blocked from then on, in all
// threads, and come only to `Wait()`. Used from one thread.
class StopSignal {
 public:
  StopSignal();

  // True when a signal has come, each counts once; false at the deadline.
  bool Wait(MonotonicTime deadline);
};

// From now on the next stop signal ends the process at once, with exit code 1; and so does the end
// of `patience`, for a service that has been told to stop and does not. The log says which it was.
void EndProcessAtOnceAfter(absl::Duration patience);

}  // namespace common

#endif  // COMMON_STOP_SIGNAL_H_
