#include "iqctl/agw_text.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ims/iq/v1/error_reason.pb.h"
#include "ims/iq/v1/gateway_status.pb.h"
#include "ims/iq/v1/history.pb.h"
#include "ims/iq/v1/media_gateway_service.pb.h"
#include "ims/iq/v1/notification.pb.h"
#include "ims/iq/v1/termination.pb.h"
#include "iqctl/gateways.h"
#include "iqctl/text/terminal.h"

namespace iqctl {
namespace {

namespace iq = ims::iq::v1;
using ims::iqctl::v1::GatewayEvent;
using testing::HasSubstr;

GatewayEvent Event() {
  GatewayEvent event;
  event.set_instance_id("agw-1");
  event.mutable_notification()->set_sequence_number(7);
  event.mutable_notification()->mutable_time()->set_seconds(1767225600);
  event.mutable_notification()->mutable_termination()->set_context_id("c1");
  event.mutable_notification()->mutable_termination()->set_stream_id(1);
  event.mutable_notification()->mutable_termination()->set_side(ims::iq::v1::SIDE_ACCESS);
  return event;
}

TEST(EventText, HasWhereWhatAndWhy) {
  GatewayEvent event = Event();
  auto& failed = *event.mutable_notification()->mutable_tls_failed();
  failed.set_cause(ims::iq::v1::Notification::TlsFailed::CAUSE_NO_CERTIFICATE);
  failed.set_attempts_left(2);
  failed.set_detail("none came\n");
  EXPECT_EQ(
      EventText(event, Terminal()),
      "2026-01-01T00:00:00.000Z  agw-1 #7  tls_failed no_certificate  c1/1 access  2 more may "
      "try  none came?\n");
  Terminal terminal;
  terminal.has_colour = true;
  EXPECT_THAT(EventText(event, terminal), HasSubstr("\033[31mtls_failed no_certificate\033[0m"));
}

TEST(EventText, LeavesOutWhatIsNotThere) {
  GatewayEvent event = Event();
  event.mutable_notification()->clear_termination();
  event.mutable_notification()->mutable_draining();
  EXPECT_EQ(EventText(event, Terminal()), "2026-01-01T00:00:00.000Z  agw-1 #7  draining\n");
}

TEST(EventText, HasTheParticularsOfEachKind) {
  GatewayEvent event = Event();
  auto& established = *event.mutable_notification()->mutable_tcp_established();
  established.mutable_local_address()->set_ip_address("2001:db8::1");
  established.mutable_local_address()->set_port(10);
  established.mutable_remote_address()->set_ip_address("192.0.2.1");
  established.mutable_remote_address()->set_port(20);
  EXPECT_THAT(EventText(event, Terminal()), HasSubstr("  [2001:db8::1]:10 with 192.0.2.1:20\n"));
  event.mutable_notification()
      ->mutable_fingerprint_mismatch()
      ->mutable_presented()
      ->set_hash_function("sha-256");
  event.mutable_notification()->mutable_fingerprint_mismatch()->mutable_presented()->set_digest(
      "\xab\x01");
  EXPECT_THAT(EventText(event, Terminal()), HasSubstr("  presented sha-256 AB:01\n"));
  event.mutable_notification()->mutable_bearer_released()->set_sent_byte_count(1500);
  EXPECT_THAT(EventText(event, Terminal()), HasSubstr("  received 0 B, sent 1.5 kB\n"));
  event.mutable_notification()->mutable_syn_dropped()->set_dropped_count(3);
  EXPECT_THAT(EventText(event, Terminal()), HasSubstr("  3 SYNs\n"));
}

// Of 2026-01-01, so much after midnight.
google::protobuf::Timestamp At(int seconds, int milliseconds) {
  google::protobuf::Timestamp time;
  time.set_seconds(1767225600 + seconds);
  time.set_nanos(milliseconds * 1'000'000);
  return time;
}

iq::TerminationId Access() {
  iq::TerminationId termination;
  termination.set_context_id("c1");
  termination.set_stream_id(1);
  termination.set_side(iq::SIDE_ACCESS);
  return termination;
}

TEST(ContextText, TellsWhatHasHappenedWithTimesAddressesAndCauses) {
  iq::AuditContextResponse context;
  context.set_context_id("c1");
  context.set_forgotten_history_count(1200);
  iq::HistoryEntry::Call& reserve = *context.add_history()->mutable_call();
  *reserve.mutable_time() = At(0, 0);
  reserve.set_procedure(iq::HistoryEntry::PROCEDURE_RESERVE_CONNECTION_POINT);
  *reserve.mutable_termination() = Access();
  iq::Notification& tcp = *context.add_history()->mutable_notification();
  *tcp.mutable_time() = At(1, 250);
  *tcp.mutable_termination() = Access();
  tcp.mutable_tcp_established()->mutable_local_address()->set_ip_address("192.0.2.1");
  tcp.mutable_tcp_established()->mutable_local_address()->set_port(20000);
  tcp.mutable_tcp_established()->mutable_remote_address()->set_ip_address("192.0.2.7");
  tcp.mutable_tcp_established()->mutable_remote_address()->set_port(40000);
  iq::Notification& released = *context.add_history()->mutable_notification();
  *released.mutable_time() = At(61, 250);
  *released.mutable_termination() = Access();
  released.mutable_bearer_released()->set_cause(
      iq::Notification::BearerReleased::CAUSE_PEER_VANISHED);
  released.mutable_bearer_released()->set_detail("no answer\n");
  iq::HistoryEntry::Call& configure = *context.add_history()->mutable_call();
  *configure.mutable_time() = At(61, 300);
  configure.set_procedure(iq::HistoryEntry::PROCEDURE_CONFIGURE_CONNECTION_POINT);
  configure.mutable_termination()->set_context_id("c1");
  configure.set_error_reason(iq::ERROR_REASON_OWN_FINGERPRINT);
  EXPECT_THAT(
      ContextText(context, Terminal()),
      HasSubstr(
          "\n"
          "1,200 before that were not kept\n"
          "TIME                          AFTER  WHERE     WHAT                           MORE\n"
          "2026-01-01T00:00:00.000Z   +0.000 s  1 access  > reserve_connection_point\n"
          "2026-01-01T00:00:01.250Z   +1.250 s  1 access  tcp_established                "
          "192.0.2.1:20000 with 192.0.2.7:40000\n"
          "2026-01-01T00:01:01.250Z  +60.000 s  1 access  bearer_released peer_vanished  "
          "received 0 B, sent 0 B  no answer?\n"
          "2026-01-01T00:01:01.300Z   +0.050 s            > configure_connection_point   "
          "OWN_FINGERPRINT\n"));
}

TEST(ContextText, LeavesOutAHistoryThatIsNotThere) {
  iq::AuditContextResponse context;
  context.set_context_id("c1");
  EXPECT_THAT(ContextText(context, Terminal()), testing::Not(HasSubstr("AFTER")));
}

TEST(ContextText, TellsWhatMakesAContextPrivileged) {
  iq::AuditContextResponse context;
  EXPECT_THAT(ContextText(context, Terminal()), testing::Not(HasSubstr("Priority")));
  context.mutable_context_attributes()->set_emergency_call(true);
  context.mutable_context_attributes()->set_priority(7);
  EXPECT_THAT(ContextText(context, Terminal()), HasSubstr("Emergency:  yes\nPriority:   7\n"));
}

TEST(GatewayText, TellsEachCertificateAndWarnsOfItsEnd) {
  Gateway gateway;
  *gateway.status.mutable_time() = At(0, 0);
  iq::Certificate& made = *gateway.status.add_certificates();
  made.set_generated(true);
  made.mutable_fingerprint()->set_hash_function("sha-256");
  made.mutable_fingerprint()->set_digest("\xab\x01");
  *made.mutable_in_use_since() = At(-3600, 0);
  *made.mutable_not_after() = At(15 * 86400, 0);
  iq::Certificate& of_files = *gateway.status.add_certificates();
  of_files.set_ip_realm("access");
  *of_files.mutable_not_after() = At(86400, 0);
  const std::string text = GatewayText(gateway, Terminal());
  EXPECT_THAT(text, HasSubstr("other realms    itself  2025-12-31T23:00:00.000Z  "
                              "2026-01-16T00:00:00.000Z  sha-256 AB:01"));
  EXPECT_THAT(text, HasSubstr("realm access    files "));
  Terminal terminal;
  terminal.has_colour = true;
  const std::string coloured = GatewayText(gateway, terminal);
  EXPECT_THAT(coloured, HasSubstr("\033[33m2026-01-02T00:00:00.000Z"));
  EXPECT_THAT(coloured, testing::Not(HasSubstr("\033[33m2026-01-16")));
}

TEST(UseCell, WarnsWhereLittleIsLeft) {
  EXPECT_EQ(UseCell(7, 10).style, Style::kPlain);
  EXPECT_EQ(UseCell(8, 10).style, Style::kWarning);
  EXPECT_EQ(UseCell(10, 10).style, Style::kBad);
  EXPECT_EQ(UseCell(1234, 20000).text, "1,234/20,000");
}

}  // namespace
}  // namespace iqctl
