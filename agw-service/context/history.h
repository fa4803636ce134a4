// What has happened in a context, for whoever wants to know afterwards.

#ifndef AGW_SERVICE_CONTEXT_HISTORY_H_
#define AGW_SERVICE_CONTEXT_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "agw-service/bearer/side.h"
#include "agw-service/context/event.h"

namespace agw {

// A call of an IMS-ALG that named the context.
struct ProcedureCall {
  enum class Procedure : uint8_t { kReserve, kReserveAndConfigure, kConfigure, kRelease };

  Procedure procedure;
  std::string error_reason;  // Of ims.iq.v1.ErrorReason; empty: it succeeded.
};

struct HistoryEntry {
  absl::Time time;         // By the wall clock, for people.
  uint32_t stream_id = 0;  // 0: the context as a whole.
  absl::optional<Side> side;
  absl::variant<EventKind, ProcedureCall> what;
};

// The last entries of one context. Lives on one worker.
//
// Every session has one, and few are ever looked at. So an entry takes only what its own kind needs,
// which is a third of a `HistoryEntry`.
class History {
 public:
  // With a limit of 0 nothing is kept.
  explicit History(size_t limit) : limit_(limit) {}

  void Add(const HistoryEntry& entry);

  // The newest one is a call that has failed.
  void SetErrorReason(std::string reason);

  // The oldest first.
  std::vector<HistoryEntry> entries() const;

  // Older ones that are not there any more.
  uint64_t forgotten_count() const { return forgotten_count_; }

 private:
  using What = absl::variant<EventKind, ProcedureCall>;

  // An event, or a call that failed.
  class Kept {
   public:
    virtual ~Kept() = default;
    virtual What what() const = 0;
  };
  template <typename T>
  class KeptAs;

  struct Record {
    int64_t unix_nanoseconds;
    uint32_t stream_id;
    absl::optional<Side> side;
    ProcedureCall::Procedure procedure;  // If `kept` is null: of a call that succeeded.
    std::unique_ptr<const Kept> kept;
  };

  const size_t limit_;
  std::vector<Record> records_;
  uint64_t forgotten_count_ = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_HISTORY_H_
