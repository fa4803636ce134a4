#include "alg-service/sdp/parser.h"

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "alg-service/sdp/session_description.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

using common::ErrorMetadata;
using common::ErrorReasonOf;
using common::IsOk;

constexpr absl::string_view kSession =
    "v=0\r\n"
    "o=alice 1 1 IN IP4 198.51.100.20\r\n"
    "s=-\r\n"
    "t=0 0\r\n";

constexpr absl::string_view kEverything =
    "v=0\r\n"
    "o=alice 1 1 IN IP4 198.51.100.20\r\n"
    "s= \r\n"
    "i=about\r\n"
    "u=http://example.com/\r\n"
    "e=a@example.com\r\n"
    "e=b@example.com\r\n"
    "p=+1\r\n"
    "c=IN IP4 198.51.100.20\r\n"
    "b=AS:64\r\n"
    "b=X-YZ:1\r\n"
    "t=0 0\r\n"
    "r=7d 1h 0 25h\r\n"
    "z=2882844526 -1h\r\n"
    "t=2873397496 2873404696\r\n"
    "k=prompt\r\n"
    "a=x-unknown: spaces, \"quotes\" = and \xC3\xA9\r\n"
    "a=flag\r\n"
    "m=audio 49170/2 RTP/AVP 0 96\r\n"
    "i=sound\r\n"
    "c=IN IP4 198.51.100.20\r\n"
    "c=IN IP4 198.51.100.21\r\n"
    "b=AS:30\r\n"
    "k=prompt\r\n"
    "a=rtpmap:96 AMR/8000\r\n"
    "m=message 7654 TCP/MSRP *\r\n"
    "a=path:msrp://198.51.100.20:7654/abc;tcp\r\n";

constexpr absl::string_view kMsrp = "m=message 7654 TCP/MSRP *\r\n";

// The description after one line behind the session section.
std::string WithLine(absl::string_view line) { return absl::StrCat(kSession, line, "\r\n"); }

TEST(Parser, R_SDP_01_KeepsEveryLineAsItCame) {
  ASSERT_OK_AND_ASSIGN(SessionDescription description, ParseSessionDescription(kEverything));
  EXPECT_EQ(description.media.size(), 2u);
  EXPECT_EQ(WriteSessionDescription(description), kEverything);
}

TEST(Parser, R_SDP_02_TS_24_AcceptsBareLineFeedsAndWritesCrlf) {
  const std::string bare = absl::StrReplaceAll(kEverything, {{"\r\n", "\n"}});
  ASSERT_OK_AND_ASSIGN(SessionDescription description, ParseSessionDescription(bare));
  EXPECT_EQ(WriteSessionDescription(description), kEverything);
}

TEST(Parser, TS_24_AddsTheMissingEndOfTheLastLine) {
  const absl::string_view text = kEverything.substr(0, kEverything.size() - 2);
  ASSERT_OK_AND_ASSIGN(SessionDescription description, ParseSessionDescription(text));
  EXPECT_EQ(WriteSessionDescription(description), kEverything);
}

TEST(Parser, ReadsTheTypedFields) {
  ASSERT_OK_AND_ASSIGN(SessionDescription description, ParseSessionDescription(kEverything));
  const MediaField audio = *MediaFieldOf(description.media[0]);
  EXPECT_EQ(audio.media, "audio");
  EXPECT_EQ(audio.port, 49170);
  EXPECT_EQ(audio.port_count, "2");
  EXPECT_EQ(audio.proto, "RTP/AVP");
  EXPECT_THAT(audio.formats, testing::ElementsAre("0", "96"));
  EXPECT_EQ(ToString(audio), "audio 49170/2 RTP/AVP 0 96");

  const auto origin = ParseOriginField(description.session.Find('o')->value);
  ASSERT_TRUE(origin.has_value());
  EXPECT_EQ(origin->username, "alice");
  EXPECT_EQ(ToString(origin->address), "IN IP4 198.51.100.20");
  EXPECT_TRUE(description.session.HasAttribute("FLAG"));
  EXPECT_THAT(description.session.Attributes("flag"), testing::ElementsAre(""));
  EXPECT_FALSE(description.session.HasAttribute("fla"));
}

struct MalformedCase {
  std::string name;
  std::string text;
  int line;
  int column;
};

void PrintTo(const MalformedCase& test, std::ostream* out) { *out << test.name; }

class MalformedTest : public testing::TestWithParam<MalformedCase> {};

TEST_P(MalformedTest, IsRefusedWithLineAndColumn) {
  const absl::Status status = ParseSessionDescription(GetParam().text).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReasonOf(status), "SDP_MALFORMED");
  EXPECT_EQ(common::GetErrorInfo(status).domain, "alg.ims");
  EXPECT_EQ(ErrorMetadata(status, "line"), absl::StrCat(GetParam().line)) << status;
  EXPECT_EQ(ErrorMetadata(status, "column"), absl::StrCat(GetParam().column)) << status;
  EXPECT_EQ(ErrorMetadata(status, "sip_status"), "400");
  EXPECT_THAT(std::string(status.message()),
              testing::HasSubstr(absl::StrCat("line ", GetParam().line)));
}

INSTANTIATE_TEST_SUITE_P(
    Parser, MalformedTest,
    testing::ValuesIn(std::vector<MalformedCase>{
        {"Empty", "", 1, 1},
        {"TS_45_MediaBeforeVersion", absl::StrCat("m=message 1 TCP/MSRP *\r\n", kSession), 1, 1},
        {"TS_45_OriginFirst", "o=alice 1 1 IN IP4 1.2.3.4\r\nv=0\r\n", 1, 1},
        {"TS_45_TwoOrigins", "v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\no=b 1 1 IN IP4 1.2.3.4\r\n", 3, 1},
        {"TS_45_UnknownTypeLetter", WithLine("q=what"), 5, 1},
        {"TS_45_UpperCaseTypeLetter", WithLine("A=what"), 5, 1},
        {"TS_45_NoTime", "v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\ns=-\r\nm=audio 9 RTP/AVP 0\r\n", 4, 1},
        {"TS_45_NoTimeAtTheEnd", "v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\ns=-\r\n", 4, 1},
        {"TS_45_NoOrigin", "v=0\r\ns=-\r\nt=0 0\r\n", 4, 1},
        {"TS_45_OriginOnlyInMedia",
         absl::StrCat("v=0\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n",
                      "o=a 1 1 IN IP4 1.2.3.4\r\n"),
         4, 1},
        {"TS_45_TimeOnlyInMedia",
         "v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\nm=audio 9 RTP/AVP 0\r\nt=0 0\r\n", 3, 1},
        {"VersionInMedia", absl::StrCat(kSession, "m=audio 9 RTP/AVP 0\r\nv=0\r\n"), 6, 1},
        {"EmptyLineInside", absl::StrCat(kSession, "\r\n\r\na=x\r\n"), 5, 1},
        {"EmptyLineFirst", absl::StrCat("\r\n", kSession), 1, 1},
        {"TwoVersions", "v=0\r\nv=0\r\n", 2, 1},
        {"OriginInMedia",
         absl::StrCat(kSession, "m=audio 9 RTP/AVP 0\r\no=a 1 1 IN IP4 1.2.3.4\r\n"), 6, 1},
        {"NoEqualsSign", WithLine("a"), 5, 2},
        {"SpaceBeforeEqualsSign", WithLine("a =x"), 5, 2},
        {"TS_43_CarriageReturnInside", WithLine("a=path:abc;tcp\ra=3ge2ae:applied"), 5, 15},
        {"TS_43_TwoCarriageReturns", WithLine("a=x\r"), 5, 4},
        {"TS_43_CarriageReturnAtTheVeryEnd", absl::StrCat(kSession, "a=x\r"), 5, 4},
        {"TS_43_Nul", WithLine(std::string("a=x\0y", 5)), 5, 4},
        {"Version1", "v=1\r\n", 1, 3},
        {"OriginTooShortWithMsrp",
         "v=0\r\no=alice 1 1 IN IP4\r\nt=0 0\r\nm=message 7654 TCP/MSRP *\r\n", 2, 3},
        {"OriginVersionNoNumberWithMsrp",
         "v=0\r\no=alice 1 x IN IP4 1.2.3.4\r\nt=0 0\r\nm=message 0 TCP/MSRP *\r\n", 2, 3},
        {"FingerprintNameWithSpaceInMsrp", absl::StrCat(kSession, kMsrp, "a=fingerprint :x\r\n"), 6,
         14},
        {"FingerprintNameWithSpaceInTheSession",
         absl::StrCat(kSession, "a=Fingerprint sha-256 AB\r\nm=audio 9 RTP/AVP 0\r\n", kMsrp), 5,
         14},
        {"SetupBehindASpaceInMsrp", absl::StrCat(kSession, kMsrp, "a= setup:active\r\n"), 6, 3},
        {"PathBehindAColonInMsrp", absl::StrCat(kSession, kMsrp, "a=:path:msrp://h:1/s;tcp\r\n"), 6,
         3},
        {"IndicatorWithHighBitInMsrp",
         absl::StrCat(kSession, kMsrp, "a=3ge2ae\xC2\xA0:applied\r\n"), 6, 9},
        {"MessageWithoutProtocol", WithLine("m=message 0"), 5, 3},
        {"MessageBehindASpace", WithLine("m= Message 7654 TCP/MSRP *"), 5, 3},
        {"MsrpOfAnotherMedia", WithLine("m=application  7654 tcp/tls/msrp *"), 5, 3},
        {"MediaWithoutFormat", WithLine("m=message 7654 TCP/MSRP"), 5, 3},
        {"MediaWithTwoSpaces", WithLine("m=message 7654 TCP/MSRP  *"), 5, 3},
        {"MediaPortTooBig", WithLine("m=message 65536 TCP/MSRP *"), 5, 3},
        {"MediaPortSigned", WithLine("m=message +5 TCP/MSRP *"), 5, 3},
        {"MediaPortCountEmpty", WithLine("m=message 5/ TCP/MSRP *"), 5, 3},
    }),
    [](const testing::TestParamInfo<MalformedCase>& info) { return info.param.name; });

// A body of testdata that breaks RFC 8866 where it does not concern us.
struct ToleratedBody {
  std::string file;
  std::vector<Deviation> deviations;
};

void PrintTo(const ToleratedBody& body, std::ostream* out) { *out << body.file; }

std::vector<ToleratedBody> ToleratedBodies() {
  return {
      {"empty-session-name", {Deviation::kSessionName}},
      {"no-session-name", {Deviation::kSessionName}},
      {"connection-behind-attribute", {Deviation::kLineOrder}},
      {"time-behind-attribute", {Deviation::kLineOrder}},
      {"connection-behind-time", {Deviation::kLineOrder}},
      {"origin-behind-session-name", {Deviation::kLineOrder}},
      {"time-in-media", {Deviation::kLineOrder}},
      {"two-session-connections", {Deviation::kLineOrder}},
      {"repeat-without-time", {Deviation::kLineOrder}},
      {"media-without-protocol", {Deviation::kMedia}},
      {"media-port-out-of-range", {Deviation::kMedia}},
      {"media-with-two-spaces", {Deviation::kMedia}},
      {"origin-without-address", {Deviation::kOrigin}},
      {"origin-version-no-number", {Deviation::kOrigin}},
      {"time-no-number", {Deviation::kTime}},
      {"connection-of-five-words", {Deviation::kConnection}},
      {"attribute-without-name", {Deviation::kAttributeName}},
      {"attribute-name-with-space", {Deviation::kAttributeName}},
      {"attribute-name-with-high-bit", {Deviation::kAttributeName}},
      {"trailing-spaces", {Deviation::kTrailingSpace}},
      {"trailing-empty-lines", {Deviation::kTrailingEmptyLine}},
      {"everything-at-once",
       {Deviation::kSessionName, Deviation::kLineOrder, Deviation::kOrigin, Deviation::kTime,
        Deviation::kConnection, Deviation::kMedia, Deviation::kAttributeName,
        Deviation::kTrailingSpace, Deviation::kTrailingEmptyLine}},
  };
}

class ToleratedTest : public testing::TestWithParam<ToleratedBody> {};

TEST_P(ToleratedTest, IsTakenNotedAndWrittenByteForByte) {
  const std::string path = absl::StrCat("alg-service/sdp/testdata/", GetParam().file, ".sdp");
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path;
  const std::string text(std::istreambuf_iterator<char>(in), {});
  ASSERT_OK_AND_ASSIGN(SessionDescription description, ParseSessionDescription(text));
  EXPECT_EQ(WriteSessionDescription(description), text);
  EXPECT_EQ(description.deviations, GetParam().deviations);
}

INSTANTIATE_TEST_SUITE_P(Parser, ToleratedTest, testing::ValuesIn(ToleratedBodies()),
                         [](const testing::TestParamInfo<ToleratedBody>& info) {
                           return absl::StrReplaceAll(info.param.file, {{"-", "_"}});
                         });

TEST(Parser, ACorrectDescriptionHasNoDeviations) {
  ASSERT_OK_AND_ASSIGN(SessionDescription description, ParseSessionDescription(kEverything));
  EXPECT_THAT(description.deviations, testing::IsEmpty());
}

TEST(Parser, EveryDeviationHasALabelOfItsOwn) {
  std::set<absl::string_view> labels;
  const std::vector<Deviation> all = ToleratedBodies().back().deviations;
  for (Deviation deviation : all) labels.insert(ToString(deviation));
  EXPECT_EQ(labels.size(), static_cast<size_t>(Deviation::kTrailingEmptyLine) + 1);
  EXPECT_EQ(labels.count(""), 0u);
}

TEST(Parser, WhatIsBrokenBesideAnMsrpSectionIsToleratedThereToo) {
  const std::string text =
      absl::StrCat("v=0\r\no=- 1 1 IN IP4 198.51.100.20\r\ns=\r\na=x y\r\nt=x\r\n", kMsrp,
                   "a=x-vendor :1\r\nc=IN IP4 198.51.100.20\r\nm=audio 0\r\na=fingerprint :x\r\n");
  ASSERT_OK_AND_ASSIGN(SessionDescription description, ParseSessionDescription(text));
  EXPECT_EQ(WriteSessionDescription(description), text);
}

TEST(Parser, T11_WhiteSpaceBehindAFlagIsNotPartOfIt) {
  const std::string text = absl::StrCat(kSession, kMsrp, "a=msrp-cema \r\n");
  ASSERT_OK_AND_ASSIGN(SessionDescription description, ParseSessionDescription(text));
  EXPECT_TRUE(description.media[0].HasAttribute("msrp-cema"));
  EXPECT_THAT(description.deviations, testing::ElementsAre(Deviation::kTrailingSpace));
}

TEST(Media, IsSeenAsFarAsItCanBeRead) {
  const auto section = [](absl::string_view value) { return Section{{{'m', std::string(value)}}}; };
  EXPECT_EQ(MediaTypeOf(section("audio")), "audio");
  EXPECT_EQ(MediaTypeOf(section("video 0")), "video");
  EXPECT_TRUE(IsAtPortZero(section("video 0")));
  EXPECT_TRUE(IsAtPortZero(section("video  0/2 RTP/AVP 0")));
  EXPECT_FALSE(IsAtPortZero(section("video")));
  EXPECT_FALSE(IsAtPortZero(section("video x")));
  EXPECT_FALSE(IsAtPortZero(section("video\t0 2855 RTP/AVP 0")));
  EXPECT_FALSE(IsAtPortZero(section("video 70000 RTP/AVP 0")));
  EXPECT_FALSE(MediaFieldOf(section("video 0")).has_value());
  EXPECT_FALSE(IsMsrp(section("message 0")));
  EXPECT_TRUE(IsMsrp(section("Message 0 tcp/tls/msrp *")));
  EXPECT_TRUE(IsMsrp(section("message 7654 TCP/MSRP * ")));
}

std::string Repeat(absl::string_view line, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) absl::StrAppend(&text, line);
  return text;
}

TEST(Parser, TS_47_ABodyOverItsLimitIsRefused) {
  const std::string most = absl::StrCat(kSession, Repeat("a=0123456789012345\r\n", 1000));
  EXPECT_THAT(ParseSessionDescription(most), IsOk());

  const absl::Status status =
      ParseSessionDescription(std::string(SdpLimits::kBodySize + 1, 'a')).status();
  EXPECT_EQ(ErrorReasonOf(status), "SDP_TOO_LARGE");
  EXPECT_EQ(ErrorMetadata(status, "line"), "1");
  EXPECT_EQ(ErrorMetadata(status, "sip_status"), "413");
}

TEST(Parser, TS_47_ALineOverItsLimitIsRefused) {
  EXPECT_THAT(ParseSessionDescription(
                  WithLine(absl::StrCat("a=", std::string(SdpLimits::kLineSize - 2, 'x')))),
              IsOk());
  const absl::Status status =
      ParseSessionDescription(
          WithLine(absl::StrCat("a=", std::string(SdpLimits::kLineSize - 1, 'x'))))
          .status();
  EXPECT_EQ(ErrorReasonOf(status), "SDP_TOO_LARGE");
  EXPECT_EQ(ErrorMetadata(status, "line"), "5");
  EXPECT_EQ(ErrorMetadata(status, "sip_status"), "413");
}

struct CountLimit {
  std::string name;
  std::string line;
  size_t limit;
};

TEST(Parser, TS_47_MoreThanTheLimitOfAnythingIsRefused) {
  const std::vector<CountLimit> limits = {
      {"lines", "a=x\r\n", SdpLimits::kLineCount - 4},
      {"m-lines", "m=message 9 TCP/MSRP *\r\n", SdpLimits::kMediaCount},
      {"fingerprints", "a=Fingerprint:sha-256 AB\r\n", SdpLimits::kFingerprintCount},
  };
  for (const CountLimit& limit : limits) {
    SCOPED_TRACE(limit.name);
    const std::string most = absl::StrCat(kSession, Repeat(limit.line, limit.limit));
    EXPECT_THAT(ParseSessionDescription(most), IsOk());
    const absl::Status status = ParseSessionDescription(absl::StrCat(most, limit.line)).status();
    EXPECT_EQ(ErrorReasonOf(status), "SDP_TOO_LARGE");
    EXPECT_EQ(ErrorMetadata(status, "sip_status"), "488");
  }
}

TEST(Parser, TS_47_FingerprintsAreCountedPerSection) {
  const std::string fingerprints =
      Repeat("a=fingerprint:sha-256 AB\r\n", SdpLimits::kFingerprintCount);
  EXPECT_THAT(ParseSessionDescription(
                  absl::StrCat(kSession, fingerprints, "m=message 9 TCP/MSRP *\r\n", fingerprints)),
              IsOk());
}

TEST(Parser, TS_47_MorePathUrisThanTheLimitAreRefused) {
  const std::vector<std::string> uris(SdpLimits::kPathUriCount, "msrp://h;tcp");
  const std::string most = absl::StrCat("a=path:", absl::StrJoin(uris, " "));
  EXPECT_THAT(ParseSessionDescription(WithLine(most)), IsOk());
  EXPECT_EQ(ErrorReasonOf(ParseSessionDescription(WithLine(most + " x")).status()),
            "SDP_TOO_LARGE");
}

}  // namespace
}  // namespace alg
