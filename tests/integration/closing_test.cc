// How connections end, and what a slow reader does (docs/half-close.md).

#include <string>
#include <thread>

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
using Released = Notification::BearerReleased;

class ClosingTest : public DataPlaneTest {
 protected:
  // The cause both terminations report.
  void ExpectReleased(Session& session, iq::Side side, Released::Cause cause) {
    const absl::optional<Notification> released =
        session.WaitFor(Notification::kBearerReleased, side);
    ASSERT_TRUE(released.has_value()) << iq::Side_Name(side);
    EXPECT_EQ(released->bearer_released().cause(), cause)
        << iq::Side_Name(side) << ": " << released->ShortDebugString();
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
  const std::string bytes(6'000'000, 'z');
  std::thread sender([&] {
    EXPECT_THAT(session.core().Send(bytes), IsOk());
    session.core().CloseWrite();
  });
  ASSERT_OK_AND_ASSIGN(const std::string received, session.phone().ReceiveToEnd());
  sender.join();
  EXPECT_EQ(received, bytes);
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
  const std::string piece(1 << 20, 'p');
  constexpr size_t kFar = 512;  // MiB, which nobody may take.
  size_t sent = 0;
  while (sent < kFar * piece.size()) {
    ASSERT_OK_AND_ASSIGN(const size_t count, source.SendSome(piece));
    if (count == 0 && !source.socket().WaitWritable(absl::Milliseconds(500))) break;
    sent += count;
  }
  // What two kernels buffer on loopback is below this.
  EXPECT_LT(sent, 64 * piece.size());
  // Everything comes once it is read.
  std::string received;
  while (received.size() < sent) {
    ASSERT_EQ(sink.ReceiveSome(&received), Ending::kNone);
    if (received.size() < sent) {
      ASSERT_TRUE(sink.socket().WaitReadable(peers::kPatience))
          << received.size() << " of " << sent;
    }
  }
  EXPECT_EQ(received.size(), sent);
  EXPECT_EQ(received.find_first_not_of('p'), std::string::npos);
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

}  // namespace
}  // namespace integration
