#include "common/control_group.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace common {
namespace {

class ControlGroupTest : public testing::Test {
 protected:
  ControlGroupTest() { std::filesystem::create_directories(mount_point_); }
  ~ControlGroupTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& file, const std::string& content) {
    const std::filesystem::path path = folder_ + "/" + file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << content;
  }

  ControlGroupLimits Read() {
    return ReadControlGroupLimits(mount_point_, folder_ + "/membership");
  }

  const std::string folder_ =
      testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string mount_point_ = folder_ + "/fs";
};

TEST_F(ControlGroupTest, WithoutFilesThereAreNoLimits) {
  EXPECT_FALSE(Read().cpu_count.has_value());
  EXPECT_FALSE(Read().memory_bytes.has_value());
}

TEST_F(ControlGroupTest, Version2InANamespaceOfItsOwn) {
  Write("membership", "0::/\n");
  Write("fs/cpu.max", "150000 100000\n");
  Write("fs/memory.max", "536870912\n");
  EXPECT_DOUBLE_EQ(Read().cpu_count.value(), 1.5);
  EXPECT_EQ(Read().memory_bytes.value(), 536870912u);
}

TEST_F(ControlGroupTest, Version2TheTightestOfTheGroupsAboveHolds) {
  Write("membership", "0::/pods/pod1/container1\n");
  Write("fs/pods/cpu.max", "max 100000\n");
  Write("fs/pods/memory.max", "1000000\n");
  Write("fs/pods/pod1/cpu.max", "50000 100000\n");
  Write("fs/pods/pod1/memory.max", "max\n");
  Write("fs/pods/pod1/container1/cpu.max", "200000 100000\n");
  Write("fs/pods/pod1/container1/memory.max", "2000000\n");
  EXPECT_DOUBLE_EQ(Read().cpu_count.value(), 0.5);
  EXPECT_EQ(Read().memory_bytes.value(), 1000000u);
}

TEST_F(ControlGroupTest, Version1HasAHierarchyForEachController) {
  Write("membership", "5:memory:/pod1\n4:cpu,cpuacct:/pod1\n0::/\n");
  Write("fs/memory/memory.limit_in_bytes", "9223372036854771712\n");
  Write("fs/memory/pod1/memory.limit_in_bytes", "268435456\n");
  Write("fs/cpu,cpuacct/pod1/cpu.cfs_quota_us", "300000\n");
  Write("fs/cpu,cpuacct/pod1/cpu.cfs_period_us", "100000\n");
  Write("fs/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  Write("fs/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_DOUBLE_EQ(Read().cpu_count.value(), 3);
  EXPECT_EQ(Read().memory_bytes.value(), 268435456u);
}

TEST_F(ControlGroupTest, NoLimitIsNone) {
  Write("membership", "5:memory:/\n0::/\n");
  Write("fs/cpu.max", "max 100000\n");
  Write("fs/memory.max", "max\n");
  Write("fs/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(Read().cpu_count.has_value());
  EXPECT_FALSE(Read().memory_bytes.has_value());
}

TEST_F(ControlGroupTest, ThereIsAlwaysACpu) { EXPECT_GE(UsableCpuCount(), 1u); }

}  // namespace
}  // namespace common
