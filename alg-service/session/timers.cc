#include "alg-service/session/timers.h"

#include <utility>

namespace alg {

Task<bool> Sleep(std::shared_ptr<Timers> timers, absl::Duration delay) {
  Event due;
  timers->Start(delay, [&due] { due.Set(); });
  co_await due;
  co_return !timers->stopped();
}

ThreadTimers::ThreadTimers() : thread_([this] { Run(); }) {}

ThreadTimers::~ThreadTimers() { Stop(); }

void ThreadTimers::Start(absl::Duration delay, absl::AnyInvocable<void()> due) {
  {
    common::MutexLock lock(mutex_);
    if (!stopped_) {
      const auto added = waiting_.emplace(common::MonotonicTime::Now() + delay, std::move(due));
      if (added == waiting_.begin()) changed_.notify_one();
      return;
    }
  }
  due();
}

bool ThreadTimers::stopped() const {
  common::MutexLock lock(mutex_);
  return stopped_;
}

void ThreadTimers::Stop() {
  Waiting waiting;
  {
    common::MutexLock lock(mutex_);
    stopped_ = true;
    waiting.swap(waiting_);
    changed_.notify_one();
  }
  for (auto& [time, due] : waiting) due();
  if (thread_.joinable()) thread_.join();
}

void ThreadTimers::Run() {
  common::MutexLock lock(mutex_);
  while (!stopped_) {
    if (waiting_.empty()) {
      changed_.wait(mutex_);
      continue;
    }
    const auto first = waiting_.begin();
    if (first->first > common::MonotonicTime::Now()) {
      // A copy: an earlier one may come meanwhile, and go.
      const common::MonotonicTime next = first->first;
      changed_.wait_until(mutex_, next.ToChrono());
      continue;
    }
    absl::AnyInvocable<void()> due = std::move(first->second);
    waiting_.erase(first);
    mutex_.Unlock();
    due();
    due = nullptr;
    mutex_.Lock();
  }
}

}  // namespace alg
