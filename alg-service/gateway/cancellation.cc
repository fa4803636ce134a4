#include "alg-service/gateway/cancellation.h"

namespace alg {

void Cancellation::Cancel() {
  absl::flat_hash_map<uint64_t, Listener> listeners;
  {
    common::MutexLock lock(mutex_);
    cancelled_ = true;
    listeners.swap(listeners_);
  }
  for (auto& [id, listener] : listeners) listener();
}

bool Cancellation::cancelled() const {
  common::MutexLock lock(mutex_);
  return cancelled_;
}

uint64_t Cancellation::AddListener(Listener listener) {
  {
    common::MutexLock lock(mutex_);
    if (!cancelled_) {
      listeners_.emplace(++last_id_, std::move(listener));
      return last_id_;
    }
  }
  listener();
  return 0;
}

void Cancellation::RemoveListener(uint64_t id) {
  common::MutexLock lock(mutex_);
  listeners_.erase(id);
}

}  // namespace alg
