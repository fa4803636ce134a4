// An event loop on epoll: readiness of descriptors, timers, and closures posted from other threads.

#ifndef AGW_SERVICE_NET_EVENT_LOOP_H_
#define AGW_SERVICE_NET_EVENT_LOOP_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agw-service/net/owned_fd.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"

namespace agw {

// What a descriptor is ready for. `broken` (RST, or a failed connection) is always reported,
// whatever the interest; asking for nothing thus still tells that the peer has gone.
struct Readiness {
  bool readable = false;
  bool writable = false;
  bool broken = false;
};

// What an event loop has open itself: epoll, and what `Post()` wakes it with.
inline constexpr int kDescriptorsPerEventLoop = 2;

// Gets the readiness of a descriptor. Must outlive its registration.
class ReadinessHandler {
 public:
  virtual void OnReady(const Readiness& readiness) = 0;

 protected:
  ~ReadinessHandler() = default;
};

// Lives on one thread, the one that calls `Run()` or `RunOnce()`; only `Post()` and `Stop()` may be
// called from others. Readiness is level-triggered.
//
// A handler may remove any descriptor, cancel any timer and destroy any handler, its own included,
// provided it returns at once thereafter: what was removed is not called again, not even for events
// that the kernel has reported already.
class EventLoop {
 public:
  // Identifies a timer; 0 is none.
  using TimerId = uint64_t;

  // Where time comes from. Tests give a clock of their own.
  using Clock = absl::AnyInvocable<common::MonotonicTime()>;

  explicit EventLoop(Clock clock = common::MonotonicTime::Now);
  ~EventLoop();

  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Registers `fd`, with an interest in nothing. The descriptor must be removed before it is
  // closed. `kResourceExhausted` if the kernel has no memory for it, or the user watches as many as
  // he may (fs.epoll.max_user_watches).
  absl::Status Add(int fd, ReadinessHandler& handler);

  // From now on `fd`, which is registered, has another handler, and an interest in nothing.
  void SetHandler(int fd, ReadinessHandler& handler);
  void SetInterest(int fd, bool readable, bool writable);

  // Reports nothing any more, not even `broken`, until there is an interest again. For a connection
  // that both ends have shut down while what it has received must wait.
  void Mute(int fd);

  void Remove(int fd);

  // Runs `callback` once, in a turn at or after `deadline`.
  TimerId AddTimer(common::MonotonicTime deadline, absl::AnyInvocable<void()> callback);

  // Does nothing if the timer has fired or is 0. Sets `id` to 0.
  void CancelTimer(TimerId& id);

  // Runs `task` on the loop's thread, after the present turn. Thread-safe. A task that is left when
  // the loop goes is destroyed without having run: what it refers to may be gone. Whoever must not
  // lose any calls `RunRest()` while that is still there.
  void Post(absl::AnyInvocable<void()> task);

  // Time stands still during a turn, so that what happens together agrees on when.
  common::MonotonicTime Now() const { return now_; }

  // Runs until `Stop()`.
  void Run();

  // One turn: waits for at most `max_wait`, then does all that is due.
  void RunOnce(absl::Duration max_wait);

  // Runs the posted tasks, and those that they post, until there is none.
  void RunRest();

  // Ends `Run()` after the present turn. Thread-safe.
  void Stop();

 private:
  struct Registration {
    ReadinessHandler* handler = nullptr;
    uint32_t generation = 0;  // Tells a reused descriptor from its predecessor.
    bool readable = false;    // The interest.
    bool writable = false;
    bool muted = false;
  };

  void Wake();
  // False if there was none.
  bool RunPosted();
  void RunTimers();

  // Tells the kernel what is to be reported of a descriptor that it knows. That never fails.
  void Modify(int fd, uint32_t events);

  Clock clock_;
  OwnedFd epoll_;
  OwnedFd wake_;
  common::MonotonicTime now_;
  std::vector<Registration> registrations_;  // By descriptor.
  uint32_t next_generation_ = 1;
  absl::btree_map<std::pair<common::MonotonicTime, TimerId>, absl::AnyInvocable<void()>> timers_;
  absl::btree_map<TimerId, common::MonotonicTime> timer_deadlines_;
  TimerId next_timer_ = 1;
  std::atomic<bool> stopped_{false};

  std::atomic<bool> anything_posted_{false};  // Changed with the lock held.
  common::Mutex mutex_;
  std::vector<absl::AnyInvocable<void()>> posted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace agw

#endif  // AGW_SERVICE_NET_EVENT_LOOP_H_
