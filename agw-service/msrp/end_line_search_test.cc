#include "agw-service/msrp/end_line_search.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

constexpr absl::string_view kId = "d93kswow";

EndLineSearch Started() {
  EndLineSearch search;
  search.Start(kId);
  return search;
}

// The end of the body by the definition, octet by octet; npos if there is none.
size_t EndByDefinition(absl::string_view body) {
  const std::string octets = absl::StrCat("\r\n", body);  // The blank line before it.
  size_t end = std::string::npos;
  for (absl::string_view flag : {"+", "$", "#"}) {
    const std::string end_line = absl::StrCat("\r\n-------", kId, flag, "\r\n");
    const size_t found = octets.find(end_line);
    if (found != std::string::npos) end = std::min(end, found + end_line.size() - 2);
  }
  return end;
}

TEST(EndLineSearchTest, FindsTheEndWhereverItIs) {
  for (size_t size = 0; size < 200; ++size) {
    const std::string end = absl::StrCat(std::string(size, 'x'), "\r\n-------", kId, "+\r\n");
    const absl::optional<EndLineSearch::Found> found = Started().Find(absl::StrCat(end, "more"));
    ASSERT_TRUE(found.has_value()) << size;
    EXPECT_EQ(found->size, end.size());
    EXPECT_EQ(found->flag, '+');
  }
}

TEST(EndLineSearchTest, AnEmptyBodyMayShareItsLineEndWithTheBlankLine) {
  const absl::optional<EndLineSearch::Found> found =
      Started().Find(absl::StrCat("-------", kId, "$\r\n"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->size, 7 + kId.size() + 3);
}

TEST(EndLineSearchTest, TakesNothingElseForTheEnd) {
  for (const char* body : {
           "\r\n-------d93kswow",
           "\r\n-------d93kswow$",
           "\r\n-------d93kswow$\r",
           "\r\n-------d93kswow$\n",
           "\r\n-------d93kswow$$\r\n",
           "\r\n-------d93kswow \r\n",
           "\r\n-------D93kswow$\r\n",
           "\r\n-------d93ksworw$\r\n",
           "\r\n------d93kswow$\r\n",
           "\r\n--------d93kswow$\r\n",
           "\n-------d93kswow$\r\n",
           "x-------d93kswow$\r\n",
           "\r-------d93kswow$\r\n",
           " -------d93kswow$\r\n",
       }) {
    EXPECT_FALSE(Started().Find(body).has_value()) << body;
  }
}

TEST(EndLineSearchTest, FindsTheEndBehindWhatLooksLikeIt) {
  const std::string end = absl::StrCat("\r\n-------", kId, "#\r\n");
  for (absl::string_view before :
       {"\r", "\r\n", "\r\r", "\r\n-------d93kswow$x", "\r\n-------d93kswow$\r", "-------",
        "\r\n-------", "\r\n-------d93kswo", "----------------------------------------"}) {
    const std::string body = absl::StrCat("x", before, end);
    const absl::optional<EndLineSearch::Found> found = Started().Find(body);
    ASSERT_TRUE(found.has_value()) << before;
    EXPECT_EQ(found->size, body.size()) << before;
    EXPECT_EQ(found->flag, '#');
  }
}

TEST(EndLineSearchTest, AgreesWithTheDefinitionHoweverBodiesAreMadeAndCut) {
  const absl::string_view pieces[] = {
      "\r",       "\n",
      "\r\n",     "-",
      "-------",  "------",
      kId,        "d93",
      "\r\n----", "$",
      "x",        "+\r\n",
      "#\r\n",    "this is seven times seven octets of no significance"};
  std::mt19937 random(1);
  int ends = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string body;
    for (uint32_t count = random() % 30; count > 0; --count) {
      absl::StrAppend(&body, pieces[random() % std::size(pieces)]);
    }
    if (random() % 2 == 0) absl::StrAppend(&body, "\r\n-------", kId, "$\r\n", "x");
    EndLineSearch search = Started();
    size_t end = std::string::npos;
    for (size_t begin = 0; begin < body.size() && end == std::string::npos;) {
      const size_t size = 1 + random() % 40;
      const absl::optional<EndLineSearch::Found> found =
          search.Find(absl::string_view(body).substr(begin, size));
      if (found.has_value()) end = begin + found->size;
      begin += size;
    }
    ASSERT_EQ(end, EndByDefinition(body)) << body;
    if (end != std::string::npos) ++ends;
  }
  EXPECT_GT(ends, 5000);
}

TEST(EndLineSearchTest, CompletesWhatWasSeen) {
  const std::string whole = absl::StrCat("\r\n-------", kId, "$\r\n");
  for (size_t size = 0; size < whole.size(); ++size) {
    EndLineSearch search = Started();
    ASSERT_FALSE(search.Find(absl::StrCat("body", whole.substr(0, size))).has_value());
    const bool flag_seen = size > 9 + kId.size();
    EXPECT_EQ(search.flag_seen(), flag_seen ? '$' : '\0');
    const absl::optional<EndLineSearch::Found> found = search.Find(search.Completion());
    ASSERT_TRUE(found.has_value()) << size;
    EXPECT_EQ(found->flag, flag_seen ? '$' : '#');
  }
}

}  // namespace
}  // namespace agw
