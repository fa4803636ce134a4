#include "iqctl/deadline_timer.h"

#include <utility>

namespace iqctl {

using common::MonotonicTime;
using common::MutexLock;

DeadlineTimer::DeadlineTimer(MonotonicTime deadline, std::function<void()> action) {
  thread_ = std::thread([this, deadline, action = std::move(action)] {
    {
      MutexLock lock(mutex_);
      while (!is_over_ && MonotonicTime::Now() < deadline) {
        changed_.wait_until(mutex_, deadline.ToChrono());
      }
      if (is_over_) return;
      has_fired_ = true;
    }
    action();
  });
}

DeadlineTimer::~DeadlineTimer() {
  {
    MutexLock lock(mutex_);
    is_over_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

bool DeadlineTimer::has_fired() const {
  MutexLock lock(mutex_);
  return has_fired_;
}

}  // namespace iqctl
