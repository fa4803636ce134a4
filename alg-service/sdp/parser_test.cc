#include "alg-service/sdp/parser.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "alg-service/sdp/writer.h"
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
  const MediaField audio = MediaFieldOf(description.media[0]);
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
        {"TS_45_NoName", "v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\nt=0 0\r\n", 3, 1},
        {"TS_45_NoOrigin", "v=0\r\ns=-\r\nt=0 0\r\n", 2, 1},
        {"TwoVersions", "v=0\r\nv=0\r\n", 2, 1},
        {"ConnectionBehindTime", WithLine("c=IN IP4 1.2.3.4"), 5, 1},
        {"TwoSessionConnections",
         "v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nc=IN IP4 1.2.3.4\r\nt=0 "
         "0\r\n",
         5, 1},
        {"RepeatWithoutTime", absl::StrCat(kSession, "a=x\r\nr=7d 1h 0\r\n"), 6, 1},
        {"BandwidthBehindAttribute", absl::StrCat(kSession, "a=x\r\nb=AS:1\r\n"), 6, 1},
        {"OriginInMedia",
         absl::StrCat(kSession, "m=audio 9 RTP/AVP 0\r\no=a 1 1 IN IP4 1.2.3.4\r\n"), 6, 1},
        {"ConnectionBehindAttributeInMedia",
         absl::StrCat(kSession, "m=audio 9 RTP/AVP 0\r\na=x\r\nc=IN IP4 1.2.3.4\r\n"), 7, 1},
        {"TimeInMedia", absl::StrCat(kSession, "m=audio 9 RTP/AVP 0\r\nt=0 0\r\n"), 6, 1},
        {"EmptyLine", WithLine(""), 5, 1},
        {"NoEqualsSign", WithLine("a"), 5, 2},
        {"SpaceBeforeEqualsSign", WithLine("a =x"), 5, 2},
        {"TS_43_CarriageReturnInside", WithLine("a=path:abc;tcp\ra=3ge2ae:applied"), 5, 15},
        {"TS_43_TwoCarriageReturns", WithLine("a=x\r"), 5, 4},
        {"TS_43_CarriageReturnAtTheVeryEnd", absl::StrCat(kSession, "a=x\r"), 5, 4},
        {"TS_43_Nul", WithLine(std::string("a=x\0y", 5)), 5, 4},
        {"Version1", "v=1\r\n", 1, 3},
        {"OriginTooShort", "v=0\r\no=alice 1 1 IN IP4\r\n", 2, 3},
        {"OriginVersionNoNumber", "v=0\r\no=alice 1 x IN IP4 1.2.3.4\r\n", 2, 3},
        {"EmptyName", "v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\ns=\r\n", 3, 3},
        {"TimeNoNumber", "v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0 x\r\n", 4, 3},
        {"TimeOneNumber", "v=0\r\no=a 1 1 IN IP4 1.2.3.4\r\ns=-\r\nt=0\r\n", 4, 3},
        {"ConnectionTooLong", absl::StrCat(kSession, "m=a 9 b c\r\nc=IN IP4 1.2.3.4 5\r\n"), 6, 3},
        {"MediaWithoutFormat", WithLine("m=message 7654 TCP/MSRP"), 5, 3},
        {"MediaWithTwoSpaces", WithLine("m=message 7654 TCP/MSRP  *"), 5, 3},
        {"MediaPortTooBig", WithLine("m=message 65536 TCP/MSRP *"), 5, 3},
        {"MediaPortSigned", WithLine("m=message +5 TCP/MSRP *"), 5, 3},
        {"MediaPortCountEmpty", WithLine("m=message 5/ TCP/MSRP *"), 5, 3},
        {"AttributeWithoutName", WithLine("a=:x"), 5, 3},
        {"AttributeNameWithSpace", WithLine("a=fingerprint :x"), 5, 14},
        {"AttributeNameWithHighBit", WithLine("a=x\xC3\xA9"), 5, 4},
    }),
    [](const testing::TestParamInfo<MalformedCase>& info) { return info.param.name; });

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
