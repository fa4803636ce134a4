// The procedures that are under way, so that the service ends after them.

#ifndef ALG_SERVICE_SESSION_RUNNING_PROCEDURES_H_
#define ALG_SERVICE_SESSION_RUNNING_PROCEDURES_H_

#include <condition_variable>
#include <list>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "alg-service/gateway/cancellation.h"
#include "alg-service/session/task.h"
#include "common/mutex.h"

namespace alg {

// A procedure may go on when its caller has been answered: it takes back what an IMS-AGW reserved
// too late. Whoever ends the service waits for these, too. Thread-safe.
class RunningProcedures {
 public:
  RunningProcedures() = default;
  RunningProcedures(const RunningProcedures&) = delete;
  RunningProcedures& operator=(const RunningProcedures&) = delete;

  // One procedure, from its beginning to its end.
  class Entry {
   public:
    // `cancellation`, which may be null, is cancelled by `Stop()`.
    Entry(std::shared_ptr<RunningProcedures> running, std::shared_ptr<Cancellation> cancellation);
    ~Entry();

    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    const std::shared_ptr<RunningProcedures> running_;
    std::list<std::shared_ptr<Cancellation>>::iterator place_;
  };

  // Cancels those under way and those that begin later, and returns when none is left. Only those
  // under way may begin others meanwhile.
  void Stop();

 private:
  common::Mutex mutex_;
  std::condition_variable_any ended_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::list<std::shared_ptr<Cancellation>> cancellations_ ABSL_GUARDED_BY(mutex_);  // One for each.
};

// Calls `done` with the result of a procedure, on whatever thread it comes; perhaps before this
// returns. What the procedure and `done` hold is gone before the procedure counts as ended.
template <typename T, typename Done>
DetachedTask Deliver(std::shared_ptr<RunningProcedures> running,
                     std::shared_ptr<Cancellation> cancellation, Task<T> procedure, Done done) {
  const RunningProcedures::Entry entry(std::move(running), std::move(cancellation));
  {
    const Task<T> own_procedure = std::move(procedure);
    Done own_done = std::move(done);
    own_done(co_await own_procedure);
  }
}

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_RUNNING_PROCEDURES_H_
