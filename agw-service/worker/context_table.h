// The contexts of one worker, and the replies their clients may ask for again.

#ifndef AGW_SERVICE_WORKER_CONTEXT_TABLE_H_
#define AGW_SERVICE_WORKER_CONTEXT_TABLE_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "agw-service/context/context.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/net/timer.h"
#include "agw-service/worker/admission.h"
#include "common/monotonic_time.h"

namespace agw {

// What was asked in a transaction, as a hash, and what was replied.
struct Transaction {
  std::string id;
  size_t content = 0;
  std::string reply;  // Serialized by the caller.
};

// Lives on one worker.
class ContextTable {
 public:
  // `resources` and `admission` outlive the table.
  ContextTable(WorkerResources& resources, Admission& admission)
      : resources_(resources), admission_(admission), close_next_(resources.loop) {}
  ~ContextTable();

  ContextTable(const ContextTable&) = delete;
  ContextTable& operator=(const ContextTable&) = delete;

  // nullptr if there is none. The context counts as named.
  Context* Find(absl::string_view context_id);

  // `kUnavailable` (DRAINING) or `kResourceExhausted` (CONTEXT_LIMIT, DESCRIPTOR_LIMIT) if it would
  // have to be made and may not. One that is to be `privileged` may use what is kept. Call
  // `EraseIfEmpty()` if nothing was reserved in it.
  absl::StatusOr<Context*> FindOrCreate(absl::string_view context_id, bool privileged = false);

  // Counts a reservation that failed, if it was for want of room.
  void CountRefusal(const absl::Status& reserved);

  void EraseIfEmpty(absl::string_view context_id);

  // The reply of an earlier transaction; nullopt if there was none. `kInvalidArgument`
  // (TRANSACTION_REUSED) if it had another content. A released context answers for its release
  // only: what it had reserved is gone. It does so even when there is a new context of that name,
  // which a late repetition must not release.
  absl::StatusOr<absl::optional<std::string>> Replay(absl::string_view context_id,
                                                     absl::string_view transaction_id,
                                                     size_t content);

  // Of a context that exists.
  void Remember(absl::string_view context_id, Transaction transaction);

  // Of a context that was released just now, as a whole or with its last termination.
  void RememberRelease(absl::string_view context_id, Transaction transaction);

  // Closes all contexts, evenly one after the other `over` that time. Draining, so that no new ones
  // come.
  void CloseAll(absl::Duration over);

  // At most `limit` ids greater than `after`, in ascending order.
  std::vector<std::string> List(absl::string_view after, size_t limit) const;

  size_t size() const { return contexts_.size(); }
  WorkerResources& resources() { return resources_; }

 private:
  struct Entry {
    std::unique_ptr<Context> context;
    std::vector<Transaction> transactions;  // At most `kTransactionLimit`, the oldest first.
  };

  struct Release {
    Transaction transaction;
    common::MonotonicTime time;
  };

  void ReleaseHanging(const std::string& context_id);
  void CloseNext(common::MonotonicTime due, absl::Duration interval);
  void ForgetOldReleases();

  WorkerResources& resources_;
  Admission& admission_;
  absl::btree_map<std::string, Entry, std::less<>> contexts_;
  absl::flat_hash_map<std::string, Release> releases_;  // The last one, by context id.
  std::deque<std::pair<common::MonotonicTime, std::string>> release_order_;
  Timer close_next_;
};

}  // namespace agw

#endif  // AGW_SERVICE_WORKER_CONTEXT_TABLE_H_
