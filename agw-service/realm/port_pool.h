// The ports of one address, to be leased one by one.

#ifndef AGW_SERVICE_REALM_PORT_POOL_H_
#define AGW_SERVICE_REALM_PORT_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"

namespace agw {

class PortPool;

// A port that is ours until the lease goes. Must not outlive its pool.
class PortLease {
 public:
  PortLease(PortLease&& other) noexcept
      : pool_(std::exchange(other.pool_, nullptr)), port_(other.port_) {}
  PortLease& operator=(PortLease&& other) noexcept;
  ~PortLease();

  uint16_t port() const { return port_; }

 private:
  friend class PortPool;
  PortLease(PortPool* pool, uint16_t port) : pool_(pool), port_(port) {}

  PortPool* pool_;
  uint16_t port_;
};

// Gives out ports, those longest unused first; in a random order at first, so that the next port
// cannot be guessed. A port that comes back rests for the quarantine: segments of its last user
// that are still under way must not meet the next one. Thread-safe.
class PortPool {
 public:
  // `first_port` to `last_port`, both included. `clock` is called under the pool's lock.
  PortPool(uint16_t first_port, uint16_t last_port, absl::Duration quarantine,
           std::function<common::MonotonicTime()> clock = common::MonotonicTime::Now);

  PortPool(const PortPool&) = delete;
  PortPool& operator=(const PortPool&) = delete;

  // What is kept back, and who is told when little is left. Call it before the first lease.
  struct Shares {
    // The last ports, which only those that are privileged get.
    size_t kept_count = 0;

    // `on_low` is called with the number of ports in use when fewer than so many are left: once, and
    // again only after a quarter more than that were left. By whoever takes a port, without a lock.
    size_t low_count = 0;
    std::function<void(size_t in_use)> on_low = nullptr;
  };
  void SetShares(Shares shares) { shares_ = std::move(shares); }

  // nullopt: all ports, but for those that are kept, are leased or rest.
  absl::optional<PortLease> Lease(bool privileged = false);

  size_t total() const { return total_; }

  // Leased or resting.
  size_t in_use() const;

 private:
  friend class PortLease;

  struct FreePort {
    uint16_t port;
    common::MonotonicTime usable_from;
  };

  void Return(uint16_t port);

  // Whether at least `count` ports, which is not 0, can be leased.
  bool HasLeft(size_t count, common::MonotonicTime now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t InUse(common::MonotonicTime now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Whether it is just now that few are left.
  bool HasBecomeLow(common::MonotonicTime now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t total_;
  const absl::Duration quarantine_;
  const std::function<common::MonotonicTime()> clock_;
  Shares shares_;

  mutable common::Mutex mutex_;
  std::deque<FreePort> free_ ABSL_GUARDED_BY(mutex_);  // In the order they become usable.
  bool is_low_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace agw

#endif  // AGW_SERVICE_REALM_PORT_POOL_H_
