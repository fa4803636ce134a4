#include "common/file_descriptors.h"

#include <sys/resource.h>
#include <unistd.h>

#include <vector>

#include "gtest/gtest.h"

namespace common {
namespace {

void SetSoftLimit(uint64_t soft) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = soft;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

TEST(FileDescriptors, TheSoftLimitIsRaisedToTheHardOne) {
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  SetSoftLimit(64);
  EXPECT_EQ(FileDescriptorLimit(), 64u);
  EXPECT_EQ(RaiseFileDescriptorLimit(), limit.rlim_max);
  EXPECT_EQ(FileDescriptorLimit(), limit.rlim_max);
}

TEST(FileDescriptors, AreCountedAlsoWhenNoneIsLeft) {
  const uint64_t before = OpenFileDescriptorCount();
  EXPECT_GE(before, 3u);
  SetSoftLimit(before + 10);
  std::vector<int> opened;
  for (int fd = dup(STDERR_FILENO); fd >= 0; fd = dup(STDERR_FILENO)) opened.push_back(fd);
  EXPECT_FALSE(opened.empty());
  EXPECT_EQ(OpenFileDescriptorCount(), before + opened.size());
  for (int fd : opened) close(fd);
  EXPECT_EQ(OpenFileDescriptorCount(), before);
  RaiseFileDescriptorLimit();
}

}  // namespace
}  // namespace common
