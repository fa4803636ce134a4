// Points in time that no step of the wall clock moves: for deadlines, timers and durations.
// absl::Now() is for what people read, such as the time of an event.

#ifndef COMMON_MONOTONIC_TIME_H_
#define COMMON_MONOTONIC_TIME_H_

#include <chrono>

#include "absl/time/time.h"

namespace common {

// A point in time of this process, to the nanosecond; it means nothing to another one. Arithmetic
// saturates: what is added to `InfiniteFuture()` leaves it infinite. A value; the default is
// `InfinitePast()`.
class MonotonicTime {
 public:
  MonotonicTime() = default;

  static MonotonicTime Now() {
    return MonotonicTime(absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch()));
  }
  static MonotonicTime InfinitePast() { return MonotonicTime(); }
  static MonotonicTime InfiniteFuture() { return MonotonicTime(absl::InfiniteDuration()); }

  // For waiting, e.g. with std::condition_variable_any. An infinite time becomes one that is more
  // than a hundred years away.
  std::chrono::steady_clock::time_point ToChrono() const {
    constexpr absl::Duration kFarAway = absl::Hours(24 * 365 * 200);
    return std::chrono::steady_clock::time_point(absl::ToChronoNanoseconds(
        since_start_ > kFarAway ? kFarAway
                                : (since_start_ < -kFarAway ? -kFarAway : since_start_)));
  }

  MonotonicTime& operator+=(absl::Duration duration) { return *this = *this + duration; }
  friend MonotonicTime operator+(MonotonicTime time, absl::Duration duration) {
    return MonotonicTime(time.since_start_ + duration);
  }
  friend MonotonicTime operator-(MonotonicTime time, absl::Duration duration) {
    return MonotonicTime(time.since_start_ - duration);
  }
  friend absl::Duration operator-(MonotonicTime a, MonotonicTime b) {
    return a.since_start_ - b.since_start_;
  }

  friend bool operator==(MonotonicTime a, MonotonicTime b) {
    return a.since_start_ == b.since_start_;
  }
  friend bool operator!=(MonotonicTime a, MonotonicTime b) { return !(a == b); }
  friend bool operator<(MonotonicTime a, MonotonicTime b) {
    return a.since_start_ < b.since_start_;
  }
  friend bool operator<=(MonotonicTime a, MonotonicTime b) { return !(b < a); }
  friend bool operator>(MonotonicTime a, MonotonicTime b) { return b < a; }
  friend bool operator>=(MonotonicTime a, MonotonicTime b) { return !(a < b); }

 private:
  explicit MonotonicTime(absl::Duration since_start) : since_start_(since_start) {}

  absl::Duration since_start_ = -absl::InfiniteDuration();  // Since the start of the clock.
};

}  // namespace common

#endif  // COMMON_MONOTONIC_TIME_H_
