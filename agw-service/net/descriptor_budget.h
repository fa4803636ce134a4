// The file descriptors that terminations may use, so that they run short before the process does.

#ifndef AGW_SERVICE_NET_DESCRIPTOR_BUDGET_H_
#define AGW_SERVICE_NET_DESCRIPTOR_BUDGET_H_

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/types/optional.h"

namespace agw {

class DescriptorBudget;

// Some descriptors of a budget, until the lease goes. Must not outlive the budget.
class DescriptorLease {
 public:
  DescriptorLease() = default;
  DescriptorLease(DescriptorLease&& other) noexcept
      : budget_(std::exchange(other.budget_, nullptr)), count_(other.count_) {}
  DescriptorLease& operator=(DescriptorLease&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(count_, other.count_);
    return *this;
  }
  inline ~DescriptorLease();

 private:
  friend class DescriptorBudget;
  DescriptorLease(DescriptorBudget* budget, uint32_t count) : budget_(budget), count_(count) {}

  DescriptorBudget* budget_ = nullptr;
  uint32_t count_ = 0;
};

// Counts what is set aside, not what is open: a termination takes what it may need at most when it
// is reserved, so that its connection never fails for want of a descriptor. Shared by all workers.
// Thread-safe.
class DescriptorBudget {
 public:
  // Of `capacity`, the last `kept` are only for those that are privileged.
  explicit DescriptorBudget(int64_t capacity, int64_t kept = 0)
      : capacity_(capacity), kept_(kept) {}

  DescriptorBudget(const DescriptorBudget&) = delete;
  DescriptorBudget& operator=(const DescriptorBudget&) = delete;

  // nullopt if fewer than `count` are left.
  absl::optional<DescriptorLease> Take(uint32_t count, bool privileged = false) {
    if (taken_.fetch_add(count) + count <= CapacityFor(privileged)) {
      return DescriptorLease(this, count);
    }
    taken_.fetch_sub(count);
    return absl::nullopt;
  }

  int64_t capacity() const { return capacity_; }
  int64_t available(bool privileged = false) const {
    return CapacityFor(privileged) - taken_.load();
  }

 private:
  friend class DescriptorLease;

  int64_t CapacityFor(bool privileged) const { return privileged ? capacity_ : capacity_ - kept_; }

  const int64_t capacity_;
  const int64_t kept_;
  std::atomic<int64_t> taken_{0};
};

DescriptorLease::~DescriptorLease() {
  if (budget_ != nullptr) budget_->taken_.fetch_sub(count_);
}

}  // namespace agw

#endif  // AGW_SERVICE_NET_DESCRIPTOR_BUDGET_H_
