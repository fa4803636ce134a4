#include "alg-service/offer_answer/rewrite.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "alg-service/offer_answer/testing/descriptions.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

constexpr char kSessionConnection[] = "c=IN IP4 198.51.100.20\r\n";
constexpr char kUeConnection[] = "c=IN IP4 10.45.0.7\r\n";
constexpr char kMediaLine[] = "m=message 7654 TCP/MSRP *\r\n";
constexpr char kUeMediaLine[] = "m=message 2855 TCP/TLS/MSRP *\r\n";
constexpr char kT1MediaLine[] = "m=message 40002 TCP/TLS/MSRP *\r\n";
constexpr char kT2MediaLine[] = "m=message 30002 TCP/MSRP *\r\n";
constexpr char kT1Connection[] = "c=IN IP4 192.0.2.10\r\n";
constexpr char kT2Connection[] = "c=IN IP4 203.0.113.10\r\n";
constexpr char kSetupLine[] = "a=setup:actpass\r\n";
constexpr char kTimeLine[] = "t=0 0\r\n";
constexpr char kAudio[] = "m=audio 49170 RTP/AVP 0\r\n";
constexpr char kSpoof[] =
    "a=3ge2ae: applied\r\n"
    "a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n";

std::string Added() {
  return absl::StrCat("a=3ge2ae:applied\r\n",
                      Attribute(absl::StrCat("fingerprint:", kAgwFingerprint)));
}

std::string RewrittenOffer(const std::string& text) {
  const SessionDescription offer = ParseOrDie(text);
  const OfferPlan plan = PlanOffer(offer, BothHaveE2ae());
  EXPECT_FALSE(plan.rejection.has_value());
  return RewriteOffer(offer, plan, Reservations(4));
}

std::string RewrittenAnswer(const std::string& offer_text, const std::string& answer_text) {
  const SessionDescription offer = ParseOrDie(offer_text);
  const SessionDescription answer = ParseOrDie(answer_text);
  const OfferPlan offer_plan = PlanOffer(offer, BothHaveE2ae());
  const AnswerPlan plan = PlanAnswer(offer, offer_plan, answer, Reservations(4), {});
  EXPECT_FALSE(plan.rejection.has_value());
  return RewriteAnswer(offer, offer_plan, answer, plan, Reservations(4));
}

TEST(RewriteOffer, ConnectionOfTheMediaIsRewrittenWhereItIs) {
  const std::string result = RewrittenOffer(
      OfferText({{kMediaLine, absl::StrCat(kMediaLine, "i=chat\r\n", kSessionConnection)}}));
  EXPECT_THAT(result, HasSubstr(absl::StrCat(kT1MediaLine, "i=chat\r\n", kT1Connection)));
  EXPECT_THAT(result, HasSubstr(absl::StrCat(kSessionConnection, kTimeLine)));
}

TEST(RewriteOffer, TS_09_ConnectionOfTheSessionStaysIfSomebodyElseNeedsIt) {
  const std::string result = RewrittenOffer(
      absl::StrCat(OfferText({{kMediaLine, absl::StrCat(kMediaLine, "i=chat\r\n")}}), kAudio));
  EXPECT_THAT(result, HasSubstr(absl::StrCat(kSessionConnection, kTimeLine)));
  EXPECT_THAT(result, HasSubstr(absl::StrCat(kT1MediaLine, "i=chat\r\n", kT1Connection)));
  EXPECT_THAT(result, EndsWith(kAudio));
}

TEST(RewriteOffer, ConnectionOfTheSessionIsRewrittenIfTheOthersAreAtPort0) {
  const std::string result = RewrittenOffer(absl::StrCat(OfferText(), "m=audio 0 RTP/AVP 0\r\n"));
  EXPECT_THAT(result, HasSubstr(absl::StrCat(kT1Connection, kTimeLine)));
  EXPECT_THAT(result, HasSubstr(absl::StrCat(kT1MediaLine, "a=accept-types")));
}

TEST(RewriteOffer, TwoStreamsHaveTheirOwnPorts) {
  const std::string second =
      "m=message 7655 TCP/MSRP *\r\na=path:msrp://h:1/s;tcp\r\na=setup:actpass\r\na=msrp-cema\r\n";
  EXPECT_EQ(RewrittenOffer(absl::StrCat(OfferText(), second)),
            absl::StrCat(RewrittenOffer(OfferText()),
                         "m=message 40004 TCP/TLS/MSRP *\r\na=path:msrp://h:1/s;tcp\r\n"
                         "a=setup:actpass\r\na=msrp-cema\r\n",
                         Added()));
}

TEST(RewriteOffer, A_04_AnAbsentSetupIsMadeExplicit) {
  EXPECT_THAT(RewrittenOffer(OfferText({{kSetupLine, ""}})),
              EndsWith(absl::StrCat("a=msrp-cema\r\na=setup:active\r\n", Added())));
}

TEST(RewriteOffer, R_SDP_31_HoldconnIsNotPassedOn) {
  const std::string result = RewrittenOffer(OfferText({{"setup:actpass", "setup:holdconn"}}));
  EXPECT_THAT(result, HasSubstr("a=setup:active\r\na=msrp-cema\r\n"));
  EXPECT_THAT(result, Not(HasSubstr("holdconn")));
  EXPECT_THAT(
      RewrittenOffer(OfferText(
          {{kSetupLine, ""}, {kTimeLine, absl::StrCat(kTimeLine, "a=setup:holdconn\r\n")}})),
      EndsWith(absl::StrCat("a=setup:active\r\n", Added())));
}

TEST(RewriteOffer, ASetupOfTheSessionIsEnough) {
  const std::string result = RewrittenOffer(
      OfferText({{kSetupLine, ""}, {kTimeLine, absl::StrCat(kTimeLine, kSetupLine)}}));
  EXPECT_THAT(result, EndsWith(absl::StrCat("a=msrp-cema\r\n", Added())));
}

TEST(RewriteOffer, TS_37_R_SEC_02_SpoofedAttributesAreStripped) {
  const std::string clean = RewrittenOffer(OfferText());
  EXPECT_EQ(RewrittenOffer(OfferText({{kSetupLine, absl::StrCat(kSpoof, kSetupLine)}})), clean);
  EXPECT_EQ(RewrittenOffer(OfferText({{kTimeLine, absl::StrCat(kTimeLine, kSpoof)}})), clean);
  EXPECT_EQ(
      RewrittenOffer(OfferText({{kTimeLine, absl::StrCat(kTimeLine, "a=3GE2AE:applied\r\n")}})),
      clean);
}

TEST(RewriteOffer, A_13_AFingerprintOfTheSessionStaysForWhoNeedsIt) {
  const std::string fingerprint =
      "a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n";
  const std::string offer = OfferText({{kTimeLine, absl::StrCat(kTimeLine, kSpoof)}});
  for (absl::string_view needy :
       {"m=audio 49170 UDP/TLS/RTP/SAVP 0\r\n", "m=audio 49170 RTP/SAVPF 0\r\n",
        "m=application 5 UDP/DTLS/SCTP webrtc-datachannel\r\n"}) {
    const std::string result = RewrittenOffer(absl::StrCat(offer, needy));
    EXPECT_THAT(result, HasSubstr(absl::StrCat(kTimeLine, fingerprint)));
    EXPECT_THAT(result, Not(HasSubstr("a=3ge2ae: applied")));
  }
  for (absl::string_view other :
       {"m=audio 49170 RTP/AVP 0\r\n", "m=audio 0 UDP/TLS/RTP/SAVP 0\r\n"}) {
    EXPECT_THAT(RewrittenOffer(absl::StrCat(offer, other)), Not(HasSubstr(fingerprint)));
  }
  EXPECT_THAT(
      RewrittenOffer(absl::StrCat(offer, "m=audio 49170 UDP/TLS/RTP/SAVP 0\r\n", fingerprint)),
      Not(HasSubstr(absl::StrCat(kTimeLine, fingerprint))));
}

TEST(RewriteOffer, R_SDP_13_WithoutMsrpNothingChanges) {
  const std::string text =
      OfferText({{kMediaLine, kAudio}, {kTimeLine, absl::StrCat(kTimeLine, kSpoof)}});
  EXPECT_EQ(RewrittenOffer(text), text);
}

TEST(RewriteOffer, R_SDP_13_OtherMediaKeepItsBytes) {
  const std::string media =
      "m=audio 49170/2 RTP/AVP 0\r\nc=IN IP4 198.51.100.21\r\nb=AS:38\r\na=setup:holdconn\r\n"
      "a=fingerprint:broken\r\na=3ge2ae:applied\r\n";
  EXPECT_THAT(RewrittenOffer(absl::StrCat(OfferText(), media)), EndsWith(media));
}

TEST(RewriteOffer, WhatIsBrokenElsewhereKeepsItsBytes) {
  const std::string media =
      "m=audio  49170 RTP/AVP 0\r\na=x y\r\nc=IN IP4 198.51.100.21\r\nm=video 0\r\nt=now\r\n";
  const std::string result =
      RewrittenOffer(absl::StrCat(OfferText({{"s=-\r\n", "s=\r\n"}}), media, "\r\n"));
  EXPECT_THAT(result, HasSubstr("\r\ns=\r\n"));
  EXPECT_THAT(result, EndsWith(absl::StrCat(media, "\r\n")));
  // It may be active and rely on the session's "c=".
  EXPECT_THAT(result, HasSubstr(absl::StrCat(kSessionConnection, kTimeLine)));
}

TEST(RewriteOffer, AConnectionBehindAttributesIsRewrittenWhereItIs) {
  EXPECT_THAT(RewrittenOffer(absl::StrCat(OfferText(), kSessionConnection)),
              HasSubstr(absl::StrCat("a=msrp-cema\r\n", kT1Connection, "a=3ge2ae:applied\r\n")));
  EXPECT_THAT(RewrittenOffer(OfferText({{kSessionConnection, ""},
                                        {kTimeLine, absl::StrCat(kTimeLine, kSessionConnection)}})),
              HasSubstr(absl::StrCat(kTimeLine, kT1Connection)));
}

TEST(RewriteOffer, A_13_AFingerprintOfTheSessionStaysForATransportThatCannotBeRead) {
  const std::string offer = OfferText({{kTimeLine, absl::StrCat(kTimeLine, kSpoof)}});
  EXPECT_THAT(RewrittenOffer(absl::StrCat(offer, "m=audio 49170\r\n")),
              HasSubstr("a=fingerprint:sha-1"));
  EXPECT_THAT(RewrittenOffer(absl::StrCat(offer, "m=audio 0\r\n")),
              Not(HasSubstr("a=fingerprint:sha-1")));
}

TEST(RewriteOffer, ARejectedLineGoesOnAtPort0) {
  const std::string plain = "m=message 7655 TCP/MSRP *\r\na=path:msrp://h:1/s;tcp\r\n";
  EXPECT_EQ(RewrittenOffer(absl::StrCat(OfferText(), plain, kSpoof)),
            absl::StrCat(RewrittenOffer(OfferText()), "m=message 0 TCP/MSRP *\r\n"));
}

TEST(RewriteOffer, ADeclinedMsrpLineLosesWhatOnlyWeMaySay) {
  EXPECT_THAT(
      RewrittenOffer(absl::StrCat(OfferText(), "m=message 0 TCP/MSRP *\r\n", kSpoof, "a=x\r\n")),
      EndsWith("m=message 0 TCP/MSRP *\r\na=x\r\n"));
}

TEST(RewriteOffer, R_ALG_05_EveryFingerprintOfTheCertificateIsOffered) {
  const SessionDescription offer = Offer();
  std::vector<Reservation> reservations = Reservations();
  reservations[0].access_fingerprints.push_back({"x-new", {1, 0xAB}});
  EXPECT_THAT(RewriteOffer(offer, PlanOffer(offer, BothHaveE2ae()), reservations),
              EndsWith(absl::StrCat(Added(), "a=fingerprint:x-new 01:AB\r\n")));
}

TEST(RewriteOffer, R_SDP_02_Ipv6AddressesAreWrittenInTheirFamily) {
  const SessionDescription offer = Offer();
  std::vector<Reservation> reservations = Reservations();
  reservations[0].access = *common::TransportAddress::Parse("[2001:db8:a::10]:40002");
  EXPECT_THAT(RewriteOffer(offer, PlanOffer(offer, BothHaveE2ae()), reservations),
              HasSubstr("c=IN IP6 2001:db8:a::10\r\n"));
}

TEST(RewriteOffer, R_ALG_41_AUesOfferGoesToTheCoreWithoutTls) {
  const SessionDescription offer = UeOffer();
  const OfferPlan plan = PlanOffer(offer, BothHaveE2ae(Side::kAccess));
  ASSERT_FALSE(plan.rejection.has_value());
  EXPECT_EQ(RewriteOffer(offer, plan, Reservations()),
            "v=0\r\n"
            "o=- 1700000001 1 IN IP4 10.45.0.7\r\n"
            "s=-\r\n"
            "c=IN IP4 203.0.113.10\r\n"
            "t=0 0\r\n"
            "m=message 30002 TCP/MSRP *\r\n"
            "a=accept-types:message/cpim application/im-iscomposing+xml\r\n"
            "a=path:msrps://10.45.0.7:2855/si438dsaodes77hq1;tcp\r\n"
            "a=setup:actpass\r\n"
            "a=msrp-cema\r\n");
}

TEST(RewriteAnswer, R_ALG_42_TheCoresAnswerGoesToTheUeWithTlsAndOurFingerprint) {
  const SessionDescription offer = UeOffer();
  const OfferPlan offer_plan = PlanOffer(offer, BothHaveE2ae(Side::kAccess));
  const SessionDescription answer = CoreAnswer({{kTimeLine, absl::StrCat(kTimeLine, kSpoof)}});
  const AnswerPlan plan = PlanAnswer(offer, offer_plan, answer, Reservations(), {});
  ASSERT_FALSE(plan.rejection.has_value());
  EXPECT_EQ(RewriteAnswer(offer, offer_plan, answer, plan, Reservations()),
            absl::StrCat("v=0\r\n"
                         "o=alice 2890844526 2890844526 IN IP4 198.51.100.20\r\n"
                         "s=-\r\n",
                         kT1Connection, kTimeLine, kT1MediaLine,
                         "a=accept-types:message/cpim application/im-iscomposing+xml\r\n"
                         "a=path:msrp://198.51.100.20:7654/jshA7weztas9vkq2;tcp\r\n"
                         "a=setup:active\r\n"
                         "a=msrp-cema\r\n",
                         Attribute(absl::StrCat("fingerprint:", kAgwFingerprint))));
}

TEST(RewriteAnswer, R_ALG_12_FingerprintAndE2aeAreTakenAwayAtBothLevels) {
  const std::string clean = RewrittenAnswer(OfferText(), AnswerText());
  EXPECT_THAT(clean, Not(HasSubstr("fingerprint")));
  EXPECT_EQ(RewrittenAnswer(OfferText(),
                            AnswerText({{kTimeLine, absl::StrCat(kTimeLine, kSpoof)},
                                        {kUeMediaLine, absl::StrCat(kUeMediaLine, kSpoof)}})),
            clean);
}

TEST(RewriteAnswer, AnAbsentSetupIsMadeExplicit) {
  const std::string result = RewrittenAnswer(OfferText(), AnswerText({{"a=setup:active\r\n", ""}}));
  EXPECT_THAT(result, EndsWith("a=msrp-cema\r\na=setup:passive\r\n"));
}

TEST(RewriteAnswer, R_SDP_31_HoldconnIsNotPassedOn) {
  const std::string result =
      RewrittenAnswer(OfferText(), AnswerText({{"setup:active", "setup:holdconn"}}));
  EXPECT_THAT(result, EndsWith("a=setup:passive\r\na=msrp-cema\r\n"));
}

TEST(RewriteAnswer, TS_09_ConnectionOfTheSessionStaysIfSomebodyElseNeedsIt) {
  const std::string result =
      RewrittenAnswer(absl::StrCat(OfferText(), kAudio), absl::StrCat(AnswerText(), kAudio));
  EXPECT_THAT(result, HasSubstr(absl::StrCat(kUeConnection, kTimeLine)));
  EXPECT_THAT(result, HasSubstr(absl::StrCat(kT2MediaLine, kT2Connection)));
  EXPECT_THAT(result, EndsWith(kAudio));
}

TEST(RewriteAnswer, ConnectionOfTheMediaIsRewrittenWhereItIs) {
  const std::string result = RewrittenAnswer(
      OfferText(),
      AnswerText({{kUeConnection, ""}, {kUeMediaLine, absl::StrCat(kUeMediaLine, kUeConnection)}}));
  EXPECT_THAT(result, HasSubstr(absl::StrCat(kT2MediaLine, kT2Connection)));
  EXPECT_THAT(result, Not(HasSubstr(kUeConnection)));
}

TEST(RewriteAnswer, TS_27_OurRejectionLeavesTheMediaLineAlone) {
  const std::string result =
      RewrittenAnswer(OfferText(), AnswerText({{"TCP/TLS/MSRP", "TCP/MSRP"}}));
  EXPECT_THAT(result,
              EndsWith(absl::StrCat(kT2Connection, kTimeLine, "m=message 0 TCP/MSRP *\r\n")));
}

TEST(RewriteAnswer, R_MSRP_20_TheFileTransferIdStaysInARejection) {
  const std::string file =
      "a=file-selector:name:\"a b.jpg\" size:4092\r\na=file-transfer-id:Q6LM\r\n";
  const std::string result =
      RewrittenAnswer(absl::StrCat(OfferText(), file),
                      absl::StrCat(AnswerText({{"setup:active", "setup:actpass"}}), file));
  EXPECT_THAT(result, EndsWith("m=message 0 TCP/MSRP *\r\na=file-transfer-id:Q6LM\r\n"));
}

TEST(RewriteAnswer, ARejectedLineKeepsAConnectionWhereTheSessionHasNone) {
  const std::string result = RewrittenAnswer(
      OfferText(), AnswerText({{kUeConnection, ""},
                               {kUeMediaLine, absl::StrCat(kUeMediaLine, kUeConnection)},
                               {"setup:active", "setup:actpass"}}));
  EXPECT_THAT(result, EndsWith(absl::StrCat("m=message 0 TCP/MSRP *\r\n", kT2Connection)));
}

TEST(RewriteAnswer, TS_15_TheUesPort0KeepsItsLines) {
  const std::string result = RewrittenAnswer(
      OfferText(), absl::StrCat(AnswerText({{"message 2855", "message 0"}}), "a=x\r\n"));
  EXPECT_THAT(result, HasSubstr("m=message 0 TCP/MSRP *\r\n"));
  EXPECT_THAT(result, EndsWith("a=setup:active\r\na=msrp-cema\r\na=x\r\n"));
}

TEST(RewriteAnswer, AStreamThatWasNotOfferedStaysAtPort0) {
  const std::string declined = "m=message 0 TCP/MSRP *\r\n";
  const std::string plain = "m=message 7655 TCP/MSRP *\r\n";
  const std::string answered = "m=message 2856 TCP/MSRP *\r\na=path:msrp://h:1/s;tcp\r\n";
  EXPECT_THAT(
      RewrittenAnswer(absl::StrCat(OfferText(), plain), absl::StrCat(AnswerText(), answered)),
      EndsWith("a=msrp-cema\r\nm=message 0 TCP/MSRP *\r\n"));
  EXPECT_THAT(
      RewrittenAnswer(absl::StrCat(OfferText(), declined), absl::StrCat(AnswerText(), answered)),
      HasSubstr("a=msrp-cema\r\nm=message 0 TCP/MSRP *\r\n"));
}

TEST(RewriteAnswer, R_SDP_13_WithoutMsrpNothingChanges) {
  const std::string offer = OfferText({{kMediaLine, kAudio}});
  const std::string answer = AnswerText({{kUeMediaLine, kAudio}});
  EXPECT_EQ(RewrittenAnswer(offer, answer), answer);
}

}  // namespace
}  // namespace alg
