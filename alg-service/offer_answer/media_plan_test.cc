#include "alg-service/offer_answer/media_plan.h"

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "alg-service/offer_answer/testing/descriptions.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

using OptionalReason = absl::optional<RejectReason>;

constexpr char kMediaLine[] = "m=message 7654 TCP/MSRP *\r\n";
constexpr char kPathLine[] = "a=path:msrp://198.51.100.20:7654/jshA7weztas9vkq2;tcp\r\n";
constexpr char kConnectionLine[] = "c=IN IP4 198.51.100.20\r\n";
constexpr char kSetupLine[] = "a=setup:actpass\r\n";

OptionalReason ReasonOf(const absl::optional<Rejection>& rejection) {
  return rejection.has_value() ? OptionalReason(rejection->reason) : absl::nullopt;
}

// One rule of offers: a change of TS-01's offer, and what becomes of its stream.
struct OfferRule {
  std::string id;
  Changes changes;
  OptionalReason reason = absl::nullopt;  // None: kE2ae.
};

void PrintTo(const OfferRule& rule, std::ostream* out) { *out << rule.id; }

class OfferRuleTest : public testing::TestWithParam<OfferRule> {};

TEST_P(OfferRuleTest, Holds) {
  const OfferPlan plan = PlanOffer(Offer(GetParam().changes), BothHaveE2ae());
  ASSERT_EQ(plan.streams.size(), 1u);
  EXPECT_EQ(plan.streams[0].stream_id, 1u);
  EXPECT_EQ(ReasonOf(plan.streams[0].rejection), GetParam().reason);
  EXPECT_EQ(ReasonOf(plan.rejection), GetParam().reason);
  EXPECT_EQ(plan.streams[0].handling,
            GetParam().reason.has_value() ? Handling::kRejected : Handling::kE2ae);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, OfferRuleTest,
    testing::ValuesIn(std::vector<OfferRule>{
        {"TS_01_E2ae", {}},
        {"CaseOfTheTransport", {{"TCP/MSRP", "tcp/msrp"}}},
        {"TS_38_PathMissing", {{kPathLine, ""}}, RejectReason::kPathMissing},
        {"R_MSRP_02_PathInvalid",
         {{"7654/jshA7weztas9vkq2;tcp", "7654"}},
         RejectReason::kPathInvalid},
        {"TwoPaths", {{kPathLine, absl::StrCat(kPathLine, kPathLine)}}, RejectReason::kPathInvalid},
        {"TS_20_PathWithRelay",
         {{"a=path:", "a=path:msrp://198.51.100.30:9000/hjdhfha88sk2;tcp "}}},
        {"TS_43_PercentEncodedPath", {{"jshA7weztas9vkq2", "abc%0d%0aa=fingerprint:sha-256"}}},
        {"R_MSRP_01_OtherFormat", {{"TCP/MSRP *", "TCP/MSRP 1"}}, RejectReason::kFormatInvalid},
        {"R_MSRP_01_TwoFormats", {{"TCP/MSRP *", "TCP/MSRP * *"}}, RejectReason::kFormatInvalid},
        {"PortCount", {{"7654 TCP", "7654/2 TCP"}}, RejectReason::kPortInvalid},
        {"R_SDP_04_NoConnection", {{kConnectionLine, ""}}, RejectReason::kConnectionMissing},
        {"R_SDP_04_ConnectionInTheMedia",
         {{kConnectionLine, ""}, {kMediaLine, absl::StrCat(kMediaLine, kConnectionLine)}}},
        {"TwoConnectionsInTheMedia",
         {{kMediaLine, absl::StrCat(kMediaLine, kConnectionLine, kConnectionLine)}},
         RejectReason::kAddressInvalid},
        {"ConnectionBehindAttributes",
         {{kConnectionLine, ""},
          {"a=msrp-cema\r\n", absl::StrCat("a=msrp-cema\r\n", kConnectionLine)}}},
        {"TwoConnectionsApartInTheMedia",
         {{kMediaLine, absl::StrCat(kMediaLine, kConnectionLine)},
          {"a=msrp-cema\r\n", absl::StrCat("a=msrp-cema\r\n", kConnectionLine)}},
         RejectReason::kAddressInvalid},
        {"ConnectionOfTheSessionBehindTime",
         {{kConnectionLine, ""}, {"t=0 0\r\n", absl::StrCat("t=0 0\r\n", kConnectionLine)}}},
        {"TwoConnectionsOfTheSession",
         {{"t=0 0\r\n", absl::StrCat("t=0 0\r\n", kConnectionLine)}},
         RejectReason::kAddressInvalid},
        {"TwoConnectionsOfTheSessionThatNobodyNeeds",
         {{"t=0 0\r\n", absl::StrCat("t=0 0\r\n", kConnectionLine)},
          {kMediaLine, absl::StrCat(kMediaLine, kConnectionLine)}}},
        {"BrokenConnection",
         {{kConnectionLine, "c=IN IP4 198.51.100.20 / 127\r\n"}},
         RejectReason::kAddressInvalid},
        {"BrokenConnectionOfTheSessionThatNobodyNeeds",
         {{kConnectionLine, "c=IN\r\n"}, {kMediaLine, absl::StrCat(kMediaLine, kConnectionLine)}}},
        {"T11_WhiteSpaceAroundWhatCounts",
         {{kMediaLine, "m=message 7654 TCP/MSRP * \r\n"},
          {kConnectionLine, "c=IN IP4 198.51.100.20 \r\n"},
          {"a=setup:actpass\r\n", "a=setup: actpass \r\n"},
          {"a=msrp-cema\r\n", "a=msrp-cema \r\n"},
          {"a=path:", "a=path: "}}},
        {"HostName",
         {{"c=IN IP4 198.51.100.20", "c=IN IP4 a.example.com"}},
         RejectReason::kAddressInvalid},
        {"R_DEV_11_FamilyOfTheLiteral",
         {{"c=IN IP4 198.51.100.20", "c=IN IP4 2001:db8::1"}},
         RejectReason::kAddressInvalid},
        {"OtherNetworkType", {{"c=IN IP4", "c=TN RFC2543"}}, RejectReason::kAddressInvalid},
        {"Ttl",
         {{"c=IN IP4 198.51.100.20", "c=IN IP4 233.252.0.1/127"}},
         RejectReason::kAddressInvalid},
        {"TS_36_Unspecified",
         {{"c=IN IP4 198.51.100.20", "c=IN IP4 0.0.0.0"}},
         RejectReason::kRemoteAddressForbidden},
        {"TS_36_Multicast",
         {{"c=IN IP4 198.51.100.20", "c=IN IP4 233.252.0.1"}},
         RejectReason::kRemoteAddressForbidden},
        {"TS_36_LinkLocal",
         {{"c=IN IP4 198.51.100.20", "c=IN IP6 fe80::1"}},
         RejectReason::kRemoteAddressForbidden},
        {"TS_36_Ipv4Mapped",
         {{"c=IN IP4 198.51.100.20", "c=IN IP6 ::ffff:192.0.2.1"}},
         RejectReason::kRemoteAddressForbidden},
        {"Ipv6", {{"c=IN IP4 198.51.100.20", "c=IN IP6 2001:db8::1"}}},
        {"UnknownSetup", {{"setup:actpass", "setup:both"}}, RejectReason::kSetupInvalid},
        {"TwoSetups",
         {{kSetupLine, absl::StrCat(kSetupLine, kSetupLine)}},
         RejectReason::kSetupInvalid},
        {"R_SDP_31_Holdconn", {{"setup:actpass", "setup:holdconn"}}},
        {"R_SDP_34_DiscardPortOfAnActpassPeer",
         {{"message 7654", "message 9"}},
         RejectReason::kPortInvalid},
        {"R_SDP_34_DiscardPortOfAPassivePeer",
         {{"message 7654", "message 9"}, {"setup:actpass", "setup:passive"}},
         RejectReason::kPortInvalid},
        {"R_SDP_21_DiscardPortOfAnActivePeer",
         {{"message 7654", "message 9"}, {"setup:actpass", "setup:active"}}},
        {"A_02_NoCema", {{"a=msrp-cema\r\n", ""}}, RejectReason::kApplicationAwareUnavailable},
        {"A_19_TlsFromTheCore",
         {{"TCP/MSRP", "TCP/TLS/MSRP"}},
         RejectReason::kTransportUnsupported},
    }),
    [](const testing::TestParamInfo<OfferRule>& info) { return info.param.id; });

TEST(PlanOffer, R_ALG_02_BothMustHaveAnnouncedE2ae) {
  OfferFacts facts = BothHaveE2ae();
  facts.ue_supports_e2ae = false;
  EXPECT_EQ(ReasonOf(PlanOffer(Offer(), facts).rejection), RejectReason::kE2aeNotIndicated);
  facts = BothHaveE2ae();
  facts.p_cscf_supports_e2ae = false;
  EXPECT_EQ(ReasonOf(PlanOffer(Offer(), facts).rejection), RejectReason::kE2aeNotIndicated);
}

TEST(PlanOffer, R_ALG_08_TheCorePeerIsWhereTheOfferSays) {
  const OfferPlan plan = PlanOffer(
      Offer({{kMediaLine, absl::StrCat(kMediaLine, "c=IN IP6 2001:db8::1\r\n")}}), BothHaveE2ae());
  EXPECT_EQ(plan.streams[0].offerer_remote.ToString(), "[2001:db8::1]:7654");
}

TEST(PlanOffer, TS_36_TheImsAgwIsNotItsOwnPeer) {
  OfferFacts facts = BothHaveE2ae();
  facts.own_addresses = {{*common::IpAddress::Parse("198.51.100.20"), 1, 2}};
  EXPECT_EQ(ReasonOf(PlanOffer(Offer(), facts).rejection), RejectReason::kRemoteAddressForbidden);
}

TEST(PlanOffer, LoopbackIsLeftToTheImsAgwUnlessThePortIsItsOwn) {
  const SessionDescription offer = Offer({{"c=IN IP4 198.51.100.20", "c=IN IP4 127.0.0.1"}});
  OfferFacts facts = BothHaveE2ae();
  EXPECT_EQ(PlanOffer(offer, facts).streams[0].handling, Handling::kE2ae);
  facts.own_addresses = {{*common::IpAddress::Parse("127.0.0.1"), 7000, 8000}};
  EXPECT_EQ(ReasonOf(PlanOffer(offer, facts).rejection), RejectReason::kRemoteAddressForbidden);
}

TEST(PlanOffer, R_ALG_23_InterlinkageIsArmedOnlyIfTheUeMayConnect) {
  const auto stream = [](const Changes& changes) {
    return PlanOffer(Offer(changes), BothHaveE2ae()).streams[0];
  };
  EXPECT_TRUE(stream({}).answerer_may_connect);
  EXPECT_TRUE(stream({{"setup:actpass", "setup:passive"}}).answerer_may_connect);
  EXPECT_FALSE(stream({{"setup:actpass", "setup:active"}}).answerer_may_connect);
  EXPECT_FALSE(stream({{"setup:actpass", "setup:holdconn"}}).answerer_may_connect);
  EXPECT_FALSE(stream({{kSetupLine, ""}}).answerer_may_connect);
  EXPECT_EQ(stream({{kSetupLine, ""}}).setup, Setup::kActive);
}

TEST(PlanOffer, R_SDP_20_ASetupOfTheSessionIsTheDefault) {
  const OfferPlan plan = PlanOffer(
      Offer({{kSetupLine, ""}, {"t=0 0\r\n", "t=0 0\r\na=setup:passive\r\n"}}), BothHaveE2ae());
  EXPECT_EQ(plan.streams[0].setup, Setup::kPassive);
}

TEST(PlanOffer, R_SDP_13_OtherMediaPasses) {
  for (absl::string_view media :
       {"m=audio 49170 RTP/AVP 0\r\n", "m=application 50000 TCP/TLS/BFCP *\r\n",
        "m=message 5000 UDP/X *\r\n", "m=application 7654 TCP/MSRP *\r\n", "m=audio\r\n",
        "m=audio 70000 RTP/AVP 0\r\n", "m=audio  9 RTP/AVP 0\r\n"}) {
    const OfferPlan plan = PlanOffer(Offer({{kMediaLine, std::string(media)}}), OfferFacts());
    EXPECT_EQ(plan.streams[0].handling, Handling::kPassed) << media;
    EXPECT_FALSE(plan.rejection.has_value());
  }
}

TEST(PlanOffer, R_ALG_01_EachMediaLineIsDecidedAlone) {
  const OfferPlan plan = PlanOffer(
      ParseOrDie(absl::StrCat(OfferText(), "m=audio 49170 RTP/AVP 0\r\n",
                              "m=message 7655 TCP/MSRP *\r\n", "m=message 0 TCP/MSRP *\r\n")),
      BothHaveE2ae());
  ASSERT_EQ(plan.streams.size(), 4u);
  EXPECT_EQ(plan.streams[0].handling, Handling::kE2ae);
  EXPECT_EQ(plan.streams[1].handling, Handling::kPassed);
  EXPECT_EQ(plan.streams[2].handling, Handling::kRejected);
  EXPECT_EQ(plan.streams[3].handling, Handling::kDeclined);
  EXPECT_EQ(plan.streams[3].stream_id, 4u);
  EXPECT_FALSE(plan.rejection.has_value());
}

TEST(PlanOffer, TheOfferIsRejectedIfNothingIsLeftOfIt) {
  const OfferPlan plan = PlanOffer(
      ParseOrDie(absl::StrCat(OfferText({{"a=msrp-cema\r\n", ""}}), "m=audio 0 RTP/AVP 0\r\n",
                              "m=message 7655 TCP/MSRP *\r\n")),
      BothHaveE2ae());
  EXPECT_EQ(ReasonOf(plan.rejection), RejectReason::kApplicationAwareUnavailable);
}

TEST(PlanOffer, AnOfferWithNothingActiveGoesOn) {
  const OfferPlan plan = PlanOffer(Offer({{"message 7654", "message 0"}}), BothHaveE2ae());
  EXPECT_EQ(plan.streams[0].handling, Handling::kDeclined);
  EXPECT_FALSE(plan.rejection.has_value());
}

// One rule of offers from a UE: a change of UeOffer(), and what becomes of its stream.
class UeOfferRuleTest : public testing::TestWithParam<OfferRule> {};

TEST_P(UeOfferRuleTest, Holds) {
  const OfferPlan plan = PlanOffer(UeOffer(GetParam().changes), BothHaveE2ae(Side::kAccess));
  ASSERT_EQ(plan.streams.size(), 1u);
  EXPECT_EQ(plan.offerer, Side::kAccess);
  EXPECT_EQ(ReasonOf(plan.rejection), GetParam().reason);
  EXPECT_EQ(plan.streams[0].handling,
            GetParam().reason.has_value() ? Handling::kRejected : Handling::kE2ae);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, UeOfferRuleTest,
    testing::ValuesIn(std::vector<OfferRule>{
        {"R_ALG_40_Requested", {}},
        {"R_SEC_03_RequestedBehindASpace", {{"3ge2ae:requested", "3ge2ae: requested"}}},
        {"R_ALG_50_TlsFromEndToEnd",
         {{"a=3ge2ae:requested\r\n", ""}},
         RejectReason::kTransportUnsupported},
        {"UnknownIndicator",
         {{"3ge2ae:requested", "3ge2ae:later"}},
         RejectReason::kTransportUnsupported},
        {"TS_08_NoTls", {{"TCP/TLS/MSRP", "TCP/MSRP"}}, RejectReason::kTransportUnsupported},
        {"NoFingerprint",
         {{Attribute(absl::StrCat("fingerprint:", kUeFingerprint)), ""}},
         RejectReason::kFingerprintMissing},
        {"R_SEC_14_OnlySha1",
         {{kUeFingerprint, "sha-1 01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14"}},
         RejectReason::kFingerprintWeak},
        {"NoCema", {{"a=msrp-cema\r\n", ""}}, RejectReason::kApplicationAwareUnavailable},
        {"R_SDP_34_DiscardPortOfAnActpassUe",
         {{"message 2855", "message 9"}},
         RejectReason::kPortInvalid},
        {"R_SDP_21_DiscardPortOfAnActiveUe",
         {{"message 2855", "message 9"}, {"setup:actpass", "setup:active"}}},
    }),
    [](const testing::TestParamInfo<OfferRule>& info) { return info.param.id; });

TEST(PlanOffer, R_ALG_41_AUesOfferNamesTheUeAndItsFingerprints) {
  const OfferPlan plan = PlanOffer(UeOffer(), BothHaveE2ae(Side::kAccess));
  EXPECT_EQ(plan.streams[0].offerer_remote.ToString(), "10.45.0.7:2855");
  EXPECT_EQ(plan.streams[0].remote_fingerprints,
            std::vector<Fingerprint>{*ParseFingerprint(kUeFingerprint)});
  EXPECT_TRUE(plan.streams[0].answerer_may_connect);
}

TEST(PlanOffer, R_ALG_43_AUesRequestIsRejectedIfThePCscfHasNoE2ae) {
  OfferFacts facts = BothHaveE2ae(Side::kAccess);
  facts.p_cscf_supports_e2ae = false;
  EXPECT_EQ(ReasonOf(PlanOffer(UeOffer(), facts).rejection), RejectReason::kE2aeNotIndicated);
}

// One rule of answers: a change of TS-01's answer (with a real port), and what becomes of its
// stream.
struct AnswerRule {
  std::string id;
  Changes changes;
  OptionalReason reason = absl::nullopt;  // None: kE2ae.
  Changes offer_changes = {};
};

void PrintTo(const AnswerRule& rule, std::ostream* out) { *out << rule.id; }

AnsweredStream PlanOneAnswer(const Changes& changes, const AnswerFacts& facts = {},
                             const Changes& offer_changes = {}) {
  const SessionDescription offer = Offer(offer_changes);
  const OfferPlan offer_plan = PlanOffer(offer, BothHaveE2ae());
  EXPECT_FALSE(offer_plan.rejection.has_value());
  AnswerPlan plan = PlanAnswer(offer, offer_plan, Answer(changes), Reservations(), facts);
  EXPECT_FALSE(plan.rejection.has_value());
  EXPECT_EQ(plan.streams.size(), 1u);
  return plan.streams.at(0);
}

class AnswerRuleTest : public testing::TestWithParam<AnswerRule> {};

TEST_P(AnswerRuleTest, Holds) {
  const AnsweredStream stream = PlanOneAnswer(GetParam().changes, {}, GetParam().offer_changes);
  EXPECT_EQ(ReasonOf(stream.rejection), GetParam().reason)
      << (stream.rejection.has_value() ? stream.rejection->detail : "");
  EXPECT_EQ(stream.handling, GetParam().reason.has_value() ? Handling::kRejected : Handling::kE2ae);
}

std::string FingerprintLine(absl::string_view value) {
  return Attribute(absl::StrCat("fingerprint:", value));
}

// A fingerprint of the right length for `size` octets.
std::string Made(absl::string_view hash_function, size_t size) {
  std::string text = absl::StrCat(hash_function, " 01");
  for (size_t i = 1; i < size; ++i) absl::StrAppend(&text, ":01");
  return text;
}

Changes Fingerprints(absl::string_view lines) {
  return {{FingerprintLine(kUeFingerprint), std::string(lines)}};
}

const Changes kActiveOffer = {{"setup:actpass", "setup:active"}};
const Changes kPassiveOffer = {{"setup:actpass", "setup:passive"}};

INSTANTIATE_TEST_SUITE_P(
    Rules, AnswerRuleTest,
    testing::ValuesIn(std::vector<AnswerRule>{
        {"TS_01_E2ae", {}},
        {"TS_30_Downgrade", {{"TCP/TLS/MSRP", "TCP/MSRP"}}, RejectReason::kTransportDowngraded},
        {"OtherTransport", {{"TCP/TLS/MSRP", "TCP/TLS/BFCP"}}, RejectReason::kTransportDowngraded},
        {"NoPath",
         {{"a=path:msrps://10.45.0.7:2855/si438dsaodes77hq1;tcp\r\n", ""}},
         RejectReason::kPathMissing},
        {"TwoFormats", {{"MSRP *", "MSRP * *"}}, RejectReason::kFormatInvalid},
        {"TS_33_Actpass", {{"setup:active", "setup:actpass"}}, RejectReason::kSetupIllegal},
        {"R_ALG_25_ActiveToActive", {}, RejectReason::kSetupIllegal, kActiveOffer},
        {"R_ALG_25_PassiveToPassive",
         {{"setup:active", "setup:passive"}},
         RejectReason::kSetupIllegal,
         kPassiveOffer},
        {"TS_04_PassiveToActive", {{"setup:active", "setup:passive"}}, absl::nullopt, kActiveOffer},
        {"A_04_ActiveToPassive", {}, absl::nullopt, kPassiveOffer},
        {"R_SDP_20_NoSetup", {{"a=setup:active\r\n", ""}}},
        {"R_SDP_20_NoSetupToPassive",
         {{"a=setup:active\r\n", ""}},
         RejectReason::kSetupIllegal,
         kPassiveOffer},
        {"UnknownSetup", {{"setup:active", "setup:x"}}, RejectReason::kSetupInvalid},
        {"TS_27_NoFingerprint", Fingerprints(""), RejectReason::kFingerprintMissing},
        {"TS_29_OnlyMd5", Fingerprints(FingerprintLine(Made("MD5", 16))),
         RejectReason::kFingerprintDeprecated},
        {"R_SEC_11_OnlyMd2AndMd5",
         Fingerprints(FingerprintLine(Made("md2", 16)) + FingerprintLine(Made("md5", 16))),
         RejectReason::kFingerprintDeprecated},
        {"R_SEC_14_OnlySha1", Fingerprints(FingerprintLine(Made("sha-1", 20))),
         RejectReason::kFingerprintWeak},
        {"R_SEC_14_Sha1AndMd5",
         Fingerprints(FingerprintLine(Made("sha-1", 20)) + FingerprintLine(Made("md5", 16))),
         RejectReason::kFingerprintWeak},
        {"OnlyUnknown", Fingerprints(FingerprintLine(Made("sha3-256", 32))),
         RejectReason::kFingerprintUnknown},
        {"UnknownAndMd5",
         Fingerprints(FingerprintLine(Made("sha3-256", 32)) + FingerprintLine(Made("md5", 16))),
         RejectReason::kFingerprintUnknown},
        {"UnknownBesideSha512", Fingerprints(FingerprintLine(Made("sha3-256", 32)) +
                                             FingerprintLine(Made("SHA-512", 64)))},
        {"WrongLength", Fingerprints(FingerprintLine(Made("sha-256", 31))),
         RejectReason::kFingerprintInvalid},
        {"BrokenBesideGood",
         Fingerprints(FingerprintLine(kUeFingerprint) + FingerprintLine("sha-512 XY")),
         RejectReason::kFingerprintInvalid},
        {"TS_31_Reflected", Fingerprints(FingerprintLine(kAgwFingerprint)),
         RejectReason::kFingerprintReflected},
        {"TS_31_ReflectedAmongOthers",
         Fingerprints(FingerprintLine(kUeFingerprint) + FingerprintLine(kAgwFingerprint)),
         RejectReason::kFingerprintReflected},
        {"TS_36_T1Itself",
         {{"c=IN IP4 10.45.0.7", "c=IN IP4 192.0.2.10"}},
         RejectReason::kRemoteAddressForbidden},
        {"TS_36_T2Itself",
         {{"c=IN IP4 10.45.0.7", "c=IN IP4 203.0.113.10"}},
         RejectReason::kRemoteAddressForbidden},
        {"TS_36_Loopback",
         {{"c=IN IP4 10.45.0.7", "c=IN IP4 127.0.0.1"}},
         RejectReason::kRemoteAddressForbidden},
        {"TS_36_Unspecified",
         {{"c=IN IP4 10.45.0.7", "c=IN IP4 0.0.0.0"}},
         RejectReason::kRemoteAddressForbidden},
        {"TS_36_Multicast",
         {{"c=IN IP4 10.45.0.7", "c=IN IP4 224.0.0.1"}},
         RejectReason::kRemoteAddressForbidden},
        {"TS_36_LinkLocal",
         {{"c=IN IP4 10.45.0.7", "c=IN IP4 169.254.169.254"}},
         RejectReason::kRemoteAddressForbidden},
        {"HostName",
         {{"c=IN IP4 10.45.0.7", "c=IN IP4 ue.example.com"}},
         RejectReason::kAddressInvalid},
        {"OtherFamily",
         {{"c=IN IP4 10.45.0.7", "c=IN IP6 2001:db8::7"}},
         RejectReason::kAddressInvalid},
        {"NoConnection", {{"c=IN IP4 10.45.0.7\r\n", ""}}, RejectReason::kConnectionMissing},
        {"DiscardPortOfAPassiveUe",
         {{"message 2855", "message 9"}, {"setup:active", "setup:passive"}},
         RejectReason::kPortInvalid},
        {"R_SDP_21_DiscardPortOfAnActiveUe", {{"message 2855", "message 9"}}},
        {"TS_41_NoCema", {{"a=msrp-cema\r\n", ""}}},
    }),
    [](const testing::TestParamInfo<AnswerRule>& info) { return info.param.id; });

TEST(PlanAnswer, TS_01_AnActiveUeIsLetInFromItsAddress) {
  const AnsweredStream stream = PlanOneAnswer({});
  EXPECT_EQ(stream.roles.access_tcp, ConnectionRole::kServer);
  EXPECT_EQ(stream.access_remote.ToString(), "10.45.0.7:0");
  EXPECT_EQ(stream.core_remote.ToString(), "198.51.100.20:7654");
  EXPECT_EQ(stream.remote_fingerprints,
            std::vector<Fingerprint>{*ParseFingerprint(kUeFingerprint)});
}

TEST(PlanAnswer, TS_03_APassiveUeIsConnectedToAndTheCorePeerLetIn) {
  const AnsweredStream stream = PlanOneAnswer({{"setup:active", "setup:passive"}});
  EXPECT_EQ(stream.roles.access_tcp, ConnectionRole::kClient);
  EXPECT_EQ(stream.access_remote.ToString(), "10.45.0.7:2855");
  EXPECT_EQ(stream.core_remote.ToString(), "198.51.100.20:0");
}

// The plan for the answer of the core to the offer of a UE.
AnsweredStream PlanCoreAnswer(const Changes& changes, const AnswerFacts& facts = {},
                              const Changes& offer_changes = {}) {
  const SessionDescription offer = UeOffer(offer_changes);
  const OfferPlan offer_plan = PlanOffer(offer, BothHaveE2ae(Side::kAccess));
  EXPECT_FALSE(offer_plan.rejection.has_value());
  AnswerPlan plan = PlanAnswer(offer, offer_plan, CoreAnswer(changes), Reservations(), facts);
  EXPECT_EQ(plan.streams.size(), 1u);
  return plan.streams.at(0);
}

TEST(PlanAnswer, R_ALG_42_AnActiveCorePeerIsLetInAndTheUeConnectedTo) {
  const AnsweredStream stream = PlanCoreAnswer({});
  EXPECT_EQ(stream.handling, Handling::kE2ae);
  EXPECT_EQ(stream.roles.access_tcp, ConnectionRole::kClient);
  EXPECT_EQ(stream.roles.access_tls, ConnectionRole::kClient);
  EXPECT_EQ(stream.roles.core_tcp, ConnectionRole::kServer);
  EXPECT_EQ(stream.access_remote.ToString(), "10.45.0.7:2855");
  EXPECT_EQ(stream.core_remote.ToString(), "198.51.100.20:0");
  EXPECT_EQ(stream.remote_fingerprints,
            std::vector<Fingerprint>{*ParseFingerprint(kUeFingerprint)});
}

TEST(PlanAnswer, R_ALG_42_APassiveCorePeerIsConnectedToAndTheUeLetInFromItsSignallingAddress) {
  AnswerFacts facts;
  facts.ue_signalling_address = *common::IpAddress::Parse("198.51.100.99");
  const AnsweredStream stream = PlanCoreAnswer({{"setup:active", "setup:passive"}}, facts);
  EXPECT_EQ(stream.roles.access_tcp, ConnectionRole::kServer);
  EXPECT_EQ(stream.access_remote.ToString(), "198.51.100.99:0");
  EXPECT_EQ(stream.core_remote.ToString(), "198.51.100.20:7654");
}

TEST(PlanAnswer, RejectsWhatACorePeerMayNotAnswer) {
  const auto reason = [](const Changes& changes, const Changes& offer_changes = {}) {
    return ReasonOf(PlanCoreAnswer(changes, {}, offer_changes).rejection);
  };
  EXPECT_EQ(reason({{"TCP/MSRP", "TCP/TLS/MSRP"}}), RejectReason::kTransportUnsupported);
  EXPECT_EQ(reason({{"setup:active", "setup:actpass"}}), RejectReason::kSetupIllegal);
  EXPECT_EQ(reason({{"c=IN IP4 198.51.100.20", "c=IN IP4 203.0.113.10"}}),
            RejectReason::kRemoteAddressForbidden);
  EXPECT_EQ(reason({{"c=IN IP4 198.51.100.20", "c=IN IP6 2001:db8::20"}}),
            RejectReason::kAddressInvalid);
  EXPECT_EQ(reason({{"message 7654", "message 9"}, {"setup:active", "setup:passive"}}),
            RejectReason::kPortInvalid);
  // R-SEC-19: the UE's fingerprint is compared when that of T1 is known.
  EXPECT_EQ(reason({}, {{kUeFingerprint, kAgwFingerprint}}), RejectReason::kFingerprintReflected);
}

TEST(PlanAnswer, A_06_TheSignallingAddressStandsInForThatOfAnActiveUe) {
  AnswerFacts facts;
  facts.ue_signalling_address = *common::IpAddress::Parse("198.51.100.99");
  EXPECT_EQ(PlanOneAnswer({}, facts).access_remote.ToString(), "198.51.100.99:0");
  EXPECT_EQ(PlanOneAnswer({{"setup:active", "setup:passive"}}, facts).access_remote.ToString(),
            "10.45.0.7:2855");
  facts.ue_signalling_address = *common::IpAddress::Parse("2001:db8::99");
  EXPECT_EQ(PlanOneAnswer({}, facts).access_remote.ToString(), "10.45.0.7:0");
  facts.ue_signalling_address = *common::IpAddress::Parse("127.0.0.1");
  EXPECT_EQ(ReasonOf(PlanOneAnswer({}, facts).rejection), RejectReason::kRemoteAddressForbidden);
}

TEST(PlanAnswer, TS_36_AnyOwnAddressIsForbidden) {
  AnswerFacts facts;
  facts.own_addresses = {{*common::IpAddress::Parse("10.45.0.7"), 1, 1}};
  EXPECT_EQ(ReasonOf(PlanOneAnswer({}, facts).rejection), RejectReason::kRemoteAddressForbidden);
}

TEST(PlanAnswer, R_SEC_14_Sha1IsTakenIfTheOperatorAllowsIt) {
  AnswerFacts facts;
  facts.allow_sha1 = true;
  const AnsweredStream stream =
      PlanOneAnswer(Fingerprints(FingerprintLine(Made("SHA-1", 20))), facts);
  ASSERT_EQ(stream.remote_fingerprints.size(), 1u);
  EXPECT_EQ(stream.remote_fingerprints[0].hash_function, "sha-1");
}

TEST(PlanAnswer, TS_32_AllKnownFingerprintsArePassedOn) {
  const AnsweredStream stream = PlanOneAnswer(
      Fingerprints(FingerprintLine(Made("md5", 16)) + FingerprintLine(kUeFingerprint) +
                   FingerprintLine(Made("sha-1", 20)) + FingerprintLine(Made("x-new", 3))));
  ASSERT_EQ(stream.remote_fingerprints.size(), 2u);
  EXPECT_EQ(stream.remote_fingerprints[0].hash_function, "sha-256");
  EXPECT_EQ(stream.remote_fingerprints[1].hash_function, "sha-1");
}

TEST(PlanAnswer, A_13_WhatTheSessionSaysIsTheDefault) {
  Changes changes = Fingerprints("");
  changes.push_back({"a=setup:active\r\n", ""});
  changes.push_back(
      {"t=0 0\r\n", absl::StrCat("t=0 0\r\na=setup:active\r\n", FingerprintLine(kUeFingerprint))});
  const AnsweredStream stream = PlanOneAnswer(changes);
  EXPECT_EQ(stream.handling, Handling::kE2ae);
  EXPECT_EQ(stream.roles.access_tcp, ConnectionRole::kServer);
  EXPECT_EQ(stream.remote_fingerprints.size(), 1u);
}

TEST(PlanAnswer, R_SEC_10_AFingerprintOfTheMediaReplacesThatOfTheSession) {
  const AnsweredStream stream =
      PlanOneAnswer({{"t=0 0\r\n", "t=0 0\r\n" + FingerprintLine(Made("sha-512", 64))}});
  ASSERT_EQ(stream.remote_fingerprints.size(), 1u);
  EXPECT_EQ(stream.remote_fingerprints[0].hash_function, "sha-256");
}

TEST(PlanAnswer, TS_15_Port0Declines) {
  const AnsweredStream stream = PlanOneAnswer({{"message 2855", "message 0"}});
  EXPECT_EQ(stream.handling, Handling::kDeclined);
  EXPECT_FALSE(stream.rejection.has_value());
}

OptionalReason WholeAnswer(absl::string_view offer_tail, absl::string_view answer) {
  const SessionDescription offer = ParseOrDie(absl::StrCat(OfferText(), offer_tail));
  return ReasonOf(
      PlanAnswer(offer, PlanOffer(offer, BothHaveE2ae()), ParseOrDie(answer), Reservations(), {})
          .rejection);
}

TEST(PlanAnswer, R_SDP_06_TheMediaLinesAreThoseOfTheOffer) {
  constexpr absl::string_view kAudio = "m=audio 49170 RTP/AVP 0\r\n";
  EXPECT_EQ(WholeAnswer(kAudio, absl::StrCat(AnswerText(), kAudio)), absl::nullopt);
  EXPECT_EQ(WholeAnswer(kAudio, AnswerText()), RejectReason::kMediaMismatch);
  EXPECT_EQ(WholeAnswer("", absl::StrCat(AnswerText(), kAudio)), RejectReason::kMediaMismatch);
  EXPECT_EQ(WholeAnswer("", AnswerText({{"m=message", "m=audio"}})), RejectReason::kMediaMismatch);
}

TEST(PlanAnswer, AMediaLineOfOthersThatCannotBeReadIsComparedByItsType) {
  constexpr absl::string_view kAudio = "m=audio 49170 RTP/AVP 0\r\n";
  EXPECT_EQ(WholeAnswer(kAudio, absl::StrCat(AnswerText(), "m=audio 0\r\n")), absl::nullopt);
  EXPECT_EQ(WholeAnswer(kAudio, absl::StrCat(AnswerText(), "m=video 0\r\n")),
            RejectReason::kMediaMismatch);
}

TEST(PlanAnswer, AStreamRejectedInTheOfferStaysRejected) {
  const SessionDescription offer =
      ParseOrDie(absl::StrCat(OfferText(), "m=message 7655 TCP/MSRP *\r\n"));
  const OfferPlan offer_plan = PlanOffer(offer, BothHaveE2ae());
  for (absl::string_view port : {"0", "2856"}) {
    const SessionDescription answer =
        ParseOrDie(absl::StrCat(AnswerText(), "m=message ", port, " TCP/MSRP *\r\n"));
    const AnswerPlan plan = PlanAnswer(offer, offer_plan, answer, Reservations(), {});
    EXPECT_EQ(plan.streams[1].handling, Handling::kRejected);
    EXPECT_EQ(ReasonOf(plan.streams[1].rejection), RejectReason::kPathMissing);
  }
}

}  // namespace
}  // namespace alg
