// The scenarios of tests/scenarios through parser, plan and rewriting: what goes on must be the
// file, byte for byte.

#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "alg-service/offer_answer/media_plan.h"
#include "alg-service/offer_answer/rewrite.h"
#include "alg-service/offer_answer/testing/descriptions.h"
#include "alg-service/sdp/parser.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

std::string ReadScenario(absl::string_view id, absl::string_view file) {
  const std::string path = absl::StrCat("tests/scenarios/TS-", id, "/", file, ".sdp");
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A scenario in which the offer and an answer go on.
struct Scenario {
  std::string id;
  Handling handling = Handling::kE2ae;                   // Of the MSRP stream in the answer.
  absl::optional<RejectReason> reason = absl::nullopt;   // With `kRejected`.
  ConnectionRole access_role = ConnectionRole::kServer;  // With `kE2ae`; and the rest.
  std::string access_remote = "10.45.0.7:0";
  std::string core_remote = "198.51.100.20:7654";
  bool answerer_may_connect = true;
  size_t fingerprint_count = 1;
  uint32_t stream_id = 1;
};

void PrintTo(const Scenario& scenario, std::ostream* out) { *out << "TS-" << scenario.id; }

class ScenarioTest : public testing::TestWithParam<Scenario> {};

Reservation ScenarioReservation(const Scenario& scenario) {
  Reservation reservation = ReservationFor(1);
  reservation.stream_id = scenario.stream_id;
  if (scenario.id == "11") {
    reservation.access = *common::TransportAddress::Parse("[2001:db8:a::10]:40002");
  }
  return reservation;
}

TEST_P(ScenarioTest, GoesOnByteForByte) {
  const Scenario& scenario = GetParam();
  const std::vector<Reservation> reservations = {ScenarioReservation(scenario)};
  const size_t index = scenario.stream_id - 1;

  ASSERT_OK_AND_ASSIGN(SessionDescription offer,
                       ParseSessionDescription(ReadScenario(scenario.id, "offer_in")));
  const OfferPlan offer_plan = PlanOffer(offer, BothHaveE2ae());
  ASSERT_FALSE(offer_plan.rejection.has_value());
  ASSERT_GT(offer_plan.streams.size(), index);
  EXPECT_EQ(offer_plan.streams[index].handling, Handling::kE2ae);
  EXPECT_EQ(offer_plan.streams[index].answerer_may_connect, scenario.answerer_may_connect);
  EXPECT_EQ(RewriteOffer(offer, offer_plan, reservations), ReadScenario(scenario.id, "offer_out"));

  ASSERT_OK_AND_ASSIGN(SessionDescription answer,
                       ParseSessionDescription(ReadScenario(scenario.id, "answer_in")));
  const AnswerPlan plan = PlanAnswer(offer, offer_plan, answer, reservations, {});
  ASSERT_FALSE(plan.rejection.has_value());
  ASSERT_GT(plan.streams.size(), index);
  const AnsweredStream& stream = plan.streams[index];
  EXPECT_EQ(stream.handling, scenario.handling);
  ASSERT_EQ(stream.rejection.has_value(), scenario.reason.has_value());
  if (scenario.reason.has_value()) {
    EXPECT_EQ(ToString(stream.rejection->reason), ToString(*scenario.reason));
  }
  if (scenario.handling == Handling::kE2ae) {
    EXPECT_EQ(stream.roles.access_tcp, scenario.access_role);
    EXPECT_EQ(stream.access_remote.ToString(), scenario.access_remote);
    EXPECT_EQ(stream.core_remote.ToString(), scenario.core_remote);
    EXPECT_EQ(stream.remote_fingerprints.size(), scenario.fingerprint_count);
  }
  EXPECT_EQ(RewriteAnswer(offer, offer_plan, answer, plan, reservations),
            ReadScenario(scenario.id, "answer_out"));
}

Scenario UePassive(std::string id, bool may_arm) {
  return {.id = std::move(id),
          .access_role = ConnectionRole::kClient,
          .access_remote = "10.45.0.7:2855",
          .core_remote = "198.51.100.20:0",
          .answerer_may_connect = may_arm};
}

Scenario Rejected(std::string id, RejectReason reason) {
  return {.id = std::move(id), .handling = Handling::kRejected, .reason = reason};
}

INSTANTIATE_TEST_SUITE_P(All, ScenarioTest,
                         testing::ValuesIn(std::vector<Scenario>{
                             {.id = "01"},
                             {.id = "02"},
                             UePassive("03", true),
                             UePassive("04", false),
                             {.id = "09", .stream_id = 2},
                             {.id = "11", .access_remote = "[2001:db8:45::7]:0"},
                             {.id = "15", .handling = Handling::kDeclined},
                             {.id = "20", .core_remote = "198.51.100.30:9000"},
                             {.id = "22"},
                             {.id = "24"},
                             Rejected("27", RejectReason::kFingerprintMissing),
                             Rejected("29", RejectReason::kFingerprintDeprecated),
                             Rejected("30", RejectReason::kTransportDowngraded),
                             Rejected("31", RejectReason::kFingerprintReflected),
                             {.id = "32", .fingerprint_count = 2},
                             Rejected("33", RejectReason::kSetupIllegal),
                             Rejected("36", RejectReason::kRemoteAddressForbidden),
                             {.id = "37"},
                         }),
                         [](const testing::TestParamInfo<Scenario>& info) {
                           return "TS_" + info.param.id;
                         });

TEST(Scenario, TS_24_BareLineFeedsAndNoFinalNewlineAreTheSame) {
  std::string text = absl::StrReplaceAll(ReadScenario("24", "offer_in"), {{"\r\n", "\n"}});
  text.pop_back();
  ASSERT_OK_AND_ASSIGN(SessionDescription offer, ParseSessionDescription(text));
  EXPECT_EQ(RewriteOffer(offer, PlanOffer(offer, BothHaveE2ae()), Reservations()),
            ReadScenario("24", "offer_out"));
}

TEST(Scenario, TS_24_BareLineFeedsAndNoFinalNewlineInTheAnswerAreTheSame) {
  ASSERT_OK_AND_ASSIGN(SessionDescription offer,
                       ParseSessionDescription(ReadScenario("24", "offer_in")));
  const OfferPlan offer_plan = PlanOffer(offer, BothHaveE2ae());
  std::string text = absl::StrReplaceAll(ReadScenario("24", "answer_in"), {{"\r\n", "\n"}});
  text.pop_back();
  ASSERT_OK_AND_ASSIGN(SessionDescription answer, ParseSessionDescription(text));
  const AnswerPlan plan = PlanAnswer(offer, offer_plan, answer, Reservations(), {});
  ASSERT_FALSE(plan.rejection.has_value());
  EXPECT_EQ(RewriteAnswer(offer, offer_plan, answer, plan, Reservations()),
            ReadScenario("24", "answer_out"));
}

// The path of TS-43 without what makes its body illegal.
TEST(Scenario, TS_43_APercentEncodedLineEndGoesOnAsItCame) {
  const std::string path =
      "a=path:msrp://198.51.100.20:7654/abc%0d%0aa=fingerprint:sha-256%0D%0A;tcp\r\n";
  const std::string plain = "a=path:msrp://198.51.100.20:7654/jshA7weztas9vkq2;tcp\r\n";
  const SessionDescription offer = Offer({{plain, path}});
  const OfferPlan offer_plan = PlanOffer(offer, BothHaveE2ae());
  ASSERT_FALSE(offer_plan.rejection.has_value());
  EXPECT_EQ(
      RewriteOffer(offer, offer_plan, Reservations()),
      absl::StrReplaceAll(RewriteOffer(Offer(), offer_plan, Reservations()), {{plain, path}}));

  const std::string ue_path = "a=path:msrps://10.45.0.7:2855/x%0d%0aa=3ge2ae:applied;tcp\r\n";
  const std::string ue_plain = "a=path:msrps://10.45.0.7:2855/si438dsaodes77hq1;tcp\r\n";
  const SessionDescription answer = Answer({{ue_plain, ue_path}});
  const AnswerPlan plan = PlanAnswer(offer, offer_plan, answer, Reservations(), {});
  ASSERT_FALSE(plan.rejection.has_value());
  EXPECT_THAT(RewriteAnswer(offer, offer_plan, answer, plan, Reservations()),
              testing::HasSubstr(ue_path));
}

TEST(Scenario, TS_38_AnOfferWithoutPathIsRejectedWhole) {
  ASSERT_OK_AND_ASSIGN(SessionDescription offer,
                       ParseSessionDescription(ReadScenario("38", "offer_in")));
  const OfferPlan plan = PlanOffer(offer, BothHaveE2ae());
  ASSERT_TRUE(plan.rejection.has_value());
  EXPECT_EQ(plan.rejection->reason, RejectReason::kPathMissing);
  EXPECT_EQ(plan.streams[0].handling, Handling::kRejected);
}

TEST(Scenario, TS_43_ACarriageReturnInALineRejectsTheBody) {
  const absl::Status status = ParseSessionDescription(ReadScenario("43", "offer_in")).status();
  EXPECT_EQ(common::ErrorReasonOf(status), "SDP_MALFORMED");
  EXPECT_EQ(common::ErrorMetadata(status, "line"), "8");
}

TEST(Scenario, TS_45_ABrokenStructureRejectsTheBody) {
  const absl::Status status = ParseSessionDescription(ReadScenario("45", "offer_in")).status();
  EXPECT_EQ(common::ErrorReasonOf(status), "SDP_MALFORMED");
  EXPECT_EQ(common::ErrorMetadata(status, "line"), "1");
}

}  // namespace
}  // namespace alg
