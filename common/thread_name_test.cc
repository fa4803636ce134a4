#include "common/thread_name.h"

#include <fstream>
#include <string>
#include <thread>

#include "gtest/gtest.h"

namespace common {
namespace {

std::string NameOfThisThread() {
  std::ifstream comm("/proc/thread-self/comm");
  std::string name;
  std::getline(comm, name);
  return name;
}

TEST(ThreadNameTest, IsShownByTheSystem) {
  std::string name;
  std::thread([&name] {
    NameThisThread("worker/17");
    name = NameOfThisThread();
  }).join();
  EXPECT_EQ(name, "worker/17");
}

TEST(ThreadNameTest, IsCutWhereThereIsNoRoom) {
  std::string name;
  std::thread([&name] {
    NameThisThread("a name of many letters");
    name = NameOfThisThread();
  }).join();
  EXPECT_EQ(name, "a name of many ");
}

}  // namespace
}  // namespace common
