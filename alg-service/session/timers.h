// Waiting for a while, without a thread for each who waits.

#ifndef ALG_SERVICE_SESSION_TIMERS_H_
#define ALG_SERVICE_SESSION_TIMERS_H_

#include <condition_variable>
#include <map>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "alg-service/session/task.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"

namespace alg {

// Thread-safe.
class Timers {
 public:
  virtual ~Timers() = default;

  // Calls `due` once: after `delay`, or sooner if the timers are stopped; at once if they have
  // been.
  virtual void Start(absl::Duration delay, absl::AnyInvocable<void()> due) = 0;

  // The service is ending: nobody should begin to wait any more.
  virtual bool stopped() const = 0;
};

// Ends after `delay`; false if the service is ending.
Task<bool> Sleep(std::shared_ptr<Timers> timers, absl::Duration delay);

// On the monotonic clock and a thread of its own, where everything `due` is called. Precise to
// about a millisecond on a machine that is not overloaded.
class ThreadTimers : public Timers {
 public:
  ThreadTimers();
  ~ThreadTimers() override;

  void Start(absl::Duration delay, absl::AnyInvocable<void()> due) override;
  bool stopped() const override;

  // Calls what has been waiting, on this thread, and ends the timers' own. Not to be called by a
  // `due`. Repeating it does nothing.
  void Stop();

 private:
  using Waiting = std::multimap<common::MonotonicTime, absl::AnyInvocable<void()>>;

  void Run();

  mutable common::Mutex mutex_;
  std::condition_variable_any changed_;
  Waiting waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_TIMERS_H_
