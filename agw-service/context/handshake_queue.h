// Bounds how many TLS handshakes of a worker are under way at the same time.

#ifndef AGW_SERVICE_CONTEXT_HANDSHAKE_QUEUE_H_
#define AGW_SERVICE_CONTEXT_HANDSHAKE_QUEUE_H_

#include <cstddef>
#include <functional>
#include <list>
#include <utility>

#include "absl/types/optional.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/timer.h"

namespace agw {

// A handshake takes some ten times the memory of an established connection, and most of a core's time
// for a session. Connections beyond the bound wait where they cost next to nothing: with the kernel,
// which has answered their SYN, in the order in which they came. Lives on one worker.
class HandshakeQueue {
 public:
  // A handshake under way, until the place goes. Must not outlive the queue.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      std::swap(queue_, other.queue_);
      return *this;
    }
    ~Place() {
      if (queue_ != nullptr) queue_->OnPlaceFree();
    }

   private:
    friend class HandshakeQueue;
    explicit Place(HandshakeQueue* queue) : queue_(queue) {}

    HandshakeQueue* queue_ = nullptr;
  };

  // One that waits for a place, with `on_place`; it leaves the queue when it goes.
  class Waiter {
   public:
    Waiter(HandshakeQueue& queue, std::function<void()> on_place)
        : queue_(queue), on_place_(std::move(on_place)) {}
    ~Waiter() { Leave(); }

    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    // Waits, at the end of the queue, unless it does already. `on_place` is called from the event
    // loop, once, when there is a place; it may take it, and may destroy the waiter.
    void Wait();
    void Leave();
    bool waiting() const { return place_.has_value(); }

   private:
    friend class HandshakeQueue;

    HandshakeQueue& queue_;
    const std::function<void()> on_place_;
    absl::optional<std::list<Waiter*>::iterator> place_;  // In the queue.
  };

  // `loop` outlives the queue.
  HandshakeQueue(EventLoop& loop, size_t limit) : limit_(limit), call_waiting_(loop) {}

  HandshakeQueue(const HandshakeQueue&) = delete;
  HandshakeQueue& operator=(const HandshakeQueue&) = delete;

  // Whether `Take()` stays within the bound.
  bool has_place() const { return under_way_ < limit_; }

  // Counts one more. A connection that we open ourselves cannot wait, so this may exceed the bound.
  Place Take() {
    ++under_way_;
    return Place(this);
  }

  size_t under_way_count() const { return under_way_; }
  size_t waiting_count() const { return waiting_.size(); }

 private:
  void OnPlaceFree();
  void CallWaiting();

  const size_t limit_;
  size_t under_way_ = 0;
  std::list<Waiter*> waiting_;
  Timer call_waiting_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_HANDSHAKE_QUEUE_H_
