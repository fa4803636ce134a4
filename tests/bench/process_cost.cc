#include "tests/bench/process_cost.h"

#include <time.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace bench {

absl::Duration CpuTime(pid_t process) {
  clockid_t clock;
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    return absl::ZeroDuration();
  }
  return absl::DurationFromTimespec(time);
}

std::map<std::string, absl::Duration> CpuTimeByThread(pid_t process) {
  std::map<std::string, absl::Duration> times;
  std::error_code error;
  for (const auto& task :
       std::filesystem::directory_iterator(absl::StrCat("/proc/", process, "/task"), error)) {
    std::ifstream schedstat(task.path() / "schedstat");
    std::ifstream comm(task.path() / "comm");
    int64_t nanoseconds = 0;
    std::string name;
    // A thread may end meanwhile.
    if (!(schedstat >> nanoseconds) || !std::getline(comm, name)) continue;
    times[name.substr(0, name.find('/'))] += absl::Nanoseconds(nanoseconds);
  }
  return times;
}

int64_t ProportionalSetSize(pid_t process) {
  std::ifstream rollup(absl::StrCat("/proc/", process, "/smaps_rollup"));
  for (std::string word; rollup >> word;) {
    int64_t kilobytes = 0;
    if (word == "Pss:" && rollup >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

}  // namespace bench
