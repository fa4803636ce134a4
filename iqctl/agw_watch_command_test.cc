#include "iqctl/agw_watch_command.h"

#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace iqctl {
namespace {

TEST(ReadPosition, IsAnIncarnationAndANumber) {
  ASSERT_OK_AND_ASSIGN(const NotificationPosition position, ReadPosition("0a1b:4711"));
  EXPECT_EQ(position.incarnation, "0a1b");
  EXPECT_EQ(position.sequence_number, 4711u);
  for (const char* text : {"", "4711", ":4711", "0a1b:", "0a1b:x", "0a1b:-1"}) {
    EXPECT_THAT(ReadPosition(text), common::StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

}  // namespace
}  // namespace iqctl
