// DP-17: a session can be released at any moment, and nothing of it stays.

#include <string>
#include <thread>

#include "tests/integration/testing/data_plane_test.h"

namespace integration {
namespace {

namespace alg = ims::alg::v1;
namespace iq = ims::iq::v1;
using common::IsOk;
using iq::Notification;
using peers::Connection;
using peers::Ending;

class ReleaseTest : public DataPlaneTest {
 protected:
  void ReleaseAndExpectNothingLeft(Session& session) {
    ASSERT_THAT(session.Release(), IsOk());
    EXPECT_TRUE(services_.WaitUntilIdle());
    EXPECT_EQ(session.Audit().status().code(), absl::StatusCode::kNotFound);
  }
};

TEST_P(ReleaseTest, DP_17_BeforeTheAnswer) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Offer(), IsOk());
  ReleaseAndExpectNothingLeft(session);
}

TEST_P(ReleaseTest, DP_17_WhileWaitingForTheSyn) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_THAT(session.Answer(), IsOk());
  ReleaseAndExpectNothingLeft(session);
}

TEST_P(ReleaseTest, DP_17_WhileTheHandshakeIsHeld) {
  Session session(services_, {.family = family(), .early_syn = alg::EARLY_SYN_LATCH});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
  ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
  ASSERT_THAT(phone.StartTls(session.PhoneTls()), IsOk());
  ASSERT_THAT(phone.Send("held"), IsOk());
  ReleaseAndExpectNothingLeft(session);
  EXPECT_NE(phone.WaitForEnd(), Ending::kNone);
  EXPECT_NE(core.WaitForEnd(), Ending::kNone);
  EXPECT_EQ(core.received_byte_count(), 0u);
}

TEST_P(ReleaseTest, DP_17_AmidTheHandshake) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Offer(), IsOk());
  ASSERT_THAT(session.Answer(), IsOk());
  ASSERT_OK_AND_ASSIGN(Connection phone, session.ConnectPhone());
  ASSERT_OK_AND_ASSIGN(Connection core, session.AcceptCore());
  // The first bytes of a ClientHello, which says that more follows.
  ASSERT_THAT(phone.Send(absl::string_view("\x16\x03\x01\x02\x00\x01", 6)), IsOk());
  ReleaseAndExpectNothingLeft(session);
  EXPECT_NE(phone.WaitForEnd(), Ending::kNone);
  EXPECT_NE(core.WaitForEnd(), Ending::kNone);
}

TEST_P(ReleaseTest, DP_17_AmidATransfer) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Establish(), IsOk());
  const std::string piece(1 << 20, 'm');
  std::thread sender([&] {
    while (session.phone().Send(piece).ok()) {
    }
  });
  std::string received;
  EXPECT_TRUE(Eventually([&] {
    session.core().ReceiveSome(&received);
    return received.size() > piece.size();
  }));
  ReleaseAndExpectNothingLeft(session);
  sender.join();
  EXPECT_NE(session.core().WaitForEnd(), Ending::kNone);
}

TEST_P(ReleaseTest, DP_17_WhileNobodyReads) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Establish(), IsOk());
  const std::string piece(1 << 20, 'm');
  for (bool stopped = false; !stopped;) {
    ASSERT_OK_AND_ASSIGN(const size_t count, session.core().SendSome(piece));
    stopped = count == 0 && !session.core().socket().WaitWritable(absl::Milliseconds(200));
  }
  ReleaseAndExpectNothingLeft(session);
}

TEST_P(ReleaseTest, AReleasedSessionIsNoErrorAndGivesNothing) {
  Session session(services_, {.family = family()});
  ASSERT_THAT(session.Offer(), IsOk());
  alg::ReleaseSessionRequest request;
  request.set_session_id(session.session_id());
  for (const int expected_streams : {1, 0}) {
    ASSERT_OK_AND_ASSIGN(
        const alg::ReleaseSessionResponse response,
        Call(services_.alg(), &alg::SessionService::Stub::ReleaseSession, request));
    EXPECT_EQ(response.streams_size(), expected_streams);
  }
}

INSTANTIATE_FOR_BOTH_FAMILIES(ReleaseTest);

}  // namespace
}  // namespace integration
