// The scenarios of tests/scenarios through the whole service but gRPC: descriptions byte for byte,
// and what the IMS-AGW was asked for as meta.json expects it.

#include <fstream>
#include <iterator>
#include <memory>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "alg-service/gateway/testing/fake_media_gateway.h"
#include "alg-service/session/session_control.h"
#include "common/error.h"
#include "common/monotonic_time.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

namespace api = ims::alg::v1;
namespace iq = ims::iq::v1;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::string ReadScenario(const std::string& id, const std::string& file) {
  const std::string path = absl::StrCat("tests/scenarios/TS-", id, "/", file, ".sdp");
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

class ScenarioFixture {
 public:
  explicit ScenarioFixture(SessionPolicy policy = {}) {
    auto directory = std::make_shared<FakeGatewayDirectory>();
    GatewayInfo info{"agw-0", "run-1", false, 0, {}};
    info.own_addresses.push_back({*common::IpAddress::Parse("192.0.2.10"), 40000, 49999});
    info.own_addresses.push_back({*common::IpAddress::Parse("203.0.113.10"), 30000, 39999});
    directory->Add(std::move(info), agw);
    alg = std::make_unique<SessionControl>(directory, policy, std::make_shared<Metrics>());
  }

  absl::StatusOr<api::ProcessOfferResponse> Offer(const std::string& sdp) {
    api::ProcessOfferRequest request;
    request.set_request_id("offer-1");
    request.set_direction(api::DIRECTION_TERMINATING);
    request.set_sdp(sdp);
    request.mutable_e2ae_support()->mutable_indications()->set_ue(true);
    request.mutable_e2ae_support()->mutable_indications()->set_p_cscf(true);
    absl::StatusOr<api::ProcessOfferResponse> result = absl::UnknownError("no answer");
    alg->ProcessOffer(request, {common::MonotonicTime::Now() + absl::Seconds(10), nullptr},
                      [&result](auto response) { result = std::move(response); });
    return result;
  }

  absl::StatusOr<api::ProcessAnswerResponse> Answer(const std::string& session_id,
                                                    const std::string& sdp) {
    api::ProcessAnswerRequest request;
    request.set_request_id("answer-1");
    request.set_session_id(session_id);
    request.set_sdp(sdp);
    absl::StatusOr<api::ProcessAnswerResponse> result = absl::UnknownError("no answer");
    alg->ProcessAnswer(request, {common::MonotonicTime::Now() + absl::Seconds(10), nullptr},
                       [&result](auto response) { result = std::move(response); });
    return result;
  }

  // Plays offer and answer of a scenario; both must go on as the files say.
  void Play(const std::string& id) {
    ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse offer, Offer(ReadScenario(id, "offer_in")));
    EXPECT_EQ(offer.outcome().forward().sdp(), ReadScenario(id, "offer_out"));
    offer_log = agw->log();
    ASSERT_OK_AND_ASSIGN(answer, Answer(offer.session_id(), ReadScenario(id, "answer_in")));
    EXPECT_EQ(answer.outcome().forward().sdp(), ReadScenario(id, "answer_out"));
  }

  const std::shared_ptr<FakeMediaGateway> agw = std::make_shared<FakeMediaGateway>();
  std::unique_ptr<SessionControl> alg;
  std::vector<std::string> offer_log;
  api::ProcessAnswerResponse answer;
};

const std::vector<std::string> kReservations = {"Reserve 1 T1", "ReserveAndConfigure 1 T2"};

TEST(SessionScenarioTest, TS_01_UeActiveTriggered) {
  ScenarioFixture scenario;
  scenario.Play("01");
  EXPECT_EQ(scenario.offer_log, kReservations);
  const iq::ReserveConnectionPointRequest t1 = scenario.agw->reserves()[0];
  EXPECT_EQ(t1.local().transport_protocol(), iq::TRANSPORT_PROTOCOL_TCP_TLS);
  EXPECT_EQ(t1.local().setup_mode(), iq::SETUP_MODE_ACTPASS);
  EXPECT_TRUE(t1.local().certificate_fingerprint_request());
  EXPECT_EQ(t1.bearer_control().interlinkage().topology(), iq::Interlinkage::TOPOLOGY_T1_TO_T2);
  EXPECT_EQ(t1.bearer_control().interlinkage().trigger(), iq::Interlinkage::TRIGGER_ON_TCP_SYN);
  EXPECT_TRUE(t1.bearer_control().syn_policy().has_drop_all());
  EXPECT_EQ(t1.bearer_control().tls_role(), iq::TLS_ROLE_SERVER);
  EXPECT_EQ(t1.bearer_control().tcp_role(), iq::TCP_ROLE_UNSPECIFIED);
  const iq::ReserveAndConfigureConnectionPointRequest t2 =
      scenario.agw->reserves_and_configures()[0];
  EXPECT_EQ(t2.local().transport_protocol(), iq::TRANSPORT_PROTOCOL_TCP);
  EXPECT_EQ(t2.local().setup_mode(), iq::SETUP_MODE_ACTPASS);
  EXPECT_EQ(t2.local().address_family(), iq::ADDRESS_FAMILY_IPV4);
  EXPECT_EQ(t2.remote().address().ip_address(), "198.51.100.20");
  EXPECT_EQ(t2.remote().address().port(), 7654u);

  ASSERT_EQ(scenario.agw->configures().size(), 1u);
  const iq::ConfigureConnectionPointRequest configure = scenario.agw->configures()[0];
  EXPECT_EQ(configure.termination().side(), iq::SIDE_ACCESS);
  EXPECT_EQ(configure.remote().address().ip_address(), "10.45.0.7");
  EXPECT_EQ(configure.remote().address().port(), 0u);
  ASSERT_EQ(configure.remote().fingerprints_size(), 1);
  EXPECT_EQ(configure.remote().fingerprints(0).hash_function(), "sha-256");
  EXPECT_EQ(configure.bearer_control().tcp_role(), iq::TCP_ROLE_PASSIVE);
  EXPECT_EQ(configure.bearer_control().tls_role(), iq::TLS_ROLE_SERVER);
  const iq::SynPolicy::AcceptFrom& accept = configure.bearer_control().syn_policy().accept_from();
  ASSERT_EQ(accept.sources_size(), 1);
  EXPECT_EQ(accept.sources(0).ip_address(), "10.45.0.7");
  EXPECT_EQ(accept.sources(0).port(), 0u);
  EXPECT_FALSE(configure.bearer_control().has_interlinkage());
  EXPECT_FALSE(configure.bearer_control().has_establish());
}

TEST(SessionScenarioTest, TS_01_HardenedTriggersOnVerifiedTls) {
  ScenarioFixture scenario({.core_connect = api::CORE_CONNECT_TRIGGERED_BY_TLS});
  scenario.Play("01");
  EXPECT_EQ(scenario.agw->reserves()[0].bearer_control().interlinkage().trigger(),
            iq::Interlinkage::TRIGGER_ON_TLS_VERIFIED);
}

TEST(SessionScenarioTest, TS_01_LatchingIsLeftAlone) {
  ScenarioFixture scenario({.early_syn = api::EARLY_SYN_LATCH});
  scenario.Play("01");
  EXPECT_TRUE(scenario.agw->reserves()[0].bearer_control().syn_policy().has_latch());
  EXPECT_FALSE(scenario.agw->configures()[0].bearer_control().has_syn_policy());
}

TEST(SessionScenarioTest, TS_02_R_ALG_13_AlgOrdersTheCoreConnection) {
  ScenarioFixture scenario({.core_connect = api::CORE_CONNECT_ALG_ORDERED});
  scenario.Play("02");
  EXPECT_FALSE(scenario.agw->reserves()[0].bearer_control().has_interlinkage());
  ASSERT_EQ(scenario.agw->configures().size(), 2u);
  EXPECT_EQ(scenario.agw->configures()[0].termination().side(), iq::SIDE_ACCESS);
  EXPECT_FALSE(scenario.agw->configures()[0].bearer_control().has_establish());
  const iq::ConfigureConnectionPointRequest t2 = scenario.agw->configures()[1];
  EXPECT_EQ(t2.termination().side(), iq::SIDE_CORE);
  EXPECT_EQ(t2.bearer_control().tcp_role(), iq::TCP_ROLE_ACTIVE);
  EXPECT_TRUE(t2.bearer_control().establish().tcp_connection());
  EXPECT_FALSE(t2.bearer_control().establish().tls_session());
}

void ExpectGatewayConnectsToTheUe(const ScenarioFixture& scenario,
                                  iq::Interlinkage::Topology topology, bool ordered) {
  ASSERT_EQ(scenario.agw->configures().size(), 2u);
  const iq::ConfigureConnectionPointRequest t1 = scenario.agw->configures()[0];
  EXPECT_EQ(t1.termination().side(), iq::SIDE_ACCESS);
  EXPECT_EQ(t1.remote().address().ip_address(), "10.45.0.7");
  EXPECT_EQ(t1.remote().address().port(), 2855u);
  EXPECT_EQ(t1.bearer_control().tcp_role(), iq::TCP_ROLE_ACTIVE);
  EXPECT_EQ(t1.bearer_control().tls_role(), iq::TLS_ROLE_CLIENT);
  EXPECT_TRUE(t1.bearer_control().syn_policy().has_drop_all());
  EXPECT_EQ(t1.bearer_control().interlinkage().topology(), topology);
  EXPECT_EQ(t1.bearer_control().establish().tcp_connection(), ordered);
  EXPECT_TRUE(t1.bearer_control().establish().tls_session());
  const iq::ConfigureConnectionPointRequest t2 = scenario.agw->configures()[1];
  EXPECT_EQ(t2.termination().side(), iq::SIDE_CORE);
  EXPECT_EQ(t2.bearer_control().tcp_role(), iq::TCP_ROLE_PASSIVE);
  EXPECT_EQ(t2.bearer_control().syn_policy().accept_from().sources(0).ip_address(),
            "198.51.100.20");
  EXPECT_FALSE(t2.bearer_control().has_establish());
}

TEST(SessionScenarioTest, TS_03_R_ALG_24_UePassiveTriggered) {
  ScenarioFixture scenario;
  scenario.Play("03");
  ExpectGatewayConnectsToTheUe(scenario, iq::Interlinkage::TOPOLOGY_T2_TO_T1, false);
}

TEST(SessionScenarioTest, TS_03_R_ALG_24_UePassiveOrdered) {
  ScenarioFixture scenario({.core_connect = api::CORE_CONNECT_ALG_ORDERED});
  scenario.Play("03");
  ExpectGatewayConnectsToTheUe(scenario, iq::Interlinkage::TOPOLOGY_NONE, true);
}

TEST(SessionScenarioTest, TS_04_R_ALG_23_CoreActiveArmsNothingBeforeTheAnswer) {
  ScenarioFixture scenario;
  scenario.Play("04");
  const iq::BearerControl before = scenario.agw->reserves()[0].bearer_control();
  EXPECT_FALSE(before.has_interlinkage());
  EXPECT_EQ(before.tcp_role(), iq::TCP_ROLE_UNSPECIFIED);
  EXPECT_EQ(before.tls_role(), iq::TLS_ROLE_UNSPECIFIED);
  EXPECT_TRUE(before.syn_policy().has_drop_all());
  ExpectGatewayConnectsToTheUe(scenario, iq::Interlinkage::TOPOLOGY_T2_TO_T1, false);
}

TEST(SessionScenarioTest, TS_15_UeDeclinesTheStream) {
  ScenarioFixture scenario;
  scenario.Play("15");
  EXPECT_TRUE(scenario.answer.session_ended());
  EXPECT_EQ(scenario.answer.media(0).handling(), api::MediaOutcome::HANDLING_DECLINED);
  EXPECT_EQ(scenario.agw->context_count(), 0u);
  EXPECT_THAT(scenario.agw->configures(), IsEmpty());
}

TEST(SessionScenarioTest, TS_22_ConnectionAttributeDoesNotMatter) {
  ScenarioFixture scenario;
  scenario.Play("22");
  EXPECT_EQ(scenario.agw->configures().size(), 1u);
}

TEST(SessionScenarioTest, TS_24_TolerantParsing) {
  ScenarioFixture scenario;
  scenario.Play("24");
  EXPECT_EQ(scenario.agw->configures().size(), 1u);
}

TEST(SessionScenarioTest, TS_37_SpoofedAttributesDoNotCount) {
  ScenarioFixture scenario;
  scenario.Play("37");
  EXPECT_EQ(scenario.agw->configures()[0].remote().fingerprints_size(), 1);
}

struct Refusal {
  std::string id;
  api::RejectReason reason;
};

void PrintTo(const Refusal& refusal, std::ostream* out) { *out << "TS-" << refusal.id; }

class RefusedAnswerTest : public testing::TestWithParam<Refusal> {};

TEST_P(RefusedAnswerTest, ConfiguresNothingAndReleasesAll) {
  ScenarioFixture scenario;
  scenario.Play(GetParam().id);
  EXPECT_TRUE(scenario.answer.session_ended());
  ASSERT_EQ(scenario.answer.media_size(), 1);
  EXPECT_EQ(scenario.answer.media(0).handling(), api::MediaOutcome::HANDLING_REJECTED);
  EXPECT_EQ(scenario.answer.media(0).reason(), GetParam().reason);
  EXPECT_THAT(scenario.agw->configures(), IsEmpty());
  EXPECT_EQ(scenario.agw->context_count(), 0u);
}

INSTANTIATE_TEST_SUITE_P(TS, RefusedAnswerTest,
                         testing::Values(Refusal{"27", api::REJECT_REASON_FINGERPRINT_MISSING},
                                         Refusal{"29", api::REJECT_REASON_FINGERPRINT_DEPRECATED},
                                         Refusal{"30", api::REJECT_REASON_TRANSPORT_DOWNGRADED},
                                         Refusal{"31", api::REJECT_REASON_FINGERPRINT_REFLECTED},
                                         Refusal{"33", api::REJECT_REASON_SETUP_ILLEGAL},
                                         Refusal{"36",
                                                 api::REJECT_REASON_REMOTE_ADDRESS_FORBIDDEN}),
                         [](const auto& info) { return "TS_" + info.param.id; });

TEST(SessionScenarioTest, TS_38_MissingPathReservesNothing) {
  ScenarioFixture scenario;
  ASSERT_OK_AND_ASSIGN(api::ProcessOfferResponse response,
                       scenario.Offer(ReadScenario("38", "offer_in")));
  EXPECT_EQ(response.outcome().reject().sip_status(), 488u);
  EXPECT_EQ(response.outcome().reject().reason(), api::REJECT_REASON_PATH_MISSING);
  EXPECT_THAT(scenario.agw->log(), IsEmpty());
}

TEST(SessionScenarioTest, TS_43_TS_45_BrokenBodiesReserveNothing) {
  for (const char* id : {"43", "45"}) {
    ScenarioFixture scenario;
    absl::StatusOr<api::ProcessOfferResponse> response =
        scenario.Offer(ReadScenario(id, "offer_in"));
    EXPECT_EQ(common::ErrorReasonOf(response.status()), "SDP_MALFORMED") << id;
    EXPECT_EQ(common::ErrorMetadata(response.status(), "sip_status"), "400") << id;
    EXPECT_THAT(scenario.agw->log(), IsEmpty());
  }
}

}  // namespace
}  // namespace alg
