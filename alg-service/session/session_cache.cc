#include "alg-service/session/session_cache.h"

namespace alg {

std::shared_ptr<const CachedSession> SessionCache::Get(const std::string& context_id) {
  common::MutexLock lock(mutex_);
  auto found = index_.find(context_id);
  if (found == index_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return entries_.front();
}

void SessionCache::Put(std::shared_ptr<const CachedSession> session) {
  const std::string& context_id = session->session->context_id;
  common::MutexLock lock(mutex_);
  auto found = index_.find(context_id);
  if (found != index_.end()) {
    *found->second = std::move(session);
    entries_.splice(entries_.begin(), entries_, found->second);
    return;
  }
  entries_.push_front(std::move(session));
  index_.emplace(context_id, entries_.begin());
  if (entries_.size() > capacity_) {
    index_.erase(entries_.back()->session->context_id);
    entries_.pop_back();
  }
}

void SessionCache::Erase(const std::string& context_id) {
  common::MutexLock lock(mutex_);
  auto found = index_.find(context_id);
  if (found == index_.end()) return;
  entries_.erase(found->second);
  index_.erase(found);
}

}  // namespace alg
