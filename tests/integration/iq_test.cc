// Iq as a client of its own sees it: repetition, limits, audit, draining.

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/monotonic_time.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/iq_session.h"
#include "tests/integration/testing/metric_changes.h"
#include "tests/integration/testing/services.h"

namespace integration {
namespace {

namespace iq = ims::iq::v1;
using common::ErrorReasonOf;
using common::IsOk;
using common::StatusIs;
using iq::Notification;
using Stub = iq::MediaGatewayService::Stub;

// With services of its own configuration: IqLimits.
class IqTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { services_of_suite_ = new Services; }
  static void TearDownTestSuite() { delete services_of_suite_; }

  // Sessions that other tests have left would be counted.
  void SetUp() override { ASSERT_TRUE(services_.WaitUntilIdle()); }

  Services& services_ = *services_of_suite_;

 private:
  static inline Services* services_of_suite_ = nullptr;
};

TEST_F(IqTest, DP_18_RepeatedReserveGetsTheSameReply) {
  IqSession session(services_);
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  const std::string first_reply = session.access().SerializeAsString();
  const uint32_t ports = services_.PortsInUse();
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(session.ReserveAccess(), IsOk());
    EXPECT_EQ(session.access().SerializeAsString(), first_reply);
  }
  EXPECT_EQ(services_.PortsInUse(), ports);
  EXPECT_EQ(services_.AgwStatus().context_count(), 1u);
}

TEST_F(IqTest, SameTransactionWithOtherContentIsRefused) {
  IqSession session(services_);
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  session.reserve_access.mutable_local()->set_certificate_fingerprint_request(false);
  const absl::Status refused = session.ReserveAccess();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ErrorReasonOf(refused), "TRANSACTION_REUSED");
}

TEST_F(IqTest, SameTerminationByAnotherTransactionIsRefused) {
  IqSession session(services_);
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  session.reserve_access.set_transaction_id(session.NewTransaction());
  const absl::Status refused = session.ReserveAccess();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_EQ(ErrorReasonOf(refused), "TERMINATION_EXISTS");
  EXPECT_EQ(services_.PortsInUse(), 1u);
}

TEST_F(IqTest, TS_06_ApplicationAwareTransportIsUnimplemented) {
  IqSession session(services_);
  // A number that Iq has no name for yet.
  session.reserve_access.mutable_local()->set_transport_protocol(
      static_cast<iq::TransportProtocol>(100));
  const absl::Status refused = session.ReserveAccess();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnimplemented));
  EXPECT_EQ(ErrorReasonOf(refused), "TRANSPORT_UNSUPPORTED");
  EXPECT_EQ(common::ErrorMetadata(refused, "field"), "local.transport_protocol");
  EXPECT_EQ(services_.AgwStatus().context_count(), 0u);
  EXPECT_EQ(services_.PortsInUse(), 0u);
}

TEST(IqLimits, FullContextTableGivesResourceExhausted) {
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  config.set_context_limit(2);
  Services services(config);
  IqSession first(services), second(services), third(services);
  ASSERT_THAT(first.ReserveAccess(), IsOk());
  ASSERT_THAT(second.ReserveAccess(), IsOk());
  const absl::Status refused = third.ReserveAccess();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ErrorReasonOf(refused), "CONTEXT_LIMIT");
  ASSERT_THAT(first.Release(), IsOk());
  third.reserve_access.set_transaction_id(third.NewTransaction());
  EXPECT_THAT(third.ReserveAccess(), IsOk());
}

TEST(IqLimits, DP_17_PortRestsBeforeItIsGivenAgain) {
  constexpr absl::Duration kRest = absl::Seconds(4);
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  *config.mutable_realms(0)->mutable_port_quarantine() = ToProto(kRest);
  config.mutable_realms(0)->set_last_port(config.realms(0).first_port() + 1);
  Services services(config);
  IqSession released(services), other(services), next(services);
  ASSERT_THAT(released.ReserveAccess(), IsOk());
  ASSERT_THAT(released.ReserveCore(), IsOk());
  ASSERT_THAT(released.ConfigureAccess(), IsOk());
  ASSERT_OK_AND_ASSIGN(peers::Connection phone, released.ConnectPhone());
  ASSERT_OK_AND_ASSIGN(peers::Connection core, released.AcceptCore());
  // The first bytes of a ClientHello, which says that more follows.
  ASSERT_THAT(phone.Send(absl::string_view("\x16\x03\x01\x02\x00\x01", 6)), IsOk());
  const common::MonotonicTime release_time = common::MonotonicTime::Now();
  ASSERT_THAT(released.Release(), IsOk());
  EXPECT_NE(phone.WaitForEnd(), peers::Ending::kNone);
  EXPECT_NE(core.WaitForEnd(), peers::Ending::kNone);

  ASSERT_THAT(other.ReserveAccess(), IsOk());
  EXPECT_NE(other.t1().port, released.t1().port);
  int refusal_count = 0;
  EXPECT_TRUE(Eventually([&] {
    next.reserve_access.set_transaction_id(next.NewTransaction());
    const absl::Status status = next.ReserveAccess();
    if (status.ok()) return true;
    EXPECT_EQ(ErrorReasonOf(status), "NO_FREE_PORT");
    ++refusal_count;
    return false;
  }));
  EXPECT_GE(common::MonotonicTime::Now() - release_time, kRest);
  EXPECT_GT(refusal_count, 0);
  EXPECT_EQ(next.t1().port, released.t1().port);
}

TEST(IqLimits, FullPortPoolGivesResourceExhaustedAndLeavesNothing) {
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  config.mutable_realms(0)->set_last_port(config.realms(0).first_port() + 3);
  Services services(config);
  std::vector<std::unique_ptr<IqSession>> sessions;
  absl::Status refused;
  while (refused.ok() && sessions.size() < 10) {
    sessions.push_back(std::make_unique<IqSession>(services));
    refused = sessions.back()->ReserveAccess();
  }
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ErrorReasonOf(refused), "NO_FREE_PORT");
  sessions.clear();
  EXPECT_TRUE(services.WaitUntilIdle());
}

TEST_F(IqTest, UnknownRealmAndForbiddenRemoteAddressAreNamed) {
  IqSession session(services_);
  session.reserve_access.mutable_local()->set_ip_realm("elsewhere");
  const absl::Status no_realm = session.ReserveAccess();
  EXPECT_THAT(no_realm, StatusIs(absl::StatusCode::kNotFound));
  EXPECT_EQ(ErrorReasonOf(no_realm), "REALM_UNKNOWN");

  session.reserve_core.mutable_remote()->mutable_address()->set_ip_address("224.0.0.1");
  const absl::Status forbidden = session.ReserveCore();
  EXPECT_THAT(forbidden, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(ErrorReasonOf(forbidden), "REMOTE_ADDRESS_FORBIDDEN");
  EXPECT_TRUE(services_.WaitUntilIdle());
}

TEST_F(IqTest, AuditTellsWhatWasReservedConfiguredAndCounted) {
  IqSession session(services_);
  session.reserve_access.mutable_controller_state()->set_data("record");
  ASSERT_THAT(session.Establish(), IsOk());
  ASSERT_THAT(session.phone().Send("12345"), IsOk());
  ASSERT_THAT(session.core().Receive(5), IsOk());

  iq::AuditContextRequest request;
  request.set_context_id(session.context_id());
  ASSERT_OK_AND_ASSIGN(const iq::AuditContextResponse audit,
                       Call(services_.iq(), &Stub::AuditContext, request));
  EXPECT_EQ(audit.controller_state(), "record");
  EXPECT_EQ(audit.controller_state_revision(), session.access().controller_state_revision());
  EXPECT_EQ(audit.incarnation(), services_.AgwStatus().incarnation());
  ASSERT_EQ(audit.terminations_size(), 2);
  const iq::TerminationAudit& t1 = audit.terminations(0);
  EXPECT_EQ(t1.termination().side(), iq::SIDE_ACCESS);
  EXPECT_EQ(t1.state(), iq::TerminationAudit::STATE_ESTABLISHED);
  EXPECT_EQ(ToText(t1.local_address()), session.t1().ToString());
  EXPECT_EQ(t1.remote().fingerprints(0).digest(), session.certificate().digest());
  EXPECT_EQ(t1.bearer_control().tls_role(), iq::TLS_ROLE_SERVER);
  EXPECT_EQ(t1.statistics().received_byte_count(), 5u);
  const iq::TerminationAudit& t2 = audit.terminations(1);
  EXPECT_EQ(t2.state(), iq::TerminationAudit::STATE_ESTABLISHED);
  EXPECT_EQ(t2.statistics().sent_byte_count(), 5u);
}

TEST_F(IqTest, ControllerStateIsComparedBeforeItIsSet) {
  IqSession session(services_);
  session.reserve_access.mutable_controller_state()->set_data("one");
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  const uint64_t revision = session.access().controller_state_revision();
  EXPECT_GT(revision, 0u);
  iq::ControllerState* state = session.configure_access.mutable_controller_state();
  state->set_data("two");
  state->set_expected_revision(revision + 1);
  const absl::Status conflict = session.ConfigureAccess();
  EXPECT_THAT(conflict, StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(ErrorReasonOf(conflict), "REVISION_CONFLICT");
  // Nothing of the request was done.
  ASSERT_OK_AND_ASSIGN(const iq::TerminationAudit t1, session.Audit(iq::SIDE_ACCESS));
  EXPECT_EQ(t1.remote().fingerprints_size(), 0);
  state->set_expected_revision(revision);
  session.configure_access.set_transaction_id(session.NewTransaction());
  EXPECT_THAT(session.ConfigureAccess(), IsOk());
}

TEST_F(IqTest, ReleaseThatExpectsAnotherRevisionReleasesNothing) {
  IqSession session(services_);
  session.reserve_access.mutable_controller_state()->set_data("record");
  ASSERT_THAT(session.Establish(), IsOk());
  const uint64_t revision = session.access().controller_state_revision();
  iq::ReleaseTerminationRequest request;
  request.mutable_termination()->set_context_id(session.context_id());
  request.set_transaction_id(session.NewTransaction());
  request.set_expected_controller_state_revision(revision + 1);
  const absl::Status refused = Call(services_.iq(), &Stub::ReleaseTermination, request).status();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(ErrorReasonOf(refused), "REVISION_CONFLICT");
  ASSERT_THAT(session.phone().Send("goes on"), IsOk());
  EXPECT_THAT(session.core().Receive(7), IsOk());

  request.set_transaction_id(session.NewTransaction());
  request.set_expected_controller_state_revision(revision);
  EXPECT_THAT(Call(services_.iq(), &Stub::ReleaseTermination, request), IsOk());
  EXPECT_TRUE(services_.WaitUntilIdle());
}

TEST(Iq, TS_36_NothingTheGatewayListensOnIsARemoteAddress) {
  // What the configuration names: the number 0 names no port. On 127.0.0.1 nobody else has these.
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  const common::IpAddress loopback = peers::At("127.0.0.1:0").ip;
  const uint32_t port = config.realms(0).first_port();
  config.mutable_iq()->set_listen_address(absl::StrCat("127.0.0.1:", port));
  config.mutable_http()->set_listen_address(absl::StrCat("127.0.0.1:", port + 1));
  Services services(config);
  IqSession session(services);
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  const std::pair<const char*, common::TransportAddress> listening[] = {
      {"Iq", {loopback, static_cast<uint16_t>(port)}},
      {"HTTP", {loopback, static_cast<uint16_t>(port + 1)}},
      {"T1", session.t1()},
  };
  for (const auto& [name, address] : listening) {
    *session.reserve_core.mutable_remote()->mutable_address() = ToProto(address);
    session.reserve_core.set_transaction_id(session.NewTransaction());
    const absl::Status refused = session.ReserveCore();
    EXPECT_THAT(refused, StatusIs(absl::StatusCode::kInvalidArgument)) << name;
    EXPECT_EQ(ErrorReasonOf(refused), "REMOTE_ADDRESS_FORBIDDEN") << name;
  }
}

TEST_F(IqTest, ListContextsPageByPage) {
  std::vector<std::unique_ptr<IqSession>> sessions;
  std::set<std::string> expected;
  for (int i = 0; i < 5; ++i) {
    sessions.push_back(std::make_unique<IqSession>(services_));
    ASSERT_THAT(sessions.back()->ReserveAccess(), IsOk());
    expected.insert(sessions.back()->context_id());
  }
  std::multiset<std::string> listed;
  iq::ListContextsRequest request;
  request.set_page_size(2);
  do {
    ASSERT_OK_AND_ASSIGN(const iq::ListContextsResponse page,
                         Call(services_.iq(), &Stub::ListContexts, request));
    EXPECT_LE(page.context_ids_size(), 2);
    listed.insert(page.context_ids().begin(), page.context_ids().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), expected);
  EXPECT_EQ(listed.size(), expected.size());
}

TEST_F(IqTest, NotificationsAreNumberedAndCanBeResumed) {
  IqSession session(services_);
  ASSERT_THAT(session.Establish(), IsOk());
  ASSERT_TRUE(session.WaitFor(Notification::kTlsEstablished).has_value());
  const std::vector<Notification> seen = services_.notifications().seen();
  ASSERT_GE(seen.size(), 3u);
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i].sequence_number(), i + 1);

  peers::NotificationWatcher resumed(services_.agw_channel(), 2,
                                     services_.notifications().incarnation());
  const absl::optional<Notification> first =
      resumed.WaitFor([](const Notification&) { return true; });
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->SerializeAsString(), seen[2].SerializeAsString());
}

TEST_F(IqTest, NotificationsOfAnotherRunAreRefused) {
  peers::NotificationWatcher stale(services_.agw_channel(), 1, "another-run");
  const absl::Status end = common::FromGrpcStatus(stale.WaitForEnd());
  EXPECT_THAT(end, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(ErrorReasonOf(end), "INCARNATION_MISMATCH");
}

TEST(IqLimits, GapOfForgottenNotificationsIsVisible) {
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  config.set_notification_log_size(16);
  Services services(config);
  while (services.AgwStatus().last_sequence_number() < 20) {
    IqSession session(services);
    ASSERT_THAT(session.Establish(), IsOk());
  }
  const uint64_t last = services.AgwStatus().last_sequence_number();
  peers::NotificationWatcher late(services.agw_channel());
  const absl::optional<Notification> first = late.WaitFor([](const Notification&) { return true; });
  ASSERT_TRUE(first.has_value());
  EXPECT_GE(first->sequence_number(), last - 15);
  EXPECT_GT(first->sequence_number(), 1u);
}

TEST(IqLimits, DrainingRefusesNewContextsAndKeepsOldOnes) {
  Services services;
  IqSession old_session(services);
  ASSERT_THAT(old_session.Establish(), IsOk());
  const MetricChanges metrics(services);
  ASSERT_THAT(Call(services.iq(), &Stub::Drain, iq::DrainRequest()), IsOk());
  ASSERT_THAT(Call(services.iq(), &Stub::Drain, iq::DrainRequest()), IsOk());
  EXPECT_TRUE(metrics.Notified("draining", "", ""));
  EXPECT_TRUE(metrics.AgwCounted("iqgate_agw_draining"));
  EXPECT_TRUE(services.AgwStatus().draining());
  EXPECT_TRUE(services.notifications().WaitForKind(Notification::kDraining).has_value());
  IqSession new_session(services);
  const absl::Status refused = new_session.ReserveAccess();
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ErrorReasonOf(refused), "DRAINING");
  ASSERT_THAT(old_session.phone().Send("goes on"), IsOk());
  EXPECT_THAT(old_session.core().Receive(7), IsOk());
}

TEST(IqLimits, TheAttributesOfARequestCountForItselfAndForTheContext) {
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  config.set_context_limit(2);
  config.set_priority_share(50);
  Services services(config);
  const MetricChanges metrics(services);
  IqSession ordinary(services);
  ASSERT_THAT(ordinary.ReserveAccess(), IsOk());
  IqSession urgent(services);
  EXPECT_EQ(ErrorReasonOf(urgent.ReserveAccess()), "CONTEXT_LIMIT");
  EXPECT_TRUE(
      metrics.AgwCounted("iqgate_agw_refused_reservations_total{reason=\"context_limit\"}"));
  urgent.reserve_access.mutable_context_attributes()->set_priority(16);
  EXPECT_EQ(common::ErrorMetadata(urgent.ReserveAccess(), "field"), "context_attributes.priority");
  urgent.reserve_access.mutable_context_attributes()->set_priority(15);
  ASSERT_THAT(urgent.ReserveAccess(), IsOk());

  iq::AuditContextRequest request;
  request.set_context_id(urgent.context_id());
  ASSERT_OK_AND_ASSIGN(iq::AuditContextResponse audit,
                       Call(services.iq(), &Stub::AuditContext, request));
  EXPECT_EQ(audit.context_attributes().priority(), 15u);
  EXPECT_FALSE(audit.context_attributes().emergency_call());
  urgent.configure_access.mutable_context_attributes()->set_emergency_call(true);
  ASSERT_THAT(urgent.ConfigureAccess(), IsOk());
  ASSERT_OK_AND_ASSIGN(audit, Call(services.iq(), &Stub::AuditContext, request));
  EXPECT_EQ(audit.context_attributes().priority(), 0u);
  EXPECT_TRUE(audit.context_attributes().emergency_call());
}

TEST(IqLimits, DP_16_HangingContextIsReleasedAndTold) {
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  *config.mutable_hold_time() = ToProto(absl::Seconds(1));
  config.mutable_setup()->mutable_await_configuration()->set_seconds(1);
  Services services(config);
  const MetricChanges metrics(services);
  IqSession forgotten(services);
  ASSERT_THAT(forgotten.ReserveAccess(), IsOk());
  EXPECT_TRUE(services.notifications()
                  .WaitForKind(Notification::kHangingTermination, forgotten.context_id())
                  .has_value());
  EXPECT_TRUE(services.WaitUntilIdle());
  EXPECT_TRUE(metrics.Notified("hanging_termination", "", ""));
}

}  // namespace
}  // namespace integration
