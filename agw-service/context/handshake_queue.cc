#include "agw-service/context/handshake_queue.h"

#include "absl/time/time.h"

namespace agw {

void HandshakeQueue::Waiter::Wait() {
  if (place_.has_value()) return;
  place_ = queue_.waiting_.insert(queue_.waiting_.end(), this);
}

void HandshakeQueue::Waiter::Leave() {
  if (!place_.has_value()) return;
  queue_.waiting_.erase(*place_);
  place_.reset();
}

void HandshakeQueue::OnPlaceFree() {
  --under_way_;
  // Not at once: whoever gives its place back is in the midst of something.
  if (waiting_.empty() || call_waiting_.running()) return;
  call_waiting_.Start(absl::ZeroDuration(), [this] { CallWaiting(); });
}

void HandshakeQueue::CallWaiting() {
  while (has_place() && !waiting_.empty()) {
    // A copy, for it may destroy the waiter.
    const std::function<void()> on_place = waiting_.front()->on_place_;
    waiting_.front()->Leave();
    on_place();
  }
}

}  // namespace agw
