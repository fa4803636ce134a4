#include "common/file_descriptors.h"

#include <dirent.h>
#include <sys/resource.h>

#include "common/check.h"
#include "common/mutex.h"

namespace common {
namespace {

// Opened once and for all: when somebody asks, there may be no descriptor left to look with.
DIR* DescriptorFolder() {
  static DIR* const folder = opendir("/proc/self/fd");
  return folder;
}

}  // namespace

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
  DescriptorFolder();
  return FileDescriptorLimit();
}

uint64_t OpenFileDescriptorCount() {
  static Mutex& mutex = *new Mutex;
  DIR* const folder = DescriptorFolder();
  if (folder == nullptr) return 0;
  MutexLock lock(mutex);
  rewinddir(folder);
  uint64_t count = 0;
  while (const dirent* entry = readdir(folder)) count += entry->d_name[0] != '.';
  return count;
}

}  // namespace common
