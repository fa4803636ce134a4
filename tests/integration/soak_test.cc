// 1,000 sessions set up, used and released through both services leave nothing.

#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/services.h"
#include "tests/integration/testing/session.h"

namespace integration {
namespace {

using common::IsOk;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kSessionCount = 100;
constexpr bool kMemoryCanBeMeasured = false;  // Sanitizers keep what is freed.
#else
constexpr int kSessionCount = 1'000;
constexpr bool kMemoryCanBeMeasured = true;
#endif

int OpenDescriptorCount() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

long ResidentBytes() {
  long pages_in_all = 0;
  long pages = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  EXPECT_EQ(std::fscanf(file, "%ld %ld", &pages_in_all, &pages), 2);
  std::fclose(file);
  return pages * sysconf(_SC_PAGESIZE);
}

// One session with a message each way.
void Use(Services& services, bool release_amid) {
  Session session(services);
  ASSERT_THAT(session.Establish(), IsOk());
  ASSERT_THAT(session.phone().Send("uplink"), IsOk());
  ASSERT_THAT(session.core().Send("downlink"), IsOk());
  if (!release_amid) {
    ASSERT_THAT(session.core().Receive(6), IsOk());
    ASSERT_THAT(session.phone().Receive(8), IsOk());
  }
  ASSERT_THAT(session.Release(), IsOk());
}

TEST(Soak, ThousandSessionsLeaveNoDescriptorPortContextOrMemory) {
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  config.set_notification_log_size(64);
  Services services(config);
  services.StopWatching();
  int descriptors = 0;
  long bytes = 0;
  for (int i = 0; i < kSessionCount; ++i) {
    if (i == kSessionCount / 4) {  // Warm by then: caches, arenas, logs.
      ASSERT_TRUE(services.WaitUntilIdle());
      descriptors = OpenDescriptorCount();
      bytes = ResidentBytes();
    }
    ASSERT_NO_FATAL_FAILURE(Use(services, i % 7 == 0)) << "session " << i;
  }
  EXPECT_TRUE(services.WaitUntilIdle());
  // The AGW closes a little after it answers the release.
  EXPECT_TRUE(Eventually([&] { return OpenDescriptorCount() <= descriptors; }))
      << OpenDescriptorCount() << " instead of " << descriptors;
  if (kMemoryCanBeMeasured) {
    EXPECT_LT(ResidentBytes() - bytes, 4 << 20) << "of " << bytes;
  }
}

TEST(Soak, SessionsSideBySideOnSeveralWorkers) {
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  config.set_worker_count(3);
  Services services(config);
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&services] {
      for (int j = 0; j < 10; ++j) Use(services, j % 3 == 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(services.WaitUntilIdle());
}

}  // namespace
}  // namespace integration
