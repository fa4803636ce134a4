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
  explicit DescriptorBudget(int64_t capacity) : capacity_(capacity) {}

  DescriptorBudget(const DescriptorBudget&) = delete;
  DescriptorBudget& operator=(const DescriptorBudget&) = delete;

  // nullopt if fewer than `count` are left.
  absl::optional<DescriptorLease> Take(uint32_t count) {
    if (taken_.fetch_add(count) + count <= capacity_) return DescriptorLease(this, count);
    taken_.fetch_sub(count);
    return absl::nullopt;
  }

  int64_t capacity() const { return capacity_; }
  int64_t available() const { return capacity_ - taken_.load(); }

 private:
  friend class DescriptorLease;

  const int64_t capacity_;
  std::atomic<int64_t> taken_{0};
};

DescriptorLease::~DescriptorLease() {
  if (budget_ != nullptr) budget_->taken_.fetch_sub(count_);
}

}  // namespace agw

#endif  // AGW_SERVICE_NET_DESCRIPTOR_BUDGET_H_
