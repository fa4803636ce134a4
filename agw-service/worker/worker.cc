#include "agw-service/worker/worker.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/thread_name.h"

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
    WorkerCounters counted = std::exchange(resources_.counters, WorkerCounters());
    counted.handshakes = Change(resources_.handshake_queue.under_way_count(), &handshakes_);
    counted.waiting_handshakes =
        Change(resources_.handshake_queue.waiting_count(), &waiting_handshakes_);
    counted.buffered_bytes = Change(resources_.buffered_bytes.total(), &buffered_bytes_);
    if (!(counted == WorkerCounters())) sink_(counted);
  }

  static int64_t Change(size_t now, int64_t* before) {
    return static_cast<int64_t>(now) - std::exchange(*before, static_cast<int64_t>(now));
  }

  WorkerResources& resources_;
  const std::function<void(const WorkerCounters&)> sink_;
  EventLoop::TimerId timer_ = 0;

  // As they were told last.
  int64_t handshakes_ = 0;
  int64_t waiting_handshakes_ = 0;
  int64_t buffered_bytes_ = 0;
};

}  // namespace

Worker::Worker(size_t number, const WorkerOptions& options)
    : thread_([this, number, options] {
        common::NameThisThread(absl::StrCat("worker/", number));
        Run(options);
      }) {}

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
