// The notifications of an IMS-AGW: numbered, kept for a while, and handed to those who watch.

#ifndef AGW_SERVICE_CONTROL_NOTIFICATION_LOG_H_
#define AGW_SERVICE_CONTROL_NOTIFICATION_LOG_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/optional.h"
#include "agw-service/context/event.h"
#include "common/mutex.h"
#include "ims/iq/v1/notification.pb.h"

namespace agw {

// Thread-safe. A thread of its own does what takes time (conversion, log line, metrics, waking), so
// that workers lose none. Before it does so it waits 2 ms for further events, so that many of them
// cost one wake-up. Should it fall behind by more than 16,384 (or `capacity`), the oldest are
// dropped: their numbers are missing, as for a client that is too slow, and they are counted.
class NotificationLog {
 public:
  // Is told that there is something new. Called by the log's thread.
  class Watcher {
   public:
    virtual void OnAppended() = 0;

   protected:
    ~Watcher() = default;
  };

  // Keeps the last `capacity`. `observer` gets each notification once, on the log's thread.
  NotificationLog(size_t capacity, std::function<void(const ims::iq::v1::Notification&)> observer);

  // What was appended before is still observed.
  ~NotificationLog();

  NotificationLog(const NotificationLog&) = delete;
  NotificationLog& operator=(const NotificationLog&) = delete;

  void Append(Event event);

  // The oldest one kept with a number greater than `sequence_number`; nullopt if there is none.
  absl::optional<ims::iq::v1::Notification> After(uint64_t sequence_number) const;

  // Of the newest; 0 if there was none.
  uint64_t last_sequence_number() const;

  // Those that nobody was shown, since the beginning.
  uint64_t dropped_count() const;

  // When `RemoveWatcher()` has returned, the watcher is not called any more. It must not be called
  // from `OnAppended()`.
  void AddWatcher(Watcher& watcher);
  void RemoveWatcher(Watcher& watcher);

 private:
  // Notifications one after the other, serialized: many are kept and few are read, and so they take
  // a quarter of the memory.
  struct Block {
    uint64_t first_sequence_number;
    std::string octets;
    std::vector<uint32_t> ends;  // Of each, in `octets`.
  };

  void Run();

  // Waits for the first event, and then a little for others. False: stop, and nothing is left.
  bool WaitForEvents() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Number(std::deque<Event> events, uint64_t dropped_count);

  // Keeps it as that with the next number, instead of the oldest.
  void Keep(const std::string& notification) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t capacity_;
  const size_t incoming_limit_;
  const std::function<void(const ims::iq::v1::Notification&)> observer_;

  mutable common::Mutex mutex_;
  std::condition_variable_any something_to_do_;
  std::deque<Event> incoming_ ABSL_GUARDED_BY(mutex_);        // At most `incoming_limit_`.
  uint64_t newly_dropped_count_ ABSL_GUARDED_BY(mutex_) = 0;  // Before `incoming_`.
  uint64_t dropped_count_ ABSL_GUARDED_BY(mutex_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool resting_ ABSL_GUARDED_BY(mutex_) = false;  // The thread waits for the first event.
  // Of the oldest that is kept, or of the next one if there is none. Numbers behind it have no gaps.
  uint64_t first_sequence_number_ ABSL_GUARDED_BY(mutex_) = 1;
  std::deque<Block> blocks_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_sequence_number_ ABSL_GUARDED_BY(mutex_) = 0;

  // Held while watchers are called; never together with `mutex_` by this class.
  common::Mutex watchers_mutex_;
  absl::flat_hash_set<Watcher*> watchers_ ABSL_GUARDED_BY(watchers_mutex_);

  std::thread thread_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_NOTIFICATION_LOG_H_
