#include "agw-service/context/media_inactivity_watch.h"

#include <algorithm>
#include <utility>

namespace agw {

MediaInactivityWatch::MediaInactivityWatch(EventLoop& loop,
                                           const MediaInactivityDetection& detection,
                                           std::function<void(MediaInactivity)> report)
    : loop_(loop),
      detection_(detection),
      report_(std::move(report)),
      last_received_(loop.Now()),
      last_sent_(loop.Now()),
      timer_(loop) {
  Look();
}

common::MonotonicTime MediaInactivityWatch::LastPassed() const {
  switch (detection_.direction) {
    case MediaInactivityDetection::Direction::kFromPeer:
      return last_received_;
    case MediaInactivityDetection::Direction::kToPeer:
      return last_sent_;
    case MediaInactivityDetection::Direction::kBoth:
      break;
  }
  return std::max(last_received_, last_sent_);
}

void MediaInactivityWatch::OnReceived() {
  last_received_ = loop_.Now();
  if (!timer_.running()) LookAgain();
}

void MediaInactivityWatch::OnSent() {
  last_sent_ = loop_.Now();
  if (!timer_.running()) LookAgain();
}

void MediaInactivityWatch::LookAgain() {
  if (LastPassed() == loop_.Now()) Look();
}

// The timer is not set anew for each octet: when it ends, it looks at when the last one passed.
void MediaInactivityWatch::Look() {
  const common::MonotonicTime due = LastPassed() + detection_.time;
  if (due > loop_.Now()) return timer_.StartAt(due, [this] { Look(); });
  report_({detection_.direction, loop_.Now() - LastPassed()});
}

}  // namespace agw
