// DP-14: the set-up timers, short ones given with the request.

#include <string>

#include "tests/integration/testing/data_plane_test.h"
#include "tests/integration/testing/iq_session.h"

namespace integration {
namespace {

namespace iq = ims::iq::v1;
using common::IsOk;
using common::StatusIs;
using iq::Notification;
using peers::Connection;
using peers::Ending;
using Timer = Notification::SetupTimedOut;

class TimersTest : public DataPlaneTest {
 protected:
  absl::optional<Notification> WaitForTimer(IqSession& session, iq::Side side = iq::SIDE_ACCESS) {
    return session.WaitFor(Notification::kSetupTimedOut, side);
  }
};

TEST_P(TimersTest, DP_14_NoAnswer) {
  IqSession session(services_, family());
  *session.reserve_access.mutable_bearer_control()
       ->mutable_setup_timers()
       ->mutable_await_configuration() = ToProto(absl::Milliseconds(200));
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  const absl::optional<Notification> timed_out = WaitForTimer(session);
  ASSERT_TRUE(timed_out.has_value());
  EXPECT_EQ(timed_out->setup_timed_out().timer(), Timer::TIMER_AWAIT_CONFIGURATION);
  EXPECT_TRUE(metrics().Notified("setup_timed_out", "await_configuration", "access"));
  // It is not released: that is for its client to decide.
  ASSERT_OK_AND_ASSIGN(const iq::TerminationAudit t1, session.Audit(iq::SIDE_ACCESS));
  EXPECT_EQ(t1.state(), iq::TerminationAudit::STATE_FAILED);
}

TEST_P(TimersTest, DP_14_NoSyn) {
  IqSession session(services_, family());
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  ASSERT_THAT(session.ReserveCore(), IsOk());
  *session.configure_access.mutable_bearer_control()
       ->mutable_setup_timers()
       ->mutable_tcp_establishment() = ToProto(absl::Milliseconds(200));
  ASSERT_THAT(session.ConfigureAccess(), IsOk());
  const absl::optional<Notification> timed_out = WaitForTimer(session);
  ASSERT_TRUE(timed_out.has_value());
  EXPECT_EQ(timed_out->setup_timed_out().timer(), Timer::TIMER_TCP_ESTABLISHMENT);
  EXPECT_TRUE(metrics().Notified("setup_timed_out", "tcp_establishment", "access"));
  ASSERT_OK_AND_ASSIGN(const iq::TerminationAudit t1, session.Audit(iq::SIDE_ACCESS));
  EXPECT_EQ(t1.state(), iq::TerminationAudit::STATE_FAILED);
}

TEST_P(TimersTest, DP_14_NoTls) {
  IqSession session(services_, family());
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  ASSERT_THAT(session.ReserveCore(), IsOk());
  *session.configure_access.mutable_bearer_control()
       ->mutable_setup_timers()
       ->mutable_tls_establishment() = ToProto(absl::Milliseconds(300));
  ASSERT_THAT(session.ConfigureAccess(), IsOk());
  ASSERT_OK_AND_ASSIGN(Connection silent, session.ConnectPhone());
  EXPECT_NE(silent.WaitForEnd(), Ending::kNone);
  const absl::optional<Notification> failed = session.WaitFor(Notification::kTlsFailed);
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->tls_failed().cause(), Notification::TlsFailed::CAUSE_TIMED_OUT);
  EXPECT_TRUE(metrics().Notified("tls_failed", "timed_out", "access"));
}

TEST_P(TimersTest, DP_14_HeldHandshakeIsNotCutBeforeTheAnswer) {
  IqSession session(services_, family());
  iq::BearerControl* control = session.reserve_access.mutable_bearer_control();
  control->mutable_syn_policy()->mutable_latch();
  *control->mutable_setup_timers()->mutable_tls_establishment() = ToProto(absl::Milliseconds(200));
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  ASSERT_THAT(session.ReserveCore(), IsOk());
  ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
  peers::TlsOptions tls = session.PhoneTls();
  tls.max_version = TLS1_2_VERSION;
  EXPECT_THAT(phone.StartTls(tls, absl::Milliseconds(600)),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  // The timer runs from Configure.
  session.configure_access.mutable_bearer_control()->clear_syn_policy();
  ASSERT_THAT(session.ConfigureAccess(), IsOk());
  EXPECT_THAT(phone.ContinueTls(), IsOk());
}

TEST_P(TimersTest, EstablishedTerminationsHaveNoTimer) {
  IqSession session(services_, family());
  for (iq::BearerControl* control : {session.reserve_access.mutable_bearer_control(),
                                     session.configure_access.mutable_bearer_control()}) {
    iq::SetupTimers* timers = control->mutable_setup_timers();
    *timers->mutable_await_configuration() = ToProto(absl::Seconds(3));
    *timers->mutable_tcp_establishment() = ToProto(absl::Seconds(3));
    *timers->mutable_tls_establishment() = ToProto(absl::Seconds(3));
  }
  ASSERT_THAT(session.Establish(), IsOk());
  EXPECT_FALSE(
      session.WaitFor(Notification::kSetupTimedOut, iq::SIDE_ACCESS, absl::Seconds(4)).has_value());
  ASSERT_THAT(session.phone().Send("alive"), IsOk());
  EXPECT_THAT(session.core().Receive(5), IsOk());
}

INSTANTIATE_FOR_BOTH_FAMILIES(TimersTest);

}  // namespace
}  // namespace integration
