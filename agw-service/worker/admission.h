// How many contexts there are and may be, and whether new ones are taken.

#ifndef AGW_SERVICE_WORKER_ADMISSION_H_
#define AGW_SERVICE_WORKER_ADMISSION_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "agw-service/net/descriptor_budget.h"

namespace agw {

// Shared by all workers. Thread-safe.
class Admission {
 public:
  // Why a reservation was refused.
  enum class Refusal { kDraining, kContextLimit, kDescriptorLimit, kNoFreePort };
  static constexpr size_t kRefusalCount = 4;

  // `descriptor_capacity`: file descriptors that terminations may use. Default: as many as they
  // like. Of contexts and descriptors `priority_share` per cent are kept for contexts that are
  // privileged.
  explicit Admission(uint32_t context_limit,
                     int64_t descriptor_capacity = std::numeric_limits<int64_t>::max(),
                     uint32_t priority_share = 0)
      : context_limit_(context_limit),
        kept_contexts_(static_cast<uint32_t>(uint64_t{context_limit} * priority_share / 100)),
        descriptors_(descriptor_capacity, descriptor_capacity / 100 * priority_share) {}

  // Counts one more context; false if that is over the limit.
  bool Admit(bool privileged = false) {
    const uint32_t limit = context_limit_ - (privileged ? 0 : kept_contexts_);
    if (context_count_.fetch_add(1) < limit) return true;
    context_count_.fetch_sub(1);
    return false;
  }
  void Leave() { context_count_.fetch_sub(1); }

  void SetDraining(bool draining) { draining_.store(draining); }
  bool draining() const { return draining_.load(); }

  uint32_t context_count() const { return context_count_.load(); }
  uint32_t context_limit() const { return context_limit_; }

  DescriptorBudget& descriptors() { return descriptors_; }

  void CountRefusal(Refusal refusal) { ++refused_[static_cast<size_t>(refusal)]; }
  uint64_t refused_count(Refusal refusal) const {
    return refused_[static_cast<size_t>(refusal)].load();
  }

  // Contexts that a drain has closed at its deadline.
  void CountClosedByDrain() { ++closed_by_drain_; }
  uint64_t closed_by_drain_count() const { return closed_by_drain_.load(); }

 private:
  const uint32_t context_limit_;
  const uint32_t kept_contexts_;
  DescriptorBudget descriptors_;
  std::atomic<uint32_t> context_count_{0};
  std::atomic<bool> draining_{false};
  std::array<std::atomic<uint64_t>, kRefusalCount> refused_ = {};
  std::atomic<uint64_t> closed_by_drain_{0};
};

}  // namespace agw

#endif  // AGW_SERVICE_WORKER_ADMISSION_H_
