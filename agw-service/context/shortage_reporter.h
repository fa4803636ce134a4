// Tells the IMS-ALG that file descriptors or memory are short.

#ifndef AGW_SERVICE_CONTEXT_SHORTAGE_REPORTER_H_
#define AGW_SERVICE_CONTEXT_SHORTAGE_REPORTER_H_

#include "absl/status/status.h"
#include "agw-service/context/event.h"
#include "agw-service/net/event_loop.h"
#include "common/monotonic_time.h"

namespace agw {

// Not each time, but once in a while: a shortage meets every termination of a worker, again and
// again. Lives on one worker.
class ShortageReporter {
 public:
  // Both outlive the reporter.
  ShortageReporter(EventLoop& loop, const EventSink& event_sink)
      : loop_(loop), event_sink_(event_sink) {}

  // `status` says what is short.
  void Report(const absl::Status& status);

 private:
  EventLoop& loop_;
  const EventSink& event_sink_;
  common::MonotonicTime next_report_ = common::MonotonicTime::InfinitePast();
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_SHORTAGE_REPORTER_H_
