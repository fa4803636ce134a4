#include "iqctl/cli/completion.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "iqctl/cli/testing/example_table.h"

namespace iqctl {
namespace {

using testing::HasSubstr;
using testing::Not;

// What the shells make of it, tests/iqctl tries.
TEST(Completion, KnowsEveryCommandOptionAndChoice) {
  const CommandTable table = ExampleTable();
  for (const std::string& script : {BashCompletion(table), ZshCompletion(table)}) {
    for (const char* text :
         {"\"\") choices=\"pet look help --help --version\"", "\"pet\") choices=\"feed --help\"",
          "\"pet feed\") choices=\"--food --slowly --where --list --help\"",
          "\"look\") choices=\"--where --list --help up down\"", "--food|-f) choices=\"fish hay\"",
          "--list) files=1", "--where|--list|--food|-f) ((++i))"}) {
      EXPECT_THAT(script, HasSubstr(text));
    }
    // Nothing of the template is left.
    EXPECT_THAT(script, Not(testing::ContainsRegex("PROGRAM|GROUPS|BRANCHES|OPTIONS_WITH")));
  }
  EXPECT_THAT(BashCompletion(table), HasSubstr("complete -o default -F _pets pets"));
  EXPECT_THAT(ZshCompletion(table), testing::StartsWith("#compdef pets\n"));
}

}  // namespace
}  // namespace iqctl
