// The workers of an IMS-AGW.

#ifndef AGW_SERVICE_WORKER_WORKER_POOL_H_
#define AGW_SERVICE_WORKER_WORKER_POOL_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agw-service/worker/worker.h"

namespace agw {

// Thread-safe; immutable once made.
class WorkerPool {
 public:
  WorkerPool(size_t worker_count, const WorkerOptions& options);

  // The worker a context lives on, from birth to death, follows from its id: nothing has to be
  // looked up, and calls for one context never meet on two threads.
  Worker& WorkerOf(absl::string_view context_id);

  const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }

  // For new terminations in `realm`; with an empty name for those in realms that have none of their
  // own.
  void SetIdentity(const std::string& realm, const std::shared_ptr<const TlsIdentity>& identity);

  // Closes all contexts, evenly one after the other `over` that time.
  void CloseContexts(absl::Duration over);

 private:
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace agw

#endif  // AGW_SERVICE_WORKER_WORKER_POOL_H_
