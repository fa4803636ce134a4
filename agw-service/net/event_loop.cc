#include "agw-service/net/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/check.h"

namespace agw {
namespace {

constexpr int kEventsPerTurn = 256;
constexpr uint64_t kWakeToken = ~uint64_t{0};

uint64_t Token(int fd, uint32_t generation) {
  return uint64_t{generation} << 32 | static_cast<uint32_t>(fd);
}

// Rounded up, so that a timer is due when the wait ends. In integers: each turn pays for it.
int TimeoutMs(absl::Duration wait) {
  if (wait == absl::InfiniteDuration()) return -1;
  constexpr int64_t kNanosecondsPerMs = 1'000'000;
  const int64_t nanoseconds = std::clamp<int64_t>(absl::ToInt64Nanoseconds(wait), 0,
                                                  absl::ToInt64Nanoseconds(absl::Hours(1)));
  return static_cast<int>((nanoseconds + kNanosecondsPerMs - 1) / kNanosecondsPerMs);
}

}  // namespace

EventLoop::EventLoop(Clock clock)
    : clock_(std::move(clock)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      now_(clock_()) {
  CHECK(epoll_ && wake_);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeToken;
  CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) == 0);
}

EventLoop::~EventLoop() = default;

absl::Status EventLoop::Add(int fd, ReadinessHandler& handler) {
  if (registrations_.size() <= static_cast<size_t>(fd)) registrations_.resize(fd + 1);
  Registration& registration = registrations_[fd];
  CHECK(registration.handler == nullptr);
  const Registration added = {.handler = &handler, .generation = next_generation_++};
  // Generation ~0 with descriptor ~0 would be the wake token; descriptors never get there.
  epoll_event event{};
  event.data.u64 = Token(fd, added.generation);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    const int error = errno;
    CHECK(error == ENOMEM || error == ENOSPC);
    return absl::ResourceExhaustedError(absl::StrCat("epoll_ctl: ", std::strerror(error)));
  }
  registration = added;
  return absl::OkStatus();
}

void EventLoop::Modify(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = Token(fd, registrations_[fd].generation);
  CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void EventLoop::SetHandler(int fd, ReadinessHandler& handler) {
  Registration& registration = registrations_[fd];
  CHECK(registration.handler != nullptr);
  registration = {.handler = &handler, .generation = next_generation_++};
  Modify(fd, 0);
}

void EventLoop::SetInterest(int fd, bool readable, bool writable) {
  Registration& registration = registrations_[fd];
  CHECK(registration.handler != nullptr);
  if (readable == registration.readable && writable == registration.writable) return;
  registration.readable = readable;
  registration.writable = writable;
  registration.muted = false;
  Modify(fd, (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u));
}

void EventLoop::Mute(int fd) {
  Registration& registration = registrations_[fd];
  CHECK(registration.handler != nullptr);
  if (registration.muted) return;
  registration.muted = true;
  registration.readable = registration.writable = false;
  // It stays registered, for it might not be taken again. What is always reported is so once, now
  // and when it changes, and that is overlooked.
  Modify(fd, EPOLLET);
}

void EventLoop::Remove(int fd) {
  Registration& registration = registrations_[fd];
  CHECK(registration.handler != nullptr);
  registration = {};
  CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0);
}

EventLoop::TimerId EventLoop::AddTimer(common::MonotonicTime deadline,
                                       absl::AnyInvocable<void()> callback) {
  const TimerId id = next_timer_++;
  timers_.emplace(std::make_pair(deadline, id), std::move(callback));
  timer_deadlines_.emplace(id, deadline);
  return id;
}

void EventLoop::CancelTimer(TimerId& id) {
  const auto deadline = timer_deadlines_.find(id);
  if (deadline != timer_deadlines_.end()) {
    timers_.erase({deadline->second, id});
    timer_deadlines_.erase(deadline);
  }
  id = 0;
}

void EventLoop::Post(absl::AnyInvocable<void()> task) {
  bool first;
  {
    common::MutexLock lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(task));
    anything_posted_.store(true, std::memory_order_relaxed);
  }
  if (first) Wake();
}

void EventLoop::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t count = write(wake_.get(), &one, sizeof(one));
}

void EventLoop::Stop() {
  stopped_.store(true);
  Wake();
}

void EventLoop::Run() {
  while (!stopped_.load()) RunOnce(absl::InfiniteDuration());
}

void EventLoop::RunOnce(absl::Duration max_wait) {
  absl::Duration wait = max_wait;
  if (!timers_.empty()) wait = std::min(wait, timers_.begin()->first.first - clock_());
  const int timeout_ms = TimeoutMs(wait);
  std::array<epoll_event, kEventsPerTurn> events;
  const int count = epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, timeout_ms);
  CHECK(count >= 0 || errno == EINTR);
  now_ = clock_();
  for (int i = 0; i < count; ++i) {
    const uint64_t token = events[i].data.u64;
    if (token == kWakeToken) {
      uint64_t wakes;
      [[maybe_unused]] const ssize_t size = read(wake_.get(), &wakes, sizeof(wakes));
      continue;
    }
    const Registration& registration = registrations_[static_cast<uint32_t>(token)];
    if (registration.handler == nullptr || registration.generation != token >> 32 ||
        registration.muted) {
      continue;
    }
    const uint32_t ready = events[i].events;
    registration.handler->OnReady({.readable = (ready & EPOLLIN) != 0,
                                   .writable = (ready & EPOLLOUT) != 0,
                                   .broken = (ready & (EPOLLERR | EPOLLHUP)) != 0});
  }
  RunTimers();
  RunPosted();
}

void EventLoop::RunTimers() {
  while (!timers_.empty() && timers_.begin()->first.first <= now_) {
    const TimerId id = timers_.begin()->first.second;
    absl::AnyInvocable<void()> callback = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    timer_deadlines_.erase(id);
    callback();
  }
}

bool EventLoop::RunPosted() {
  // Most turns of a busy loop have none. One that is missed here has written to `wake_`.
  if (!anything_posted_.load(std::memory_order_relaxed)) return false;
  std::vector<absl::AnyInvocable<void()>> tasks;
  {
    common::MutexLock lock(mutex_);
    tasks.swap(posted_);
    anything_posted_.store(false, std::memory_order_relaxed);
  }
  for (absl::AnyInvocable<void()>& task : tasks) task();
  return !tasks.empty();
}

void EventLoop::RunRest() {
  while (RunPosted()) continue;
}

}  // namespace agw
