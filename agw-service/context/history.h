// What has happened in a context, for whoever wants to know afterwards.

#ifndef AGW_SERVICE_CONTEXT_HISTORY_H_
#define AGW_SERVICE_CONTEXT_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "agw-service/bearer/side.h"
#include "agw-service/context/event.h"

namespace agw {

// A call of an IMS-ALG that named the context.
struct ProcedureCall {
  enum class Procedure { kReserve, kReserveAndConfigure, kConfigure, kRelease };

  Procedure procedure;
  std::string error_reason;  // Of ims.iq.v1.ErrorReason; empty: it succeeded.
};

struct HistoryEntry {
  absl::Time time;         // By the wall clock, for people.
  uint32_t stream_id = 0;  // 0: the context as a whole.
  absl::optional<Side> side;
  absl::variant<EventKind, ProcedureCall> what;
};

// The last entries of one context, the oldest first. Lives on one worker.
class History {
 public:
  // With a limit of 0 nothing is kept.
  explicit History(size_t limit) : limit_(limit) {}

  void Add(HistoryEntry entry) {
    if (entries_.size() < limit_) {
      // Most sessions have few entries, so the memory grows in small steps.
      if (entries_.size() == entries_.capacity()) entries_.reserve(entries_.size() + kStep);
      entries_.push_back(std::move(entry));
      return;
    }
    ++forgotten_count_;
    if (entries_.empty()) return;
    entries_.erase(entries_.begin());
    entries_.push_back(std::move(entry));
  }

  // The newest one is a call that has failed.
  void SetErrorReason(std::string reason) {
    if (entries_.empty()) return;
    absl::get<ProcedureCall>(entries_.back().what).error_reason = std::move(reason);
  }

  const std::vector<HistoryEntry>& entries() const { return entries_; }

  // Older ones that are not there any more.
  uint64_t forgotten_count() const { return forgotten_count_; }

 private:
  static constexpr size_t kStep = 4;

  const size_t limit_;
  std::vector<HistoryEntry> entries_;
  uint64_t forgotten_count_ = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_HISTORY_H_
