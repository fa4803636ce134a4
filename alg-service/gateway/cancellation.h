// Tells the calls made on behalf of a request that nobody waits for it any more.

#ifndef ALG_SERVICE_GATEWAY_CANCELLATION_H_
#define ALG_SERVICE_GATEWAY_CANCELLATION_H_

#include <cstdint>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "common/mutex.h"

namespace alg {

// One for each request of a network function. Thread-safe.
class Cancellation {
 public:
  using Listener = absl::AnyInvocable<void()>;

  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  // Calls every listener. Repeating it does nothing.
  void Cancel();

  bool cancelled() const;

  // `listener` is called once by `Cancel()`, or at once if that has been. Returns what
  // `RemoveListener()` takes; 0 if `listener` was called.
  uint64_t AddListener(Listener listener);

  // `listener` may still be running on another thread afterwards, so it has to own what it uses.
  void RemoveListener(uint64_t id);

 private:
  mutable common::Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<uint64_t, Listener> listeners_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_CANCELLATION_H_
