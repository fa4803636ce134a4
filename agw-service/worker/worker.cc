#include "agw-service/worker/worker.h"

#include <utility>

namespace agw {
namespace {

constexpr absl::Duration kCountInterval = absl::Seconds(1);

// Hands what was counted since the last time to the sink, again and again.
class CounterReporter {
 public:
  CounterReporter(WorkerResources& resources, std::function<void(const WorkerCounters&)> sink)
      : resources_(resources), sink_(std::move(sink)) {
    Schedule();
  }
  ~CounterReporter() {
    resources_.loop.CancelTimer(timer_);
    Report();
  }

 private:
  void Schedule() {
    timer_ = resources_.loop.AddTimer(resources_.loop.Now() + kCountInterval, [this] {
      Report();
      Schedule();
    });
  }

  void Report() {
    const WorkerCounters counted = std::exchange(resources_.counters, WorkerCounters());
    if (counted.received_from_access + counted.received_from_core + counted.dropped_syns +
            counted.refused_connections >
        0) {
      sink_(counted);
    }
  }

  WorkerResources& resources_;
  const std::function<void(const WorkerCounters&)> sink_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace

Worker::Worker(const WorkerOptions& options) : thread_([this, options] { Run(options); }) {}

Worker::~Worker() {
  loop_.Stop();
  thread_.join();
}

void Worker::Run(const WorkerOptions& options) {
  // Large, so not on the stack.
  const auto scratch = std::make_unique<Scratch>();
  TlsProfile tls_profile(*scratch,
                         {.handshake_message_limit = options.limits.handshake_message_limit});
  WorkerResources resources{.loop = loop_,
                            .scratch = *scratch,
                            .tls_profile = tls_profile,
                            .realms = options.realms,
                            .own_addresses = options.own_addresses,
                            .limits = options.limits,
                            .event_sink = options.event_sink,
                            .descriptors = options.admission.descriptors(),
                            .identities = options.identities,
                            .counters = {}};
  // Goes after the contexts, which count to their end.
  const CounterReporter reporter(resources, options.counter_sink);
  ContextTable contexts(resources, options.admission);
  contexts_ = &contexts;
  loop_.Run();
  // What was posted before the end, and what that posts in turn, still finds the contexts.
  loop_.RunRest();
}

void Worker::Post(absl::AnyInvocable<void(ContextTable&)> task) {
  loop_.Post([this, task = std::move(task)]() mutable { task(*contexts_); });
}

}  // namespace agw
