// Sessions set up, used and released through both services leave nothing: no descriptor, port,
// context, and no byte of memory for each.

#include <dirent.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/heap.h"
#include "tests/integration/testing/services.h"
#include "tests/integration/testing/session.h"
#include "tests/peers/socket.h"

namespace integration {
namespace {

using common::IsOk;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kRoundCount = 2;
constexpr int kWindowLimit = 2;
constexpr bool kMemoryCanBeMeasured = false;  // Sanitizers keep what is freed.
#else
constexpr int kRoundCount = 12;
constexpr int kWindowLimit = 8;
constexpr bool kMemoryCanBeMeasured = true;
#endif

constexpr int kThreadCount = 4;

// What a session may leave: the reply to its release, which is kept for a minute in case it is
// asked for again. About 300 bytes; a context, a stream or a connection that stays is several times
// as large.
constexpr long kByteAllowance = 400;

int OpenDescriptorCount() {
  int count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

// One session with a message each way.
void Use(Services& services, const SessionOptions& options, bool release_amid) {
  Session session(services, options);
  ASSERT_THAT(session.Establish(), IsOk());
  ASSERT_THAT(session.phone().Send("uplink"), IsOk());
  ASSERT_THAT(session.core().Send("downlink"), IsOk());
  if (!release_amid) {
    ASSERT_THAT(session.core().Receive(6), IsOk());
    ASSERT_THAT(session.phone().Receive(8), IsOk());
  }
  ASSERT_THAT(session.Release(), IsOk());
}

// Sessions of every kind, several at once; the same in each window. Returns how many.
int RunWindow(Services& services) {
  std::vector<SessionOptions> kinds;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    if (family == Family::kIpv6 && !peers::HasIpv6Loopback()) continue;
    for (const auto flow :
         {ims::alg::v1::CORE_CONNECT_TRIGGERED, ims::alg::v1::CORE_CONNECT_ALG_ORDERED}) {
      kinds.push_back({.family = family, .core_connect = flow});
    }
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreadCount; ++i) {
    threads.emplace_back([&services, &kinds] {
      for (int round = 0; round < kRoundCount; ++round) {
        for (const SessionOptions& kind : kinds) Use(services, kind, round % 4 == 1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return kThreadCount * kRoundCount * static_cast<int>(kinds.size());
}

TEST(Soak, ManySessionsLeaveNoDescriptorPortContextOrMemory) {
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  config.set_worker_count(2);
  config.set_notification_log_size(64);
  Services services(config);
  services.StopWatching();

  // The first windows fill caches and buffers that grow to what they need. From then on two windows
  // one after the other must come out equal, but for the allowance. What happens once in a while
  // beside the sessions may disturb a pair, a leak disturbs each.
  int descriptors = 0;
  size_t bytes = 0;
  long least_growth = std::numeric_limits<long>::max();
  int session_count = 0;
  for (int window = 0; window < kWindowLimit && least_growth > kByteAllowance * session_count;
       ++window) {
    ASSERT_NO_FATAL_FAILURE(session_count = RunWindow(services));
    ASSERT_TRUE(services.WaitUntilIdle());
    if (window > 0) {
      // The AGW closes a little after it answers the release.
      EXPECT_TRUE(Eventually([&] { return OpenDescriptorCount() <= descriptors; }))
          << OpenDescriptorCount() << " descriptors instead of " << descriptors;
    }
    descriptors = OpenDescriptorCount();
    const size_t bytes_before = bytes;
    bytes = AllocatedByteCount();
    if (window > 0) {
      const long growth = static_cast<long>(bytes) - static_cast<long>(bytes_before);
      std::printf("window %d: %d sessions, %ld bytes more\n", window, session_count, growth);
      least_growth = std::min(least_growth, std::max(growth, -growth));
    }
  }
  if (kMemoryCanBeMeasured) {
    EXPECT_LE(least_growth, kByteAllowance * session_count)
        << "bytes left by " << session_count << " sessions";
  }
}

TEST(Soak, SessionsSideBySideOnSeveralWorkers) {
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  config.set_worker_count(3);
  Services services(config);
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&services] {
      for (int j = 0; j < 5; ++j) Use(services, {}, j % 3 == 0);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(services.WaitUntilIdle());
}

}  // namespace
}  // namespace integration
