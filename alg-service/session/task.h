// Procedures that read from top to bottom although they wait: coroutines.
//
//     Task<absl::Status> ConfigureBoth(...) {
//       Task<absl::Status> access = Configure(...);   // Both calls are under way.
//       Task<absl::Status> core = Configure(...);
//       absl::Status status = co_await access;        // Here the thread goes its way, and the one
//       status.Update(co_await core);                 // that brings the answer comes in.
//       co_return status;
//     }
//
// What has to be known of them:
//
// * A task runs at once, on the caller's thread, until it first has to wait. It goes on with
//   whatever thread ends the wait, so between two `co_await` it may change threads; nothing of a
//   thread may be held across one, a lock least of all. What never has to wait never leaves the
//   caller's stack, so a loop over calls that are answered at once costs no stack either.
// * Parameters are kept by the coroutine. Take them by value, or as references to what the caller,
//   who awaits the task, keeps until then. A lambda with captures is no coroutine: its captures are
//   the lambda's.
// * Nothing is ever destroyed while it waits, so every task runs to its end. Who wants it to end
//   sooner ends what it waits for (CallScope in gateway/media_gateway.h); what was begun is then
//   cleaned up by the lines that follow.
// * A task is awaited exactly once, or handed to `Deliver()` (running_procedures.h).
//
// Why coroutines: docs/decisions/0006-procedures-as-coroutines.md.

#ifndef ALG_SERVICE_SESSION_TASK_H_
#define ALG_SERVICE_SESSION_TASK_H_

#include <atomic>
#include <coroutine>
#include <exception>
#include <utility>

#include "absl/types/optional.h"
#include "common/check.h"

// A coroutine that has been suspended may go on, and end, on another thread before await_suspend()
// has returned. Inlined, clang (before 17) may keep the locals of await_suspend() in the frame of
// the coroutine, which is gone by then.
#define ALG_AWAIT_SUSPEND __attribute__((noinline))

namespace alg {

// Something that happens once, and one coroutine that may wait for it: `co_await event;`.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // From any thread, and again without effect. The waiting coroutine goes on within this call,
  // which touches the event no more by then: whoever waits for it may own it.
  void Set() { Happen().resume(); }

  bool happened() const { return state_.load(std::memory_order_acquire) == this; }

  // For the compiler.
  struct Awaiter {
    Event& event;
    bool await_ready() const noexcept { return event.happened(); }
    ALG_AWAIT_SUSPEND bool await_suspend(std::coroutine_handle<> waiter) noexcept {
      return event.Await(waiter);
    }
    void await_resume() const noexcept {}
  };
  Awaiter operator co_await() noexcept { return {*this}; }

 private:
  template <typename T>
  friend class Task;

  // False if it has happened meanwhile, so that the coroutine need not wait.
  bool Await(std::coroutine_handle<> waiter) noexcept {
    void* nobody_waits = nullptr;
    const bool waits =
        state_.compare_exchange_strong(nobody_waits, waiter.address(), std::memory_order_acq_rel);
    CHECK(waits || nobody_waits == this);  // Else somebody else waits for it.
    return waits;
  }

  // The coroutine to resume; one that does nothing if nobody waits.
  std::coroutine_handle<> Happen() noexcept {
    void* waiter = state_.exchange(this, std::memory_order_acq_rel);
    if (waiter == nullptr || waiter == this) return std::noop_coroutine();
    return std::coroutine_handle<>::from_address(waiter);
  }

  // Null at first, then the waiting coroutine, then `this`.
  std::atomic<void*> state_{nullptr};
};

// The result, of type T, of a coroutine that may still be running.
template <typename T>
class [[nodiscard]] Task {
 public:
  struct promise_type;

  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_ == nullptr) return;
    CHECK(ended());
    frame_.destroy();
  }

  bool ended() const { return frame_.promise().ended.happened(); }

  // The value is moved out.
  auto operator co_await() const noexcept {
    struct Awaiter {
      promise_type& promise;
      bool await_ready() const noexcept { return promise.ended.happened(); }
      ALG_AWAIT_SUSPEND bool await_suspend(std::coroutine_handle<> waiter) noexcept {
        return promise.ended.Await(waiter);
      }
      T await_resume() { return *std::move(promise.value); }
    };
    return Awaiter{frame_.promise()};
  }

 private:
  using Frame = std::coroutine_handle<promise_type>;

  explicit Task(Frame frame) : frame_(frame) {}

  Frame frame_;
};

template <typename T>
struct Task<T>::promise_type {
  // Goes on with the coroutine that waits for this one, whose frame may be gone after that.
  struct Ending {
    bool await_ready() const noexcept { return false; }
    ALG_AWAIT_SUSPEND std::coroutine_handle<> await_suspend(Frame frame) noexcept {
      return frame.promise().ended.Happen();
    }
    void await_resume() const noexcept {}
  };

  Task get_return_object() { return Task(Frame::from_promise(*this)); }
  std::suspend_never initial_suspend() const noexcept { return {}; }
  Ending final_suspend() const noexcept { return {}; }
  template <typename U = T>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  void unhandled_exception() const noexcept { std::terminate(); }

  absl::optional<T> value;
  Event ended;
};

// A coroutine nobody waits for; it frees itself at its end.
struct DetachedTask {
  struct promise_type {
    DetachedTask get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_TASK_H_
