#include "alg-service/sdp/attributes.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

// The example of RFC 8122 clause 3.4.
constexpr absl::string_view kSha256 =
    "12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:"
    "AD";

TEST(Setup, R_SDP_20_KnowsTheValuesOfRfc4145) {
  EXPECT_EQ(ParseSetup("active"), Setup::kActive);
  EXPECT_EQ(ParseSetup("Passive"), Setup::kPassive);
  EXPECT_EQ(ParseSetup("actpass"), Setup::kActpass);
  EXPECT_EQ(ParseSetup("holdconn"), Setup::kHoldconn);
  EXPECT_EQ(ParseSetup(""), absl::nullopt);
  EXPECT_EQ(ParseSetup("both"), absl::nullopt);
  EXPECT_EQ(ParseSetup("act ive"), absl::nullopt);
  EXPECT_EQ(ToString(Setup::kActpass), "actpass");
}

TEST(Fingerprint, R_SEC_10_IsReadAndWritten) {
  const auto fingerprint = ParseFingerprint(absl::StrCat("SHA-256 ", kSha256));
  ASSERT_TRUE(fingerprint.has_value());
  EXPECT_EQ(fingerprint->hash_function, "sha-256");
  ASSERT_EQ(fingerprint->digest.size(), 32u);
  EXPECT_EQ(fingerprint->digest[0], 0x12);
  EXPECT_EQ(fingerprint->digest[31], 0xAD);
  EXPECT_EQ(ToString(*fingerprint), absl::StrCat("sha-256 ", kSha256));
}

TEST(Fingerprint, LowerCaseHexDigitsAreTheSame) {
  EXPECT_EQ(ParseFingerprint("x-hash ab:CD"), ParseFingerprint("X-HASH AB:cd"));
}

TEST(Fingerprint, ADigestHasTheLengthOfItsHashFunction) {
  for (absl::string_view name :
       {"md2", "md5", "sha-1", "sha-224", "sha-256", "sha-384", "sha-512"}) {
    const size_t size = DigestSize(name).value();
    std::string hex = "00";
    for (size_t i = 1; i < size; ++i) hex += ":FF";
    EXPECT_TRUE(ParseFingerprint(absl::StrCat(name, " ", hex)).has_value()) << name;
    EXPECT_FALSE(ParseFingerprint(absl::StrCat(name, " ", hex, ":00")).has_value()) << name;
    EXPECT_FALSE(ParseFingerprint(absl::StrCat(name, " 00")).has_value()) << name;
  }
  EXPECT_TRUE(ParseFingerprint("sha3-256 00").has_value());
  EXPECT_EQ(DigestSize("sha3-256"), absl::nullopt);
}

TEST(Fingerprint, BrokenValuesAreNone) {
  for (absl::string_view value :
       {"", "sha-256", "sha-256 ", " 00", "x-hash 0", "x-hash 00:", "x-hash :00", "x-hash 00 11",
        "x-hash 00-11", "x-hash 0G", "x-hash  00", "x-hash 00:1", "\"x\" 00"}) {
    EXPECT_FALSE(ParseFingerprint(value).has_value()) << value;
  }
}

TEST(MsrpUri, R_MSRP_02_IsReadInItsParts) {
  const auto uri = ParseMsrpUri("MSRPS://bob@Host.example.com:2855/si438+/=x;tcp;p=v;flag");
  ASSERT_TRUE(uri.has_value());
  EXPECT_TRUE(uri->is_secure);
  EXPECT_EQ(uri->user_info, "bob");
  EXPECT_EQ(uri->host, "Host.example.com");
  EXPECT_EQ(uri->port, 2855);
  EXPECT_EQ(uri->session_id, "si438+/=x");
  EXPECT_EQ(uri->transport, "tcp");
}

TEST(MsrpUri, TakesIpv6LiteralsInBracketsOnly) {
  const auto uri = ParseMsrpUri("msrp://[2001:db8::7]:2855/s;tcp");
  ASSERT_TRUE(uri.has_value());
  EXPECT_TRUE(uri->is_ipv6_literal);
  EXPECT_EQ(uri->host, "2001:db8::7");
  EXPECT_FALSE(uri->is_secure);
  EXPECT_FALSE(ParseMsrpUri("msrp://2001:db8::7:2855/s;tcp").has_value());
  EXPECT_FALSE(ParseMsrpUri("msrp://[192.0.2.1]:2855/s;tcp").has_value());
  EXPECT_FALSE(ParseMsrpUri("msrp://[2001:db8::7:2855/s;tcp").has_value());
}

TEST(MsrpUri, R_MSRP_02_ANumericHostNeedsAPort) {
  EXPECT_FALSE(ParseMsrpUri("msrp://192.0.2.1/s;tcp").has_value());
  EXPECT_FALSE(ParseMsrpUri("msrp://[2001:db8::7]/s;tcp").has_value());
  EXPECT_TRUE(ParseMsrpUri("msrp://host.example.com/s;tcp").has_value());
}

TEST(MsrpUri, TS_43_PercentEncodingIsKeptNotDecoded) {
  const auto uri = ParseMsrpUri("msrp://192.0.2.1:1/abc%0d%0aa=fingerprint;tcp");
  ASSERT_TRUE(uri.has_value());
  EXPECT_EQ(uri->session_id, "abc%0d%0aa=fingerprint");
}

TEST(MsrpUri, BrokenOnesAreNone) {
  for (absl::string_view text : {"",
                                 "msrp:",
                                 "http://h:1/s;tcp",
                                 "msrp://h:1/s",
                                 "msrp://:1/s;tcp",
                                 "msrp://h:/s;tcp",
                                 "msrp://h:0/s;tcp",
                                 "msrp://h:65536/s;tcp",
                                 "msrp://h:1/;tcp",
                                 "msrp://h:1/s;",
                                 "msrp://h:1/s;t cp",
                                 "msrp://h:1/s;tcp;",
                                 "msrp://h:1/s;tcp;a=",
                                 "msrp://h:1/s;tcp;=a",
                                 "msrp://h:1/a\tb;tcp",
                                 "msrp://h:1/a%0;tcp",
                                 "msrp://h:1/a%zz;tcp",
                                 "msrp://a\"b:1/s;tcp",
                                 "msrp://h:1x/s;tcp",
                                 "msrp://h:+1/s;tcp",
                                 "msrp://h:1?q;tcp"}) {
    EXPECT_FALSE(ParseMsrpUri(text).has_value()) << text;
  }
}

TEST(Path, TS_20_ListsRelaysBeforeThePeer) {
  const auto path = ParsePath("msrp://relay:9000/r;tcp msrp://192.0.2.1:7654/p;tcp");
  ASSERT_TRUE(path.has_value());
  ASSERT_EQ(path->size(), 2u);
  EXPECT_EQ(path->front().host, "relay");
  EXPECT_EQ(path->back().host, "192.0.2.1");
  EXPECT_FALSE(ParsePath("").has_value());
  EXPECT_FALSE(ParsePath("msrp://h:1/s;tcp  msrp://h:1/s;tcp").has_value());
  EXPECT_FALSE(ParsePath("msrp://h:1/s;tcp nonsense").has_value());
}

TEST(E2aeIndicator, R_SEC_03_ToleratesASpaceAndUnknownTokens) {
  EXPECT_EQ(ParseE2aeIndicator("requested"), E2aeIndicator::kRequested);
  EXPECT_EQ(ParseE2aeIndicator(" requested"), E2aeIndicator::kRequested);
  EXPECT_EQ(ParseE2aeIndicator("Applied"), E2aeIndicator::kApplied);
  EXPECT_EQ(ParseE2aeIndicator("new-in-release-30"), E2aeIndicator::kOther);
}

TEST(Attributes, TS_24_WhiteSpaceAroundAValueIsTolerated) {
  EXPECT_EQ(ParseSetup(" active "), Setup::kActive);
  EXPECT_EQ(ParseFingerprint(" x-hash 00:11\t"), ParseFingerprint("x-hash 00:11"));
  EXPECT_TRUE(ParsePath(" msrp://h:1/s;tcp ").has_value());
}

}  // namespace
}  // namespace alg
