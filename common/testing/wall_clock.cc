#include "common/testing/wall_clock.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace {

std::atomic<int64_t> step_ns{0};

}  // namespace

// Takes the place of the C library's in a program that links this.
extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
  const long result = syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && clock == CLOCK_REALTIME) {
    const int64_t ns = time->tv_sec * int64_t{1'000'000'000} + time->tv_nsec + step_ns.load();
    time->tv_sec = ns / 1'000'000'000;
    time->tv_nsec = ns % 1'000'000'000;
  }
  return static_cast<int>(result);
}

namespace common {

void StepWallClock(absl::Duration step) { step_ns.fetch_add(absl::ToInt64Nanoseconds(step)); }

}  // namespace common
