// Does something when a time has come.

#ifndef IQCTL_DEADLINE_TIMER_H_
#define IQCTL_DEADLINE_TIMER_H_

#include <condition_variable>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"

namespace iqctl {

// Calls `action` at `deadline`, on a thread of its own, unless it has been destroyed by then. Thread-safe.
class DeadlineTimer {
 public:
  DeadlineTimer(common::MonotonicTime deadline, std::function<void()> action);
  ~DeadlineTimer();  // Waits for an action under way.

  bool has_fired() const;

 private:
  mutable common::Mutex mutex_;
  std::condition_variable_any changed_;
  bool is_over_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_fired_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace iqctl

#endif  // IQCTL_DEADLINE_TIMER_H_
