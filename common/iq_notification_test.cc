#include "common/iq_notification.h"

#include <string>

#include "gtest/gtest.h"

namespace common {
namespace {

using ims::iq::v1::Notification;

// A notification at the access side with one of its kinds, and what it is called.
struct Row {
  void (*fill)(Notification&);
  const char* kind;
  const char* cause;
  const char* detail;
};

const Row kRows[] = {
    {[](Notification& n) { n.mutable_syn_dropped(); }, "syn_dropped", "", ""},
    {[](Notification& n) { n.mutable_tcp_established(); }, "tcp_established", "", ""},
    {[](Notification& n) {
       n.mutable_tcp_failed()->set_cause(Notification::TcpFailed::CAUSE_REFUSED);
       n.mutable_tcp_failed()->set_detail("why");
     },
     "tcp_failed", "refused", "why"},
    {[](Notification& n) { n.mutable_tls_established(); }, "tls_established", "", ""},
    {[](Notification& n) {
       n.mutable_tls_failed()->set_cause(Notification::TlsFailed::CAUSE_FINGERPRINT_MISMATCH);
       n.mutable_tls_failed()->set_detail("why");
     },
     "tls_failed", "fingerprint_mismatch", "why"},
    {[](Notification& n) { n.mutable_fingerprint_verified(); }, "fingerprint_verified", "", ""},
    {[](Notification& n) { n.mutable_fingerprint_mismatch(); }, "fingerprint_mismatch", "", ""},
    {[](Notification& n) {
       n.mutable_bearer_released()->set_cause(
           Notification::BearerReleased::CAUSE_CLOSED_WITHOUT_CLOSE_NOTIFY);
       n.mutable_bearer_released()->set_detail("why");
     },
     "bearer_released", "closed_without_close_notify", "why"},
    {[](Notification& n) { n.mutable_hanging_termination(); }, "hanging_termination", "", ""},
    {[](Notification& n) { n.mutable_draining(); }, "draining", "", ""},
    {[](Notification& n) { n.mutable_drain_ended(); }, "drain_ended", "", ""},
    {[](Notification& n) { n.mutable_descriptor_shortage()->set_detail("why"); },
     "descriptor_shortage", "", "why"},
    {[](Notification& n) {
       n.mutable_setup_timed_out()->set_timer(
           Notification::SetupTimedOut::TIMER_AWAIT_CONFIGURATION);
     },
     "setup_timed_out", "await_configuration", ""},
    {[](Notification& n) {
       n.mutable_media_inactivity()->set_direction(
           ims::iq::v1::MediaInactivityDetection::DIRECTION_FROM_PEER);
     },
     "media_inactivity", "from_peer", ""},
    {[](Notification& n) { n.mutable_termination_heartbeat(); }, "termination_heartbeat", "", ""},
    {[](Notification& n) { n.mutable_certificate_rotated()->set_ip_realm("access"); },
     "certificate_rotated", "", "realm access"},
    {[](Notification& n) {
       n.mutable_port_pool_low()->set_ip_realm("access");
       n.mutable_port_pool_low()->set_ports_in_use(81);
       n.mutable_port_pool_low()->set_ports_total(100);
     },
     "port_pool_low", "", "realm access: 81 of 100 ports in use"},
};

TEST(IqNotificationTest, EveryKindHasItsNameAndItsCause) {
  for (const Row& row : kRows) {
    Notification notification;
    notification.mutable_termination()->set_side(ims::iq::v1::SIDE_ACCESS);
    row.fill(notification);
    const IqNotificationName name = NameOf(notification);
    EXPECT_EQ(name.kind, row.kind);
    EXPECT_EQ(name.cause, row.cause) << row.kind;
    EXPECT_EQ(name.detail, row.detail) << row.kind;
    EXPECT_EQ(name.side, "access") << row.kind;
  }
  EXPECT_EQ(Notification::descriptor()->oneof_decl(0)->field_count(),
            static_cast<int>(std::size(kRows)))
      << "a kind has no row";
}

TEST(IqNotificationTest, WhatConcernsTheWholeHasNoSide) {
  Notification notification;
  notification.mutable_draining();
  EXPECT_EQ(NameOf(notification).side, "");
  notification.mutable_termination()->set_side(ims::iq::v1::SIDE_CORE);
  EXPECT_EQ(NameOf(notification).side, "core");
}

TEST(IqNotificationTest, OneOfANewerGatewayIsUnknown) {
  EXPECT_EQ(NameOf(Notification()).kind, "unknown");
}

}  // namespace
}  // namespace common
