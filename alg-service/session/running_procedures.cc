#include "alg-service/session/running_procedures.h"

namespace alg {

RunningProcedures::Entry::Entry(std::shared_ptr<RunningProcedures> running,
                                std::shared_ptr<Cancellation> cancellation)
    : running_(std::move(running)) {
  bool stopping;
  {
    common::MutexLock lock(running_->mutex_);
    place_ = running_->cancellations_.insert(running_->cancellations_.end(), cancellation);
    stopping = running_->stopping_;
  }
  if (stopping && cancellation != nullptr) cancellation->Cancel();
}

RunningProcedures::Entry::~Entry() {
  common::MutexLock lock(running_->mutex_);
  running_->cancellations_.erase(place_);
  running_->ended_.notify_all();
}

void RunningProcedures::Stop() {
  std::list<std::shared_ptr<Cancellation>> cancellations;
  {
    common::MutexLock lock(mutex_);
    stopping_ = true;
    cancellations = cancellations_;
  }
  for (const std::shared_ptr<Cancellation>& cancellation : cancellations) {
    if (cancellation != nullptr) cancellation->Cancel();
  }
  common::MutexLock lock(mutex_);
  while (!cancellations_.empty()) ended_.wait(mutex_);
}

}  // namespace alg
