#include "common/read_file.h"

#include <fstream>
#include <string>

#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {
namespace {

TEST(ReadFile, ReadsEverything) {
  const std::string file_name = testing::TempDir() + "/file";
  const std::string content = std::string(10000, 'x') + std::string("\0\n", 2);
  std::ofstream(file_name) << content;
  EXPECT_THAT(ReadFile(file_name), IsOkAndHolds(content));
  std::ofstream(file_name, std::ios::trunc).close();
  EXPECT_THAT(ReadFile(file_name), IsOkAndHolds(""));
}

TEST(ReadFile, NamesTheFileThatCannotBeRead) {
  EXPECT_THAT(ReadFile("/no/such/file"),
              StatusIs(absl::StatusCode::kNotFound, testing::HasSubstr("/no/such/file")));
  EXPECT_FALSE(ReadFile(testing::TempDir()).ok());
}

}  // namespace
}  // namespace common
