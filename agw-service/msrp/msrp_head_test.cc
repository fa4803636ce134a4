#include "agw-service/msrp/msrp_head.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using Progress = MsrpHead::Progress;

const std::string kPaths = "To-Path: msrp://b:1/b;tcp\r\nFrom-Path: msrp://a:1/a;tcp\r\n";

std::string SendWith(absl::string_view headers) {
  return absl::StrCat("MSRP a786 SEND\r\n", kPaths, headers);
}

TEST(MsrpHeadTest, OfARequestEndsWithTheBlankLine) {
  const std::string head = SendWith("Message-ID: 1\r\nContent-Type: text/plain\r\n\r\n");
  const std::string octets = absl::StrCat(head, "body\r\n-------a786$\r\n");
  MsrpHead parsed;
  ASSERT_EQ(parsed.Parse(octets), Progress::kComplete);
  EXPECT_EQ(parsed.size(), head.size());
  EXPECT_TRUE(parsed.is_request());
  EXPECT_EQ(parsed.method(), MsrpMethod::kSend);
  EXPECT_EQ(parsed.transaction_id(octets), "a786");
  EXPECT_EQ(parsed.to_path(octets), "msrp://b:1/b;tcp");
  EXPECT_EQ(parsed.from_path(octets), "msrp://a:1/a;tcp");
  EXPECT_EQ(parsed.end_flag(), '\0');
}

TEST(MsrpHeadTest, OfAMessageWithoutBodyEndsWithItsEndLine) {
  for (char flag : {'+', '$', '#'}) {
    const std::string octets = SendWith(absl::StrCat("-------a786", std::string(1, flag), "\r\n"));
    MsrpHead parsed;
    ASSERT_EQ(parsed.Parse(absl::StrCat(octets, "MSRP b786 SEND\r\n")), Progress::kComplete);
    EXPECT_EQ(parsed.size(), octets.size());
    EXPECT_EQ(parsed.end_flag(), flag);
  }
}

struct StartLine {
  const char* text;
  bool is_request;
  MsrpMethod method;
  const char* code_label;
};

TEST(MsrpHeadTest, TellsRequestsAndResponsesApart) {
  for (const StartLine& line : {
           StartLine{"MSRP a786 SEND", true, MsrpMethod::kSend, ""},
           StartLine{"MSRP a786 REPORT", true, MsrpMethod::kReport, ""},
           StartLine{"MSRP a786 AUTH", true, MsrpMethod::kAuth, ""},
           StartLine{"MSRP a786 NICKNAME", true, MsrpMethod::kNickname, ""},
           StartLine{"MSRP a786 X", true, MsrpMethod::kOther, ""},
           StartLine{"MSRP a786 200 OK", false, MsrpMethod::kOther, "200"},
           StartLine{"MSRP a786 200", false, MsrpMethod::kOther, "200"},
           StartLine{"MSRP a786 481 No  such session: x", false, MsrpMethod::kOther, "481"},
           StartLine{"MSRP a786 506 ", false, MsrpMethod::kOther, "506"},
           StartLine{"MSRP a786 425 \xC3\x9C", false, MsrpMethod::kOther, "other"},
       }) {
    const std::string octets = absl::StrCat(line.text, "\r\n", kPaths, "-------a786$\r\n");
    MsrpHead parsed;
    ASSERT_EQ(parsed.Parse(octets), Progress::kComplete) << line.text;
    EXPECT_EQ(parsed.is_request(), line.is_request) << line.text;
    if (line.is_request) {
      EXPECT_EQ(parsed.method(), line.method) << line.text;
    } else {
      EXPECT_EQ(kMsrpCodeLabels[parsed.code_index()], line.code_label) << line.text;
    }
  }
}

TEST(MsrpHeadTest, TakesTransactionIdsThatTheGrammarAllows) {
  for (const std::string& id : {std::string("a.-+"), std::string("0%=z"), std::string(32, 'a')}) {
    const std::string octets =
        absl::StrCat("MSRP ", id, " SEND\r\n", kPaths, "-------", id, "$\r\n");
    MsrpHead parsed;
    EXPECT_EQ(parsed.Parse(octets), Progress::kComplete) << id;
  }
}

TEST(MsrpHeadTest, PathHeadersMayHaveAnyCaseAndSpaceAroundTheirValue) {
  const std::string octets = "MSRP a786 SEND\r\nTO-PATH:\tx y  \r\nfrom-path:z\r\n-------a786$\r\n";
  MsrpHead parsed;
  ASSERT_EQ(parsed.Parse(octets), Progress::kComplete);
  EXPECT_EQ(parsed.to_path(octets), "x y");
  EXPECT_EQ(parsed.from_path(octets), "z");
}

struct Broken {
  std::string octets;
  MsrpFramingError error;
};

const Broken kBroken[] = {
    {"GET / HTTP/1.1\r\n", MsrpFramingError::kNotMsrp},
    {"X", MsrpFramingError::kNotMsrp},
    {"\r\nMSRP", MsrpFramingError::kNotMsrp},
    {"MSRX", MsrpFramingError::kNotMsrp},
    {"msrp a786 SEND\r\n", MsrpFramingError::kNotMsrp},
    {std::string("\x16\x03\x01", 3), MsrpFramingError::kNotMsrp},
    {"MSRP abc SEND\r\n", MsrpFramingError::kBadTransactionId},
    {"MSRP  SEND\r\n", MsrpFramingError::kBadTransactionId},
    {"MSRP .bcd SEND\r\n", MsrpFramingError::kBadTransactionId},
    {"MSRP ab_d SEND\r\n", MsrpFramingError::kBadTransactionId},
    {absl::StrCat("MSRP ", std::string(33, 'a'), " SEND\r\n"), MsrpFramingError::kBadTransactionId},
    {"MSRP a786\r\n", MsrpFramingError::kMalformedStartLine},
    {"MSRP a786 \r\n", MsrpFramingError::kMalformedStartLine},
    {"MSRP a786 Send\r\n", MsrpFramingError::kMalformedStartLine},
    {"MSRP a786 SEND \r\n", MsrpFramingError::kMalformedStartLine},
    {"MSRP a786 20 OK\r\n", MsrpFramingError::kMalformedStartLine},
    {"MSRP a786 2000 OK\r\n", MsrpFramingError::kMalformedStartLine},
    {"MSRP a786  200 OK\r\n", MsrpFramingError::kMalformedStartLine},
    {"MSRP a786 SEND\n", MsrpFramingError::kMalformedStartLine},
    {"MSRP a786 200 O\rK\r\n", MsrpFramingError::kMalformedStartLine},
    {"MSRP a786 SEND\r\n\r\n", MsrpFramingError::kNoToPath},
    {"MSRP a786 SEND\r\n-------a786$\r\n", MsrpFramingError::kNoToPath},
    {"MSRP a786 SEND\r\nTo-Path: \r\n", MsrpFramingError::kNoToPath},
    {"MSRP a786 SEND\r\nFrom-Path: a\r\nTo-Path: b\r\n", MsrpFramingError::kNoToPath},
    {"MSRP a786 SEND\r\nMessage-ID: 1\r\nTo-Path: b\r\n", MsrpFramingError::kNoToPath},
    {"MSRP a786 SEND\r\nTo-Path: b\r\n\r\n", MsrpFramingError::kNoFromPath},
    {"MSRP a786 SEND\r\nTo-Path: b\r\nTo-Path: b\r\n", MsrpFramingError::kNoFromPath},
    {"MSRP a786 SEND\r\nTo-Path: b\r\nMessage-ID: 1\r\n", MsrpFramingError::kNoFromPath},
    {SendWith("Message-ID\r\n"), MsrpFramingError::kMalformedHeader},
    {SendWith(": 1\r\n"), MsrpFramingError::kMalformedHeader},
    {SendWith("Message-ID: 1\n"), MsrpFramingError::kMalformedHeader},
    {SendWith("Message-ID: \r1\r\n"), MsrpFramingError::kMalformedHeader},
    {SendWith("Message-ID: 1\r\r\n"), MsrpFramingError::kMalformedHeader},
    {SendWith("To-Path: b\r\n"), MsrpFramingError::kMalformedHeader},
    {SendWith("FROM-PATH: b\r\n"), MsrpFramingError::kMalformedHeader},
    {SendWith("-------a786\r\n"), MsrpFramingError::kBadEndLine},
    {SendWith("-------a786!\r\n"), MsrpFramingError::kBadEndLine},
    {SendWith("-------a786$$\r\n"), MsrpFramingError::kBadEndLine},
    {SendWith("-------a787$\r\n"), MsrpFramingError::kBadEndLine},
    {SendWith("-------\r\n"), MsrpFramingError::kBadEndLine},
    {SendWith(absl::StrCat("X: ", std::string(kMsrpHeadLimit, 'x'))),
     MsrpFramingError::kHeadTooLarge},
};

TEST(MsrpHeadTest, NamesWhatIsWrong) {
  for (const Broken& broken : kBroken) {
    MsrpHead parsed;
    ASSERT_EQ(parsed.Parse(broken.octets), Progress::kBroken) << broken.octets;
    EXPECT_EQ(LabelOf(parsed.error()), LabelOf(broken.error)) << broken.octets;
  }
}

TEST(MsrpHeadTest, NamesTheSameWhenItComesOctetByOctet) {
  for (const Broken& broken : kBroken) {
    MsrpHead parsed;
    Progress progress = Progress::kIncomplete;
    for (size_t size = 1; size <= broken.octets.size() && progress == Progress::kIncomplete;
         ++size) {
      progress = parsed.Parse(absl::string_view(broken.octets).substr(0, size));
    }
    ASSERT_EQ(progress, Progress::kBroken) << broken.octets;
    EXPECT_EQ(LabelOf(parsed.error()), LabelOf(broken.error)) << broken.octets;
  }
}

TEST(MsrpHeadTest, MayBeAsLargeAsTheLimitAndNotLarger) {
  const std::string begin = SendWith("X: ");
  const size_t room = kMsrpHeadLimit - begin.size() - 4;
  const std::string at_limit = absl::StrCat(begin, std::string(room, 'x'), "\r\n\r\n");
  MsrpHead parsed;
  ASSERT_EQ(parsed.Parse(at_limit), Progress::kComplete);
  EXPECT_EQ(parsed.size(), kMsrpHeadLimit);
  const std::string over_limit = absl::StrCat(begin, std::string(room + 1, 'x'), "\r\n\r\n");
  MsrpHead larger;
  EXPECT_EQ(larger.Parse(over_limit), Progress::kBroken);
  EXPECT_EQ(larger.error(), MsrpFramingError::kHeadTooLarge);
}

}  // namespace
}  // namespace agw
