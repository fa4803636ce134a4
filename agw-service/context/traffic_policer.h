// Holds a peer to a rate: octets beyond it are not read, so that TCP's window stops the peer.

#ifndef AGW_SERVICE_CONTEXT_TRAFFIC_POLICER_H_
#define AGW_SERVICE_CONTEXT_TRAFFIC_POLICER_H_

#include <cstdint>
#include <functional>

#include "agw-service/context/descriptor.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/timer.h"
#include "common/monotonic_time.h"

namespace agw {

// A token bucket (TS 23.334 clause 5.6) that may go into debt by what was read at once, and is then
// closed until the debt is paid: so a turn need not be cut, and the rate holds all the same. Lives on
// one worker.
class TrafficPolicer {
 public:
  // `policing.sustained_byte_rate` is not zero; a burst of zero stands for what comes in a second.
  // `loop` outlives the policer; `on_open` is called when octets may be read again and must not destroy it.
  TrafficPolicer(EventLoop& loop, const TrafficPolicing& policing, std::function<void()> on_open);

  TrafficPolicer(const TrafficPolicer&) = delete;
  TrafficPolicer& operator=(const TrafficPolicer&) = delete;

  // Whether octets may be read now.
  bool open() const { return !reopen_.running(); }

  // So many were read.
  void Take(uint64_t byte_count);

 private:
  EventLoop& loop_;
  const double rate_;   // Octets in a second.
  const double burst_;  // The most that `credit_` can be.
  const std::function<void()> on_open_;
  double credit_;
  common::MonotonicTime credited_at_;
  Timer reopen_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_TRAFFIC_POLICER_H_
