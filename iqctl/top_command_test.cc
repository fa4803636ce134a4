#include "iqctl/top_command.h"

#include "gtest/gtest.h"

namespace iqctl {
namespace {

TEST(Frame, TakesThePlaceOfWhatWasThere) {
  Terminal terminal;
  EXPECT_EQ(AsFrame("a\nb\n", terminal), "\033[Ha\033[K\nb\033[K\n\033[J");
}

TEST(Frame, HasNoMoreLinesThanTheTerminal) {
  Terminal terminal;
  terminal.height = 3;
  EXPECT_EQ(AsFrame("a\nb\nc\nd\n", terminal), "\033[Ha\033[K\nb\033[K\n\033[J");
}

}  // namespace
}  // namespace iqctl
