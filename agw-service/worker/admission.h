// How many contexts there are and may be, and whether new ones are taken.

#ifndef AGW_SERVICE_WORKER_ADMISSION_H_
#define AGW_SERVICE_WORKER_ADMISSION_H_

#include <atomic>
#include <cstdint>
#include <limits>

#include "agw-service/net/descriptor_budget.h"

namespace agw {

// Shared by all workers. Thread-safe.
class Admission {
 public:
  // `descriptor_capacity`: file descriptors that terminations may use. Default: as many as they
  // like.
  explicit Admission(uint32_t context_limit,
                     int64_t descriptor_capacity = std::numeric_limits<int64_t>::max())
      : context_limit_(context_limit), descriptors_(descriptor_capacity) {}

  // Counts one more context; false if that is over the limit.
  bool Admit() {
    if (context_count_.fetch_add(1) < context_limit_) return true;
    context_count_.fetch_sub(1);
    return false;
  }
  void Leave() { context_count_.fetch_sub(1); }

  void SetDraining(bool draining) { draining_.store(draining); }
  bool draining() const { return draining_.load(); }

  uint32_t context_count() const { return context_count_.load(); }
  uint32_t context_limit() const { return context_limit_; }

  DescriptorBudget& descriptors() { return descriptors_; }

 private:
  const uint32_t context_limit_;
  DescriptorBudget descriptors_;
  std::atomic<uint32_t> context_count_{0};
  std::atomic<bool> draining_{false};
};

}  // namespace agw

#endif  // AGW_SERVICE_WORKER_ADMISSION_H_
