// Timers of which the test is the clock.

#ifndef ALG_SERVICE_SESSION_TESTING_MANUAL_TIMERS_H_
#define ALG_SERVICE_SESSION_TESTING_MANUAL_TIMERS_H_

#include <map>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "alg-service/session/timers.h"
#include "common/mutex.h"

namespace alg {

// Thread-safe.
class ManualTimers : public Timers {
 public:
  ~ManualTimers() override { Stop(); }

  // Calls everything that is due by then, in order, also what is started meanwhile.
  void Advance(absl::Duration duration) {
    common::MutexLock lock(mutex_);
    const absl::Duration end = now_ + duration;
    while (!waiting_.empty() && waiting_.begin()->first <= end) {
      now_ = waiting_.begin()->first;
      CallFirst();
    }
    now_ = end;
  }

  void Stop() {
    common::MutexLock lock(mutex_);
    stopped_ = true;
    while (!waiting_.empty()) CallFirst();
  }

  size_t waiting_count() const {
    common::MutexLock lock(mutex_);
    return waiting_.size();
  }

  void Start(absl::Duration delay, absl::AnyInvocable<void()> due) override {
    {
      common::MutexLock lock(mutex_);
      if (!stopped_) {
        waiting_.emplace(now_ + delay, std::move(due));
        return;
      }
    }
    due();
  }

  bool stopped() const override {
    common::MutexLock lock(mutex_);
    return stopped_;
  }

 private:
  void CallFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    absl::AnyInvocable<void()> due = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    mutex_.Unlock();
    due();
    due = nullptr;
    mutex_.Lock();
  }

  mutable common::Mutex mutex_;
  absl::Duration now_ ABSL_GUARDED_BY(mutex_);
  std::multimap<absl::Duration, absl::AnyInvocable<void()>> waiting_ ABSL_GUARDED_BY(mutex_);
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_TESTING_MANUAL_TIMERS_H_
