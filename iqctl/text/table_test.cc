#include "iqctl/text/table.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace iqctl {
namespace {

constexpr Terminal kFile;

Terminal TerminalOf(size_t width) {
  Terminal terminal;
  terminal.is_terminal = terminal.has_colour = true;
  terminal.width = width;
  return terminal;
}

TEST(Table, ColumnsAreAsWideAsTheyNeedToBe) {
  Table table({{"NAME"}, {"COUNT", true}, {"REMARK"}});
  EXPECT_TRUE(table.empty());
  table.AddRow({"a", "1", "x"});
  table.AddRow({"longer", "1,000,000", ""});
  EXPECT_EQ(table.ToString(kFile),
            "NAME        COUNT  REMARK\n"
            "a               1  x\n"
            "longer  1,000,000\n");
}

TEST(Table, HasColourOnATerminalOnly) {
  Table table({{"STATE"}, {"NEXT"}});
  table.AddRow({Cell("up", Style::kGood), "x"});
  EXPECT_EQ(table.ToString(kFile), "STATE  NEXT\nup     x\n");
  EXPECT_EQ(table.ToString(TerminalOf(80)),
            "\033[1mSTATE\033[0m  \033[1mNEXT\033[0m\n\033[32mup\033[0m     x\n");
}

TEST(Table, CutsOnATerminalThatIsTooNarrow) {
  Table table({{"NAME"}, {"REMARK", false, true}, {"COUNT", true}});
  table.AddRow({"abcdef", "a remark of great length", "7"});
  Terminal narrow;
  narrow.width = 30;
  EXPECT_EQ(table.ToString(narrow),
            "NAME    REMARK           COUNT\n"
            "abcdef  a remark of gr…      7\n");
  // No column is cut below eight, whatever the terminal is.
  narrow.width = 10;
  EXPECT_EQ(table.ToString(narrow),
            "NAME    REMARK    COUNT\n"
            "abcdef  a remar…      7\n");
}

TEST(Table, CountsCharactersAndLetsNoControlCharacterThrough) {
  Table table({{"NAME"}, {"X"}});
  table.AddRow({"Zürich", "1"});
  table.AddRow({"a\033[2Jb\n", "2"});
  EXPECT_EQ(table.ToString(kFile),
            "NAME     X\n"
            "Zürich   1\n"
            "a?[2Jb?  2\n");
}

TEST(FieldList, LeavesOutWhatIsEmpty) {
  FieldList fields;
  fields.Add("Name", "a");
  fields.Add("Nothing", "");
  fields.Add("Longer name", Cell("b", Style::kBad));
  EXPECT_EQ(fields.ToString(kFile), "Name:         a\nLonger name:  b\n");
}

}  // namespace
}  // namespace iqctl
