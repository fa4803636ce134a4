// What a process has cost so far, as the kernel counts it.

#ifndef TESTS_BENCH_PROCESS_COST_H_
#define TESTS_BENCH_PROCESS_COST_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/time/time.h"

namespace bench {

// CPU time of all threads, those that have ended too. Zero if there is no such process.
absl::Duration CpuTime(pid_t process);

// CPU time of the threads there are, by their name without what follows a "/": the sum of
// /proc/PID/task/*/schedstat.
std::map<std::string, absl::Duration> CpuTimeByThread(pid_t process);

// Proportional set size, octets: what is shared with other processes counts in part (proc(5),
// smaps_rollup).
int64_t ProportionalSetSize(pid_t process);

}  // namespace bench

#endif  // TESTS_BENCH_PROCESS_COST_H_
