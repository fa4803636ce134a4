#include "agw-service/control/notification_log.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"
#include "agw-service/control/proto_conversion.h"
#include "common/check.h"
#include "common/monotonic_time.h"
#include "common/thread_name.h"

namespace agw {
namespace {

// Events that wait for their number; what a few seconds of the worst load bring.
constexpr size_t kIncomingLimit = 16384;

// How long events wait for others. A session that comes about has several within so much.
constexpr absl::Duration kGatherTime = absl::Milliseconds(2);

}  // namespace

NotificationLog::NotificationLog(size_t capacity,
                                 std::function<void(const ims::iq::v1::Notification&)> observer)
    : capacity_(capacity),
      incoming_limit_(std::max(capacity, kIncomingLimit)),
      observer_(std::move(observer)),
      thread_([this] { Run(); }) {}

NotificationLog::~NotificationLog() {
  {
    common::MutexLock lock(mutex_);
    stopping_ = true;
  }
  something_to_do_.notify_one();
  thread_.join();
}

void NotificationLog::Append(Event event) {
  bool wake;
  {
    common::MutexLock lock(mutex_);
    if (incoming_.size() == incoming_limit_) {
      incoming_.pop_front();
      ++newly_dropped_count_;
    }
    incoming_.push_back(std::move(event));
    wake = std::exchange(resting_, false);
  }
  if (wake) something_to_do_.notify_one();
}

// The analysis does not follow a condition variable that takes the lock by reference.
void NotificationLog::Run() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  common::NameThisThread("notifications");
  while (true) {
    std::deque<Event> events;
    uint64_t dropped_count;
    {
      common::MutexLock lock(mutex_);
      if (!WaitForEvents()) return;
      events.swap(incoming_);
      dropped_count = std::exchange(newly_dropped_count_, 0);
    }
    Number(std::move(events), dropped_count);
    common::MutexLock lock(watchers_mutex_);
    for (Watcher* watcher : watchers_) watcher->OnAppended();
  }
}

bool NotificationLog::WaitForEvents() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  while (incoming_.empty() && !stopping_) {
    resting_ = true;
    something_to_do_.wait(mutex_);
  }
  resting_ = false;
  const auto deadline = (common::MonotonicTime::Now() + kGatherTime).ToChrono();
  while (!stopping_ && something_to_do_.wait_until(mutex_, deadline) != std::cv_status::timeout) {
    continue;
  }
  return !incoming_.empty();
}

void NotificationLog::Number(std::deque<Event> events, uint64_t dropped_count) {
  // Only this thread changes the number.
  uint64_t sequence_number = last_sequence_number() + dropped_count;
  std::vector<std::string> entries;
  entries.reserve(events.size());
  for (const Event& event : events) {
    ims::iq::v1::Notification notification = ToProto(event);
    notification.set_sequence_number(++sequence_number);
    observer_(notification);
    entries.push_back(notification.SerializeAsString());
  }
  common::MutexLock lock(mutex_);
  if (dropped_count > 0) {
    // Those kept have no gaps, and those that come now are enough to take the place of all.
    entries_.clear();
    dropped_count_ += dropped_count;
  }
  last_sequence_number_ = sequence_number;
  for (std::string& entry : entries) {
    entries_.push_back(std::move(entry));
    if (entries_.size() > capacity_) entries_.pop_front();
  }
}

absl::optional<ims::iq::v1::Notification> NotificationLog::After(uint64_t sequence_number) const {
  common::MutexLock lock(mutex_);
  if (entries_.empty() || sequence_number >= last_sequence_number_) return absl::nullopt;
  // Numbers have no gaps, so that of the last entry tells where each one is.
  const uint64_t first = last_sequence_number_ - entries_.size() + 1;
  const std::string& entry = entries_[sequence_number < first ? 0 : sequence_number - first + 1];
  absl::optional<ims::iq::v1::Notification> notification(absl::in_place);
  CHECK(notification->ParseFromString(entry));
  return notification;
}

uint64_t NotificationLog::last_sequence_number() const {
  common::MutexLock lock(mutex_);
  return last_sequence_number_;
}

uint64_t NotificationLog::dropped_count() const {
  common::MutexLock lock(mutex_);
  return dropped_count_;
}

void NotificationLog::AddWatcher(Watcher& watcher) {
  common::MutexLock lock(watchers_mutex_);
  watchers_.insert(&watcher);
}

void NotificationLog::RemoveWatcher(Watcher& watcher) {
  common::MutexLock lock(watchers_mutex_);
  watchers_.erase(&watcher);
}

}  // namespace agw
