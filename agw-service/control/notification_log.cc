#include "agw-service/control/notification_log.h"

#include <algorithm>
#include <iterator>
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

// Notifications that share a piece of memory.
constexpr size_t kBlockSize = 64;

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
    blocks_.clear();
    last_sequence_number_ += dropped_count;
    first_sequence_number_ = last_sequence_number_ + 1;
    dropped_count_ += dropped_count;
  }
  for (const std::string& entry : entries) Keep(entry);
}

void NotificationLog::Keep(const std::string& notification) {
  ++last_sequence_number_;
  if (blocks_.empty() || blocks_.back().ends.size() == kBlockSize) {
    if (!blocks_.empty()) blocks_.back().octets.shrink_to_fit();
    blocks_.push_back({last_sequence_number_, "", {}});
    blocks_.back().ends.reserve(kBlockSize);
  }
  Block& last = blocks_.back();
  last.octets += notification;
  last.ends.push_back(static_cast<uint32_t>(last.octets.size()));
  if (last_sequence_number_ - first_sequence_number_ < capacity_) return;
  ++first_sequence_number_;
  const Block& first = blocks_.front();
  if (first.first_sequence_number + first.ends.size() == first_sequence_number_) {
    blocks_.pop_front();
  }
}

absl::optional<ims::iq::v1::Notification> NotificationLog::After(uint64_t sequence_number) const {
  common::MutexLock lock(mutex_);
  const uint64_t next = std::max(sequence_number + 1, first_sequence_number_);
  if (sequence_number >= last_sequence_number_ || next > last_sequence_number_) {
    return absl::nullopt;
  }
  const auto behind = std::upper_bound(
      blocks_.begin(), blocks_.end(), next,
      [](uint64_t number, const Block& block) { return number < block.first_sequence_number; });
  const Block& block = *std::prev(behind);
  const size_t index = next - block.first_sequence_number;
  const size_t begin = index == 0 ? 0 : block.ends[index - 1];
  absl::optional<ims::iq::v1::Notification> notification(absl::in_place);
  CHECK(notification->ParseFromArray(block.octets.data() + begin,
                                     static_cast<int>(block.ends[index] - begin)));
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
