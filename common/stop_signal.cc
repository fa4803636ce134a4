#include "common/stop_signal.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "absl/time/time.h"
#include "common/check.h"
#include "common/log.h"

namespace common {
namespace {

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

StopSignal::StopSignal() {
  const sigset_t signals = StopSignals();
  CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
}

bool StopSignal::Wait(MonotonicTime deadline) {
  const sigset_t signals = StopSignals();
  while (true) {
    const absl::Duration left = std::min(deadline - MonotonicTime::Now(), absl::Hours(1));
    const timespec timeout = absl::ToTimespec(std::max(left, absl::ZeroDuration()));
    if (sigtimedwait(&signals, nullptr, &timeout) > 0) return true;
    if (MonotonicTime::Now() >= deadline) return false;
  }
}

void EndProcessAtOnceAfter(absl::Duration patience) {
  const MonotonicTime deadline = MonotonicTime::Now() + patience;
  std::thread([deadline] {
    const bool asked = StopSignal().Wait(deadline);
    Log(asked ? Severity::kWarning : Severity::kError, asked ? "stopped_at_once" : "stopped_late");
    FlushLog(absl::Milliseconds(500));
    _exit(1);
  }).detach();
}

}  // namespace common
