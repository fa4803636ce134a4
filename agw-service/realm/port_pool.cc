#include "agw-service/realm/port_pool.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "absl/random/random.h"
#include "common/check.h"

namespace agw {

PortLease& PortLease::operator=(PortLease&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(port_, other.port_);
  return *this;
}

PortLease::~PortLease() {
  if (pool_ != nullptr) pool_->Return(port_);
}

PortPool::PortPool(uint16_t first_port, uint16_t last_port, absl::Duration quarantine,
                   std::function<common::MonotonicTime()> clock)
    : total_(static_cast<size_t>(last_port) - first_port + 1),
      quarantine_(quarantine),
      clock_(std::move(clock)) {
  CHECK(first_port > 0 && first_port <= last_port);
  std::vector<uint16_t> ports(total_);
  for (size_t i = 0; i < total_; ++i) ports[i] = static_cast<uint16_t>(first_port + i);
  absl::BitGen random;
  std::shuffle(ports.begin(), ports.end(), random);
  for (uint16_t port : ports) free_.push_back({port, common::MonotonicTime::InfinitePast()});
}

absl::optional<PortLease> PortPool::Lease(bool privileged) {
  uint16_t port = 0;
  absl::optional<size_t> low_in_use;
  {
    common::MutexLock lock(mutex_);
    const common::MonotonicTime now = clock_();
    if (!HasLeft(1 + (privileged ? 0 : shares_.kept_count), now)) return absl::nullopt;
    port = free_.front().port;
    free_.pop_front();
    if (HasBecomeLow(now)) low_in_use = InUse(now);
  }
  PortLease lease(this, port);
  if (low_in_use.has_value() && shares_.on_low) shares_.on_low(*low_in_use);
  return lease;
}

bool PortPool::HasLeft(size_t count, common::MonotonicTime now) const {
  return free_.size() >= count && free_[count - 1].usable_from <= now;
}

bool PortPool::HasBecomeLow(common::MonotonicTime now) {
  if (shares_.low_count == 0) return false;
  const size_t enough = shares_.low_count + (is_low_ ? shares_.low_count / 4 : 0);
  return !std::exchange(is_low_, !HasLeft(enough, now)) && is_low_;
}

void PortPool::Return(uint16_t port) {
  common::MutexLock lock(mutex_);
  free_.push_back({port, clock_() + quarantine_});
}

size_t PortPool::in_use() const {
  common::MutexLock lock(mutex_);
  return InUse(clock_());
}

size_t PortPool::InUse(common::MonotonicTime now) const {
  const auto resting = std::partition_point(
      free_.begin(), free_.end(),
      [now](const FreePort& free_port) { return free_port.usable_from <= now; });
  return total_ - static_cast<size_t>(std::distance(free_.begin(), resting));
}

}  // namespace agw
