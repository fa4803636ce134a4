// A timer with an owner.

#ifndef AGW_SERVICE_NET_TIMER_H_
#define AGW_SERVICE_NET_TIMER_H_

#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "agw-service/net/event_loop.h"
#include "common/monotonic_time.h"

namespace agw {

// One timer for one purpose; canceled when it goes. Lives on the thread of its event loop.
class Timer {
 public:
  // `loop` outlives the timer.
  explicit Timer(EventLoop& loop) : loop_(loop) {}
  ~Timer() { Cancel(); }

  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Runs `callback` at `deadline`, or after `delay`, instead of what it may have waited for. The
  // callback may start the timer again or destroy it.
  void StartAt(common::MonotonicTime deadline, absl::AnyInvocable<void()> callback) {
    Cancel();
    id_ = loop_.AddTimer(deadline, [this, callback = std::move(callback)]() mutable {
      id_ = 0;
      callback();
    });
  }
  void Start(absl::Duration delay, absl::AnyInvocable<void()> callback) {
    StartAt(loop_.Now() + delay, std::move(callback));
  }

  void Cancel() { loop_.CancelTimer(id_); }
  bool running() const { return id_ != 0; }

 private:
  EventLoop& loop_;
  EventLoop::TimerId id_ = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_NET_TIMER_H_
