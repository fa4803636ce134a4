#include "common/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::SizeIs;

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { SetMinimumSeverity(Severity::kInfo); }

  // The last line from "event" on.
  std::string LastEvent() const {
    return lines_.empty() ? "" : lines_.back().substr(lines_.back().find("\"event\""));
  }

  std::vector<std::string> lines_;
  ScopedLogCapture capture_{[this](absl::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(LogTest, WritesTimeLevelAndEvent) {
  Log(Severity::kWarning, "tls_failed");
  EXPECT_THAT(lines_, ElementsAre(MatchesRegex(
                          "\\{\"time\":\"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
                          "\\.[0-9]{3}Z\",\"level\":\"warning\",\"event\":\"tls_failed\"\\}")));
}

TEST_F(LogTest, WritesFieldsOfEveryType) {
  Log(Severity::kInfo, "e",
      {{"s", std::string("x")},
       {"c", "y"},
       {"i", -3},
       {"u", std::numeric_limits<uint64_t>::max()},
       {"l", std::numeric_limits<int64_t>::min()},
       {"d", 0.5},
       {"b", true},
       {"v", absl::string_view("z")}});
  EXPECT_EQ(LastEvent(),
            "\"event\":\"e\",\"s\":\"x\",\"c\":\"y\",\"i\":-3,\"u\":18446744073709551615,"
            "\"l\":-9223372036854775808,\"d\":0.5,\"b\":true,\"v\":\"z\"}");
}

TEST_F(LogTest, WritesNumbersThatJsonLacksAsNull) {
  Log(Severity::kInfo, "e", {{"d", std::numeric_limits<double>::infinity()}});
  EXPECT_EQ(LastEvent(), "\"event\":\"e\",\"d\":null}");
}

TEST_F(LogTest, EscapesWhatJsonReserves) {
  Log(Severity::kInfo, "e", {{"s", absl::string_view("a\"b\\c\nd\re\tf\0g\x1bh\x7f", 16)}});
  EXPECT_EQ(LastEvent(),
            "\"event\":\"e\",\"s\":\"a\\\"b\\\\c\\nd\\re\\tf\\u0000g\\u001bh\\u007f\"}");
}

TEST_F(LogTest, KeepsUtf8AndReplacesWhatIsNot) {
  const struct {
    const char* text;
    const char* expected;
  } kCases[] = {
      {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
      {"a\x80z", "a\xef\xbf\xbdz"},                              // Stray continuation.
      {"a\xc3", "a\xef\xbf\xbd"},                                // Cut off.
      {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                  // Longer than needed.
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},  // A surrogate.
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},  // > U+10FFFF.
      {"\xff", "\xef\xbf\xbd"},
  };
  for (const auto& test : kCases) {
    Log(Severity::kInfo, "e", {{"s", test.text}});
    EXPECT_EQ(LastEvent(), absl::StrCat("\"event\":\"e\",\"s\":\"", test.expected, "\"}"));
  }
}

TEST_F(LogTest, OmitsWhatIsBelowTheMinimum) {
  Log(Severity::kDebug, "e");
  EXPECT_THAT(lines_, SizeIs(0));
  EXPECT_FALSE(IsLogged(Severity::kDebug));

  SetMinimumSeverity(Severity::kDebug);
  Log(Severity::kDebug, "e");
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("\"level\":\"debug\"")));

  SetMinimumSeverity(Severity::kError);
  Log(Severity::kWarning, "e");
  Log(Severity::kError, "e");
  EXPECT_THAT(lines_, SizeIs(2));
}

TEST_F(LogTest, TakesLinesFromManyThreads) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 100; ++i) Log(Severity::kInfo, "e", {{"thread", t}, {"i", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(lines_, SizeIs(400));
  EXPECT_THAT(lines_, testing::Each(testing::EndsWith("}")));
}

TEST(LogDeathTest, LinesBeforeAFailedCheckAreWritten) {
  testing::GTEST_FLAG(death_test_style) = "threadsafe";
  EXPECT_DEATH(
      {
        for (int i = 0; i < 100; ++i) Log(Severity::kInfo, "before", {{"i", i}});
        CHECK(false);
      },
      // In either order: the thread that writes lines may be ahead of the CHECK.
      testing::AllOf(HasSubstr("CHECK failed: false"), HasSubstr("\"before\",\"i\":99}")));
}

TEST(Log, WritesALineToStandardError) {
  testing::internal::CaptureStderr();
  Log(Severity::kInfo, "started", {{"port", 7060}});
  FlushLog(absl::Seconds(20));
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(absl::EndsWith(text, "\"event\":\"started\",\"port\":7060}\n")) << text;
}

}  // namespace
}  // namespace common
