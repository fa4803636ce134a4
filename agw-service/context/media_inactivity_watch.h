// Tells when nothing has passed a termination for a while.

#ifndef AGW_SERVICE_CONTEXT_MEDIA_INACTIVITY_WATCH_H_
#define AGW_SERVICE_CONTEXT_MEDIA_INACTIVITY_WATCH_H_

#include <functional>

#include "absl/time/time.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/context/event.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/timer.h"
#include "common/monotonic_time.h"

namespace agw {

// Of one termination whose connection is established, from its making on. Says so once, and again
// only when something has passed since. Lives on one worker.
class MediaInactivityWatch {
 public:
  // `detection.time` is not zero. `loop` outlives the watch; `report` must not destroy it.
  MediaInactivityWatch(EventLoop& loop, const MediaInactivityDetection& detection,
                       std::function<void(MediaInactivity)> report);

  MediaInactivityWatch(const MediaInactivityWatch&) = delete;
  MediaInactivityWatch& operator=(const MediaInactivityWatch&) = delete;

  // Octets of the application came from the peer, or went to it.
  void OnReceived();
  void OnSent();

 private:
  // By the directions that are watched.
  common::MonotonicTime LastPassed() const;

  // Tells, or comes back when it would be time to.
  void Look();

  // What was told is over if this was in a direction that is watched.
  void LookAgain();

  EventLoop& loop_;
  const MediaInactivityDetection detection_;
  const std::function<void(MediaInactivity)> report_;
  common::MonotonicTime last_received_;
  common::MonotonicTime last_sent_;
  Timer timer_;  // Runs until it has been told.
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_MEDIA_INACTIVITY_WATCH_H_
