#include "common/file_descriptors.h"

#include <dirent.h>
#include <sys/resource.h>

#include "common/check.h"
#include "common/mutex.h"

namespace common {

uint64_t FileDescriptorLimit() {
  rlimit limit{};
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  return limit.rlim_cur;
}

uint64_t RaiseFileDescriptorLimit() {
  rlimit limit{};
  CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = limit.rlim_max;
  // Where that is forbidden, the old limit holds.
  setrlimit(RLIMIT_NOFILE, &limit);
  return FileDescriptorLimit();
}

uint64_t OpenFileDescriptorCount() {
  // Opened once and for all: when somebody asks, there may be no descriptor left to look with.
  static Mutex& mutex = *new Mutex;
  static DIR* const directory = opendir("/proc/self/fd");
  if (directory == nullptr) return 0;
  MutexLock lock(mutex);
  rewinddir(directory);
  uint64_t count = 0;
  while (const dirent* entry = readdir(directory)) count += entry->d_name[0] != '.';
  return count;
}

}  // namespace common
