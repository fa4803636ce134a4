// The scenarios of tests/scenarios through both services: what goes out byte for byte, with the
// addresses and the fingerprint of a real IMS-AGW, and what is counted.

#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/metric_changes.h"
#include "tests/integration/testing/services.h"
#include "tests/peers/certificate.h"

namespace integration {
namespace {

namespace alg = ims::alg::v1;
namespace iq = ims::iq::v1;
using AlgStub = alg::SessionService::Stub;
using IqStub = iq::MediaGatewayService::Stub;
using common::IsOk;
using common::StatusIs;

std::string ReadScenario(const std::string& id, const std::string& file) {
  const std::string path = absl::StrCat("tests/scenarios/", id, "/", file, ".sdp");
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// As a lazy implementation writes it: LF alone, and none at the end.
std::string WithBareLf(const std::string& sdp) {
  return std::string(absl::StripSuffix(absl::StrReplaceAll(sdp, {{"\r\n", "\n"}}), "\n"));
}

class ScenarioTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { services_of_suite_ = new Services; }
  static void TearDownTestSuite() { delete services_of_suite_; }

  void SetUp() override {
    ASSERT_TRUE(services_.WaitUntilIdle());
    metrics_ = std::make_unique<MetricChanges>(services_);
  }

  void TearDown() override {
    if (session_id_.empty()) return;
    alg::ReleaseSessionRequest request;
    request.set_session_id(session_id_);
    EXPECT_THAT(Call(services_.alg(), &AlgStub::ReleaseSession, request), IsOk());
  }

  absl::StatusOr<alg::ProcessOfferResponse> Offer(const std::string& sdp) {
    alg::ProcessOfferRequest request;
    request.set_request_id(testing::UnitTest::GetInstance()->current_test_info()->name());
    request.set_direction(alg::DIRECTION_TERMINATING);
    request.set_sdp(sdp);
    request.mutable_e2ae_support()->mutable_indications()->set_ue(true);
    request.mutable_e2ae_support()->mutable_indications()->set_p_cscf(true);
    absl::StatusOr<alg::ProcessOfferResponse> response =
        Call(services_.alg(), &AlgStub::ProcessOffer, request);
    if (response.ok()) session_id_ = response->session_id();
    return response;
  }

  absl::StatusOr<alg::ProcessAnswerResponse> Answer(const std::string& sdp) {
    alg::ProcessAnswerRequest request;
    request.set_request_id("answer");
    request.set_session_id(session_id_);
    request.set_sdp(sdp);
    return Call(services_.alg(), &AlgStub::ProcessAnswer, request);
  }

  // `sdp` with the addresses that the IMS-AGW has reserved, and its fingerprint.
  std::string AsReserved(const std::string& sdp) {
    const absl::StatusOr<iq::ListContextsResponse> list =
        Call(services_.iq(), &IqStub::ListContexts, iq::ListContextsRequest());
    EXPECT_EQ(list->context_ids_size(), 1);
    iq::AuditContextRequest request;
    request.set_context_id(list->context_ids(0));
    const absl::StatusOr<iq::AuditContextResponse> audit =
        Call(services_.iq(), &IqStub::AuditContext, request);
    EXPECT_EQ(audit->terminations_size(), 2);
    const iq::TerminationAudit& t1 = audit->terminations(0);
    const iq::TerminationAudit& t2 = audit->terminations(1);
    return absl::StrReplaceAll(sdp, {{"192.0.2.10", t1.local_address().ip_address()},
                                     {"40002", absl::StrCat(t1.local_address().port())},
                                     {"203.0.113.10", t2.local_address().ip_address()},
                                     {"30002", absl::StrCat(t2.local_address().port())},
                                     {"CF:84:59:15:44:0F:11:AE:12:99:CD:90:44:96:BD:85:"
                                      "DE:FA:97:97:E5:FB:D3:57:73:88:62:E0:C8:9B:D0:8B",
                                      peers::ColonHex(t1.local_fingerprints(0).digest())}});
  }

  // The m-lines, by what became of them.
  bool MediaCounted(const std::string& handling, const std::string& reason) {
    return metrics_->AlgCounted(absl::StrCat("iqgate_alg_media_total{handling=\"", handling,
                                             "\",reason=\"", reason, "\"}"));
  }

  void ExpectNothingReserved() {
    EXPECT_EQ(services_.AgwStatus().context_count(), 0u);
    EXPECT_EQ(services_.PortsInUse(), 0u);
  }

  Services& services_ = *services_of_suite_;
  std::unique_ptr<MetricChanges> metrics_;
  std::string session_id_;

 private:
  static inline Services* services_of_suite_ = nullptr;
};

class ForwardedTest : public ScenarioTest, public testing::WithParamInterface<const char*> {};

TEST_P(ForwardedTest, GoesOnAsWritten) {
  const std::string id = absl::StrCat("TS-", GetParam());
  ASSERT_OK_AND_ASSIGN(const alg::ProcessOfferResponse offer, Offer(ReadScenario(id, "offer_in")));
  EXPECT_EQ(offer.outcome().forward().sdp(), AsReserved(ReadScenario(id, "offer_out")));
  const std::string answer_out = AsReserved(ReadScenario(id, "answer_out"));
  ASSERT_OK_AND_ASSIGN(const alg::ProcessAnswerResponse answer,
                       Answer(ReadScenario(id, "answer_in")));
  EXPECT_EQ(answer.outcome().forward().sdp(), answer_out);
  EXPECT_FALSE(answer.session_ended());
  EXPECT_TRUE(metrics_->Answered("ProcessOffer", "forward", ""));
  EXPECT_TRUE(metrics_->Answered("ProcessAnswer", "forward", ""));
}

INSTANTIATE_TEST_SUITE_P(TS, ForwardedTest,
                         testing::Values("01", "02", "03", "04", "09", "20", "22", "24", "32",
                                         "37"),
                         [](const auto& info) { return absl::StrCat("TS_", info.param); });

struct Refusal {
  const char* id;
  const char* reason;
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << "TS-" << refusal.id; }

class RefusedAnswerTest : public ScenarioTest, public testing::WithParamInterface<Refusal> {};

TEST_P(RefusedAnswerTest, LeavesNothingAndIsCounted) {
  const std::string id = absl::StrCat("TS-", GetParam().id);
  ASSERT_OK_AND_ASSIGN(const alg::ProcessOfferResponse offer, Offer(ReadScenario(id, "offer_in")));
  EXPECT_EQ(offer.outcome().forward().sdp(), AsReserved(ReadScenario(id, "offer_out")));
  const std::string answer_out = AsReserved(ReadScenario(id, "answer_out"));
  ASSERT_OK_AND_ASSIGN(const alg::ProcessAnswerResponse answer,
                       Answer(AsReserved(ReadScenario(id, "answer_in"))));
  EXPECT_EQ(answer.outcome().forward().sdp(), answer_out);
  EXPECT_TRUE(answer.session_ended());
  EXPECT_TRUE(services_.WaitUntilIdle());
  const std::string reason = GetParam().reason;
  EXPECT_TRUE(MediaCounted(reason.empty() ? "DECLINED" : "REJECTED", reason));
}

INSTANTIATE_TEST_SUITE_P(
    TS, RefusedAnswerTest,
    testing::Values(Refusal{"15", ""},  // By the UE.
                    Refusal{"27", "FINGERPRINT_MISSING"}, Refusal{"29", "FINGERPRINT_DEPRECATED"},
                    Refusal{"30", "TRANSPORT_DOWNGRADED"}, Refusal{"31", "FINGERPRINT_REFLECTED"},
                    Refusal{"33", "SETUP_ILLEGAL"}, Refusal{"36", "REMOTE_ADDRESS_FORBIDDEN"}),
    [](const auto& info) { return absl::StrCat("TS_", info.param.id); });

TEST_F(ScenarioTest, TS_38_OfferWithoutPathIsRejectedAndReservesNothing) {
  ASSERT_OK_AND_ASSIGN(const alg::ProcessOfferResponse response,
                       Offer(ReadScenario("TS-38", "offer_in")));
  EXPECT_EQ(response.outcome().reject().sip_status(), 488u);
  EXPECT_EQ(response.outcome().reject().reason(), alg::REJECT_REASON_PATH_MISSING);
  EXPECT_EQ(response.session_id(), "");
  ExpectNothingReserved();
  EXPECT_TRUE(metrics_->Answered("ProcessOffer", "reject", "PATH_MISSING"));
  EXPECT_TRUE(MediaCounted("REJECTED", "PATH_MISSING"));
}

TEST_F(ScenarioTest, TS_43_TS_45_BrokenBodiesAreErrorsAndReserveNothing) {
  for (const std::string id : {"TS-43", "TS-45"}) {
    const absl::Status refused = Offer(ReadScenario(id, "offer_in")).status();
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument)) << id;
    EXPECT_EQ(common::ErrorReasonOf(refused), "SDP_MALFORMED") << id;
    EXPECT_EQ(common::ErrorMetadata(refused, "sip_status"), "400") << id;
  }
  ExpectNothingReserved();
  EXPECT_TRUE(metrics_->Answered("ProcessOffer", "error", "SDP_MALFORMED", 2));
}

TEST_F(ScenarioTest, TS_43_CrOrNulInAnAnswerIsAnErrorAndTheSessionStillWaits) {
  ASSERT_THAT(Offer(ReadScenario("TS-01", "offer_in")), IsOk());
  const std::string good = ReadScenario("TS-01", "answer_in");
  for (const char injected : {'\r', '\0'}) {
    const std::string bad = absl::StrReplaceAll(
        good, {{"a=setup:active",
                absl::StrCat("a=x:y", std::string(1, injected), "z\r\n", "a=setup:active")}});
    const absl::Status refused = Answer(bad).status();
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_EQ(common::ErrorReasonOf(refused), "SDP_MALFORMED");
  }
  EXPECT_TRUE(metrics_->Answered("ProcessAnswer", "error", "SDP_MALFORMED", 2));
  const std::string answer_out = AsReserved(ReadScenario("TS-01", "answer_out"));
  ASSERT_OK_AND_ASSIGN(const alg::ProcessAnswerResponse answer, Answer(good));
  EXPECT_EQ(answer.outcome().forward().sdp(), answer_out);
}

TEST_F(ScenarioTest, TS_43_PercentEncodedLineEndsInAPathGoOutAsTheyCame) {
  constexpr char kPlain[] = "jshA7weztas9vkq2";
  constexpr char kEncoded[] = "abc%0d%0aa=fingerprint:sha-256";
  const auto in_path = [&](const std::string& sdp) {
    return absl::StrReplaceAll(
        sdp, {{kPlain, kEncoded}, {"si438dsaodes77hq1", "x%0D%0Aa=setup:actpass"}});
  };
  ASSERT_OK_AND_ASSIGN(const alg::ProcessOfferResponse offer,
                       Offer(in_path(ReadScenario("TS-01", "offer_in"))));
  EXPECT_TRUE(absl::StrContains(offer.outcome().forward().sdp(), kEncoded));
  EXPECT_EQ(offer.outcome().forward().sdp(),
            in_path(AsReserved(ReadScenario("TS-01", "offer_out"))));
  const std::string answer_out = in_path(AsReserved(ReadScenario("TS-01", "answer_out")));
  ASSERT_OK_AND_ASSIGN(const alg::ProcessAnswerResponse answer,
                       Answer(in_path(ReadScenario("TS-01", "answer_in"))));
  EXPECT_EQ(answer.outcome().forward().sdp(), answer_out);
}

TEST_F(ScenarioTest, TS_24_BareLfGoesOutAsCrlfInOfferAndAnswer) {
  ASSERT_OK_AND_ASSIGN(const alg::ProcessOfferResponse offer,
                       Offer(WithBareLf(ReadScenario("TS-24", "offer_in"))));
  EXPECT_EQ(offer.outcome().forward().sdp(), AsReserved(ReadScenario("TS-24", "offer_out")));
  const std::string answer_out = AsReserved(ReadScenario("TS-24", "answer_out"));
  ASSERT_OK_AND_ASSIGN(const alg::ProcessAnswerResponse answer,
                       Answer(WithBareLf(ReadScenario("TS-24", "answer_in"))));
  EXPECT_EQ(answer.outcome().forward().sdp(), answer_out);
}

}  // namespace
}  // namespace integration
