// What this replica remembers of sessions, to spare audits. Losing an entry, or holding one that
// another replica has made stale, costs an audit and nothing else.

#ifndef ALG_SERVICE_SESSION_SESSION_CACHE_H_
#define ALG_SERVICE_SESSION_SESSION_CACHE_H_

#include <list>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/types/optional.h"
#include "alg-service/session/session_snapshot.h"
#include "common/mutex.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

// Immutable.
struct CachedSession {
  std::shared_ptr<const SessionSnapshot> session;

  // With an answer that has been carried out in full: the answer, and what was said to it.
  absl::optional<std::string> answer_sdp;
  ims::alg::v1::ProcessAnswerResponse answer_response;
};

// By context id; the least recently used goes first. Thread-safe.
class SessionCache {
 public:
  explicit SessionCache(size_t capacity) : capacity_(capacity) {}

  SessionCache(const SessionCache&) = delete;
  SessionCache& operator=(const SessionCache&) = delete;

  // Null if there is none.
  std::shared_ptr<const CachedSession> Get(const std::string& context_id);

  // Replaces an older one.
  void Put(std::shared_ptr<const CachedSession> session);

  void Erase(const std::string& context_id);

 private:
  using Entries = std::list<std::shared_ptr<const CachedSession>>;

  const size_t capacity_;
  common::Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);  // Most recently used first.
  absl::flat_hash_map<std::string, Entries::iterator> index_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_SESSION_CACHE_H_
