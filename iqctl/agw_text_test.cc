#include "iqctl/agw_text.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ims/iq/v1/notification.pb.h"
#include "ims/iq/v1/termination.pb.h"

namespace iqctl {
namespace {

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

TEST(UseCell, WarnsWhereLittleIsLeft) {
  EXPECT_EQ(UseCell(7, 10).style, Style::kPlain);
  EXPECT_EQ(UseCell(8, 10).style, Style::kWarning);
  EXPECT_EQ(UseCell(10, 10).style, Style::kBad);
  EXPECT_EQ(UseCell(1234, 20000).text, "1,234/20,000");
}

}  // namespace
}  // namespace iqctl
