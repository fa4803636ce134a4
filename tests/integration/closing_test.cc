// How connections end, and what a slow reader does (docs/half-close.md).

#include <string>
#include <thread>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "tests/integration/testing/data_plane_test.h"
#include "tests/integration/testing/heap.h"
#include "tests/integration/testing/iq_session.h"

namespace integration {
namespace {

namespace iq = ims::iq::v1;
using common::IsOk;
using common::StatusIs;
using iq::Notification;
using peers::Connection;
using peers::Ending;
using Released = Notification::BearerReleased;

class ClosingTest : public DataPlaneTest {
 protected:
  // The cause a termination reports, once, and counts.
  void ExpectReleased(Session& session, iq::Side side, Released::Cause cause) {
    const absl::optional<Notification> released =
        session.WaitFor(Notification::kBearerReleased, side);
    ASSERT_TRUE(released.has_value()) << iq::Side_Name(side);
    EXPECT_EQ(released->bearer_released().cause(), cause)
        << iq::Side_Name(side) << ": " << released->ShortDebugString();
    const std::string name = absl::AsciiStrToLower(Released::Cause_Name(cause));
    EXPECT_TRUE(metrics().Notified("bearer_released", absl::StripPrefix(name, "cause_"),
                                   side == iq::SIDE_ACCESS ? "access" : "core"));
  }
};

TEST_P(ClosingTest, DP_04_CoreRefusesTheTriggeredConnection) {
  ASSERT_OK_AND_ASSIGN(const peers::RefusingPort nobody,
                       peers::RefusingPort::Bind(AddressesOf(family()).core_peer));
  IqSession session(services_, family());
  *session.reserve_core.mutable_remote()->mutable_address() = ToProto(nobody.address());
  ASSERT_THAT(session.ReserveAccess(), IsOk());
  ASSERT_THAT(session.ReserveCore(), IsOk());
  ASSERT_THAT(session.ConfigureAccess(), IsOk());
  // The core's refusal can be quicker than the phone at noticing that it was connected.
  absl::StatusOr<Connection> phone = session.ConnectPhone();
  const absl::optional<Notification> failed =
      session.WaitFor(Notification::kTcpFailed, iq::SIDE_CORE);
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->tcp_failed().cause(), Notification::TcpFailed::CAUSE_REFUSED);
  EXPECT_TRUE(metrics().Notified("tcp_failed", "refused", "core"));
  if (phone.ok()) {
    EXPECT_NE(phone->WaitForEnd(), Ending::kNone);
  } else {
    EXPECT_THAT(phone, StatusIs(absl::StatusCode::kUnavailable));
  }
}

TEST_P(ClosingTest, DP_12_FinOfTheCoreComesAfterTheLastByte) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Establish(), IsOk());
  // More than the IMS-AGW and the kernels hold before B reads.
  const std::string bytes = NumberedLines(6'000'000);
  std::thread sender([&] {
    EXPECT_THAT(session.core().Send(bytes), IsOk());
    session.core().CloseWrite();
  });
  ASSERT_OK_AND_ASSIGN(const std::string received, session.phone().ReceiveToEnd());
  sender.join();
  EXPECT_TRUE(received == bytes) << received.size() << " bytes";
  EXPECT_EQ(session.phone().ending(), Ending::kCloseNotify);
  EXPECT_TRUE(session.phone().WaitForFinBelowTls());
  // B to A is still open.
  ASSERT_THAT(session.phone().Send("last word"), IsOk());
  EXPECT_THAT(session.core().Receive(9), IsOk());
  session.phone().CloseWrite();
  EXPECT_EQ(session.core().WaitForEnd(), Ending::kFin);
  ExpectReleased(session, iq::SIDE_ACCESS, Released::CAUSE_CLOSED_BY_PEERS);
  ExpectReleased(session, iq::SIDE_CORE, Released::CAUSE_CLOSED_BY_PEERS);
}

TEST_P(ClosingTest, HalfCloseOfThePhoneLeavesTheOtherDirection) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Establish(), IsOk());
  ASSERT_THAT(session.phone().Send("bye"), IsOk());
  session.phone().CloseWrite();
  ASSERT_OK_AND_ASSIGN(const std::string received, session.core().ReceiveToEnd());
  EXPECT_EQ(received, "bye");
  EXPECT_EQ(session.core().ending(), Ending::kFin);
  ASSERT_THAT(session.core().Send("still here"), IsOk());
  EXPECT_THAT(session.phone().Receive(10), IsOk());
  session.core().CloseWrite();
  EXPECT_EQ(session.phone().WaitForEnd(), Ending::kCloseNotify);
  ExpectReleased(session, iq::SIDE_ACCESS, Released::CAUSE_CLOSED_BY_PEERS);
}

TEST_P(ClosingTest, ResetOfTheCoreResetsThePhone) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Establish(), IsOk());
  session.core().Reset();
  EXPECT_EQ(session.phone().WaitForEnd(), Ending::kReset);
  ExpectReleased(session, iq::SIDE_CORE, Released::CAUSE_RESET_BY_PEER);
  ExpectReleased(session, iq::SIDE_ACCESS, Released::CAUSE_OTHER_SIDE_ENDED);
}

TEST_P(ClosingTest, ResetOfThePhoneResetsTheCore) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Establish(), IsOk());
  session.phone().Reset();
  EXPECT_EQ(session.core().WaitForEnd(), Ending::kReset);
  ExpectReleased(session, iq::SIDE_ACCESS, Released::CAUSE_RESET_BY_PEER);
  ExpectReleased(session, iq::SIDE_CORE, Released::CAUSE_OTHER_SIDE_ENDED);
}

TEST_P(ClosingTest, FinWithoutCloseNotifyIsTold) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Establish(), IsOk());
  session.phone().socket().CloseWrite();
  session.core().CloseWrite();
  EXPECT_NE(session.core().WaitForEnd(), Ending::kNone);
  ExpectReleased(session, iq::SIDE_ACCESS, Released::CAUSE_CLOSED_WITHOUT_CLOSE_NOTIFY);
}

// DP-13 in one direction: `source` sends, `sink` does not read until the source is stopped.
void ExpectBackPressure(Connection& source, Connection& sink) {
  const std::string bytes = NumberedLines(64 << 20);  // More than nobody may take.
  const size_t allocated = AllocatedByteCount();
  size_t sent = 0;
  while (sent < bytes.size()) {
    ASSERT_OK_AND_ASSIGN(const size_t count,
                         source.SendSome(absl::string_view(bytes).substr(sent, 1 << 20)));
    if (count == 0 && !source.socket().WaitWritable(absl::Seconds(2))) break;
    sent += count;
  }
  // Some MB are in the kernel's buffers, and next to nothing in ours.
  EXPECT_GT(sent, 2u << 20);
  EXPECT_LT(sent, bytes.size());
  EXPECT_LT(AllocatedByteCount(), allocated + (512 << 10)) << sent << " bytes were sent";
  // Everything comes once it is read, and the source may go on.
  const size_t size = sent + (1 << 20);
  std::thread sender([&] {
    EXPECT_THAT(source.Send(absl::string_view(bytes).substr(sent, size - sent)), IsOk());
  });
  const absl::StatusOr<std::string> received = sink.Receive(size);
  sender.join();
  ASSERT_THAT(received, IsOk());
  EXPECT_TRUE(*received == absl::string_view(bytes).substr(0, size));
}

TEST_P(ClosingTest, DP_13_SlowCoreStopsThePhone) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Establish(), IsOk());
  ExpectBackPressure(session.phone(), session.core());
}

TEST_P(ClosingTest, DP_13_SlowPhoneStopsTheCore) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Establish(), IsOk());
  ExpectBackPressure(session.core(), session.phone());
}

INSTANTIATE_FOR_BOTH_FAMILIES(ClosingTest);

TEST(HalfCloseTime, ASlowTakerOfTheLastBytesGetsThemAll) {
  ims::config::v1::AgwConfig config = SmallAgwConfig();
  config.mutable_half_close_time()->set_seconds(3);
  Services services(config);
  Session session(services);
  ASSERT_THAT(session.Establish(), IsOk());
  // So that most of it waits in the kernel of the IMS-AGW, which has read everything.
  session.phone().socket().SetReceiveBuffer(64 << 10);
  const std::string bytes = NumberedLines(1 << 20);
  ASSERT_THAT(session.core().Send(bytes), IsOk());
  session.core().CloseWrite();
  // Always some of it within the time that a half-closed connection may be silent.
  std::string received;
  for (int i = 0; i < 8; ++i) {
    absl::SleepFor(absl::Milliseconds(500));
    ASSERT_EQ(session.phone().ReceiveSome(&received, 32 << 10), Ending::kNone)
        << "after " << received.size() << " bytes";
  }
  ASSERT_OK_AND_ASSIGN(const std::string rest, session.phone().ReceiveToEnd());
  received += rest;
  EXPECT_TRUE(received == bytes) << received.size() << " bytes";
  EXPECT_EQ(session.phone().ending(), Ending::kCloseNotify);
}

}  // namespace
}  // namespace integration
