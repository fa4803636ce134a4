#include "agw-service/control/notification_log.h"

#include <algorithm>
#include <utility>

#include "agw-service/control/proto_conversion.h"
#include "common/thread_name.h"

namespace agw {
namespace {

// Events that wait for their number; what a few seconds of the worst load bring.
constexpr size_t kIncomingLimit = 16384;

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
  {
    common::MutexLock lock(mutex_);
    if (incoming_.size() == incoming_limit_) {
      incoming_.pop_front();
      ++newly_dropped_count_;
    }
    incoming_.push_back(std::move(event));
  }
  something_to_do_.notify_one();
}

// The analysis does not follow a condition variable that takes the lock by reference.
void NotificationLog::Run() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  common::NameThisThread("notifications");
  while (true) {
    std::deque<Event> events;
    uint64_t dropped_count;
    bool stopping;
    {
      common::MutexLock lock(mutex_);
      while (incoming_.empty() && !stopping_) something_to_do_.wait(mutex_);
      events.swap(incoming_);
      dropped_count = std::exchange(newly_dropped_count_, 0);
      stopping = stopping_;
    }
    if (!events.empty()) {
      Number(std::move(events), dropped_count);
      common::MutexLock lock(watchers_mutex_);
      for (Watcher* watcher : watchers_) watcher->OnAppended();
    } else if (stopping) {
      return;
    }
  }
}

void NotificationLog::Number(std::deque<Event> events, uint64_t dropped_count) {
  if (dropped_count > 0) {
    common::MutexLock lock(mutex_);
    // Those kept have no gaps, and those that come now are enough to take the place of all.
    entries_.clear();
    last_sequence_number_ += dropped_count;
    dropped_count_ += dropped_count;
  }
  for (const Event& event : events) {
    auto notification = std::make_shared<ims::iq::v1::Notification>(ToProto(event));
    // Only this thread changes the number.
    notification->set_sequence_number(last_sequence_number() + 1);
    observer_(*notification);
    common::MutexLock lock(mutex_);
    last_sequence_number_ = notification->sequence_number();
    entries_.push_back(std::move(notification));
    if (entries_.size() > capacity_) entries_.pop_front();
  }
}

NotificationLog::Entry NotificationLog::After(uint64_t sequence_number) const {
  common::MutexLock lock(mutex_);
  if (entries_.empty() || sequence_number >= last_sequence_number_) return nullptr;
  // Numbers have no gaps, so that of the first entry tells where each one is.
  const uint64_t first = entries_.front()->sequence_number();
  return entries_[sequence_number < first ? 0 : sequence_number - first + 1];
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
