#include "agw-service/worker/worker_pool.h"

#include "absl/hash/hash.h"

namespace agw {

WorkerPool::WorkerPool(size_t worker_count, const WorkerOptions& options) {
  for (size_t i = 0; i < worker_count; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, options));
  }
}

Worker& WorkerPool::WorkerOf(absl::string_view context_id) {
  return *workers_[absl::Hash<absl::string_view>()(context_id) % workers_.size()];
}

void WorkerPool::CloseContexts(absl::Duration over) {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->Post([over](ContextTable& contexts) { contexts.CloseAll(over); });
  }
}

void WorkerPool::SetIdentity(const std::string& realm,
                             const std::shared_ptr<const TlsIdentity>& identity) {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->Post([realm, identity](ContextTable& contexts) {
      contexts.resources().identities.Set(realm, identity);
    });
  }
}

}  // namespace agw
