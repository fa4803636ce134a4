#include "agw-service/context/traffic_policer.h"

#include <algorithm>
#include <utility>

#include "absl/time/time.h"

namespace agw {

TrafficPolicer::TrafficPolicer(EventLoop& loop, const TrafficPolicing& policing,
                               std::function<void()> on_open)
    : loop_(loop),
      rate_(static_cast<double>(policing.sustained_byte_rate)),
      burst_(policing.burst_byte_count == 0 ? rate_
                                            : static_cast<double>(policing.burst_byte_count)),
      on_open_(std::move(on_open)),
      credit_(burst_),
      credited_at_(loop.Now()),
      reopen_(loop) {}

void TrafficPolicer::Take(uint64_t byte_count) {
  const common::MonotonicTime now = loop_.Now();
  credit_ = std::min(burst_, credit_ + rate_ * absl::ToDoubleSeconds(now - credited_at_));
  credited_at_ = now;
  credit_ -= static_cast<double>(byte_count);
  if (credit_ > 0 || reopen_.running()) return;
  // A little beyond the debt, so that there is credit when it opens.
  reopen_.Start(absl::Seconds(-credit_ / rate_) + absl::Milliseconds(1), [this] { on_open_(); });
}

}  // namespace agw
