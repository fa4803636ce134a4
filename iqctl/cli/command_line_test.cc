#include "iqctl/cli/command_line.h"

#include <string>
#include <vector>

#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "iqctl/cli/testing/example_table.h"

namespace iqctl {
namespace {

using common::StatusIs;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CommandLineTest : public testing::Test {
 protected:
  absl::StatusOr<Invocation> Read(const std::vector<std::string>& arguments) {
    return ReadCommandLine(table_, arguments, [this](const std::string& name) {
      const auto found = environment_.find(name);
      return found == environment_.end() ? absl::nullopt
                                         : absl::optional<std::string>(found->second);
    });
  }

  void ExpectMistake(const std::vector<std::string>& arguments, const std::string& message) {
    EXPECT_THAT(Read(arguments), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(message)));
  }

  const CommandTable table_ = ExampleTable();
  absl::flat_hash_map<std::string, std::string> environment_;
};

TEST_F(CommandLineTest, OptionsStandAnywhereAndInEverySpelling) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"pet", "feed", "cat", "--food", "fish"},
                                             {"--food=fish", "pet", "feed", "cat"},
                                             {"pet", "-f", "fish", "feed", "cat"},
                                             {"pet", "-ffish", "feed", "cat"}}) {
    ASSERT_OK_AND_ASSIGN(const Invocation invocation, Read(arguments));
    EXPECT_EQ(invocation.command->FullName(), "pet feed");
    EXPECT_THAT(invocation.arguments, ElementsAre("cat"));
    EXPECT_EQ(invocation.Value("food"), "fish");
    EXPECT_TRUE(invocation.IsGiven("food"));
  }
}

TEST_F(CommandLineTest, TheEnvironmentStandsInForOptionsAndDefaultsForBoth) {
  ASSERT_OK_AND_ASSIGN(Invocation invocation, Read({"look"}));
  EXPECT_EQ(invocation.Value("where"), "here");
  environment_["PET_WHERE"] = "there";
  ASSERT_OK_AND_ASSIGN(invocation, Read({"look"}));
  EXPECT_EQ(invocation.Value("where"), "there");
  EXPECT_FALSE(invocation.IsGiven("where"));
  ASSERT_OK_AND_ASSIGN(invocation, Read({"look", "--where", "yonder"}));
  EXPECT_EQ(invocation.Value("where"), "yonder");
  environment_["PET_WHERE"] = "";
  ASSERT_OK_AND_ASSIGN(invocation, Read({"look"}));
  EXPECT_EQ(invocation.Value("where"), "here");
}

TEST_F(CommandLineTest, TwoDashesEndTheOptions) {
  ASSERT_OK_AND_ASSIGN(const Invocation invocation, Read({"pet", "feed", "--", "--food"}));
  EXPECT_THAT(invocation.arguments, ElementsAre("--food"));
}

TEST_F(CommandLineTest, TheLastArgumentMayBeRepeatedOrLeftOut) {
  ASSERT_OK_AND_ASSIGN(Invocation invocation, Read({"pet", "feed", "cat", "dog", "cow"}));
  EXPECT_THAT(invocation.arguments, ElementsAre("cat", "dog", "cow"));
  ASSERT_OK_AND_ASSIGN(invocation, Read({"look"}));
  EXPECT_THAT(invocation.arguments, IsEmpty());
}

TEST_F(CommandLineTest, SaysWhatIsWrong) {
  ExpectMistake({}, "a command is missing; there are: pet, look");
  ExpectMistake({"pet"}, "a command is missing; there are: feed");
  ExpectMistake({"pet", "fed"}, "unknown command of pet \"fed\"; did you mean \"feed\"?");
  ExpectMistake({"zebra"}, "unknown command \"zebra\"; there are: pet, look");
  ExpectMistake({"pet", "feed"}, "PET is missing");
  ExpectMistake({"look", "up", "down"}, "unexpected argument \"down\"");
  ExpectMistake({"look", "left"}, "SIDE is \"left\" and must be one of: up, down");
  ExpectMistake({"look", "--wher=x"}, "unknown option \"--wher\"; did you mean \"--where\"?");
  ExpectMistake({"look", "--where"}, "--where needs a value: --where PLACE");
  ExpectMistake({"look", "--food", "fish"}, "\"look\" has no option --food");
  ExpectMistake({"pet", "feed", "cat", "--slowly=1"}, "--slowly takes no value");
  ExpectMistake({"pet", "feed", "cat", "--food", "stone"}, "--food is \"stone\"");
  environment_["PET_WHERE"] = "";
  ExpectMistake({"look", "-x"}, "unknown option \"-x\"");
}

TEST_F(CommandLineTest, HelpIsAskedForInManyWays) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"help", "pet", "feed"},
                                             {"pet", "feed", "--help"},
                                             {"-h", "pet", "feed", "--food", "fish"}}) {
    ASSERT_OK_AND_ASSIGN(const Invocation invocation, Read(arguments));
    EXPECT_TRUE(invocation.wants_help);
    EXPECT_EQ(invocation.command->FullName(), "pet feed");
  }
  ASSERT_OK_AND_ASSIGN(Invocation invocation, Read({"pet", "--help"}));
  EXPECT_EQ(invocation.group, "pet");
  ASSERT_OK_AND_ASSIGN(invocation, Read({"--version"}));
  EXPECT_TRUE(invocation.wants_version);
}

TEST_F(CommandLineTest, ReadsTimesAndCounts) {
  Invocation invocation;
  for (const auto& [text, duration] :
       std::vector<std::pair<std::string, absl::Duration>>{{"1500ms", absl::Milliseconds(1500)},
                                                           {"5s", absl::Seconds(5)},
                                                           {"2min", absl::Minutes(2)},
                                                           {"24h", absl::Hours(24)}}) {
    invocation.options["time"] = text;
    EXPECT_THAT(DurationValue(invocation, "time"), common::IsOkAndHolds(duration));
  }
  for (const char* text : {"", "5", "0s", "-1s", "25h", "soon", "inf"}) {
    invocation.options["time"] = text;
    EXPECT_THAT(DurationValue(invocation, "time"), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
  invocation.options["count"] = "3";
  EXPECT_THAT(CountValue(invocation, "count"), common::IsOkAndHolds(3));
  for (const char* text : {"", "0", "-1", "x"}) {
    invocation.options["count"] = text;
    EXPECT_THAT(CountValue(invocation, "count"), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(ExitCode, FollowsTheMeaningOfAnError) {
  EXPECT_EQ(ExitCodeOf(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeOf(absl::InvalidArgumentError("")), ExitCode::kUsage);
  EXPECT_EQ(ExitCodeOf(absl::NotFoundError("")), ExitCode::kNotFound);
  EXPECT_EQ(ExitCodeOf(absl::UnavailableError("")), ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeOf(absl::DeadlineExceededError("")), ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeOf(absl::PermissionDeniedError("")), ExitCode::kNotPermitted);
  EXPECT_EQ(ExitCodeOf(absl::UnauthenticatedError("")), ExitCode::kNotPermitted);
  EXPECT_EQ(ExitCodeOf(absl::FailedPreconditionError("")), ExitCode::kFailed);
  // Each has one meaning, and none is left out.
  int code = 0;
  for (const ExitCodeMeaning& meaning : ExitCodeMeanings()) {
    EXPECT_EQ(static_cast<int>(meaning.code), code++);
    EXPECT_FALSE(meaning.meaning.empty());
  }
  EXPECT_EQ(code, 8);
}

}  // namespace
}  // namespace iqctl
