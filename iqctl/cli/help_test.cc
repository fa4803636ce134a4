#include "iqctl/cli/help.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "iqctl/cli/testing/example_table.h"

namespace iqctl {
namespace {

using testing::HasSubstr;
using testing::Not;

class HelpTest : public testing::Test {
 protected:
  std::string HelpOf(const std::string& group, const std::string& command, size_t width = 100) {
    Invocation invocation;
    invocation.table = &table_;
    invocation.group = group;
    invocation.command = table_.Find(group, command);
    return HelpText(invocation, width);
  }

  const CommandTable table_ = ExampleTable();
};

TEST_F(HelpTest, OfTheProgramHasEverything) {
  const std::string help = HelpOf("", "");
  for (const char* text :
       {"Usage: pets COMMAND", "The first paragraph.\n\n.A second one", "  pet feed  Feeds pets.",
        "  look      Looks at them.",
        "--where PLACE  Where they are. Default: here. Environment: PET_WHERE.", "-h, --help",
        "Exit codes:\n  0  Done.\n", "Examples:\n  pets look\n      Are they well?"}) {
    EXPECT_THAT(help, HasSubstr(text));
  }
}

TEST_F(HelpTest, OfAGroupHasItsCommandsAndExamples) {
  const std::string help = HelpOf("pet", "");
  EXPECT_THAT(help, HasSubstr("What pets need.\n\nCommands:\n  feed  Feeds pets.\n"));
  EXPECT_THAT(help, HasSubstr("pets pet feed cat -f fish"));
  EXPECT_THAT(help, Not(HasSubstr("look")));
}

TEST_F(HelpTest, OfACommandHasArgumentsOptionsAndExamples) {
  const std::string help = HelpOf("pet", "feed");
  for (const char* text :
       {"Usage: pets pet feed PET... [OPTION...]\n\nFeeds pets.\n\nThey eat it.\n",
        "Arguments:\n  PET  Who is hungry.", "  -f, --food FOOD  What they get. One of: fish, hay.",
        "      --slowly     Without haste.", "Examples:\n  pets pet feed cat",
        "      --where PLACE"}) {
    EXPECT_THAT(help, HasSubstr(text));
  }
  EXPECT_THAT(HelpOf("", "look"), HasSubstr("Usage: pets look [up|down] [OPTION...]"));
}

TEST_F(HelpTest, LinesAreNoLongerThanTheTerminalWhereWordsAllowIt) {
  for (const absl::string_view line : absl::StrSplit(HelpOf("pet", "feed", 50), '\n')) {
    EXPECT_LE(line.size(), 50u) << line;
  }
}

TEST(Wrap, BreaksAtSpaces) {
  EXPECT_EQ(Wrap("one two three", 0, 7), "one two\nthree");
  EXPECT_EQ(Wrap("one two three", 2, 7), "one\n  two\n  three");
  EXPECT_EQ(Wrap("indivisible", 2, 5), "indivisible");
}

}  // namespace
}  // namespace iqctl
