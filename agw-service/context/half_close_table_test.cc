// The table of docs/half-close.md: a test for each row, on real sockets, over TLS and without. The
// names of the rows are those of the document.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "agw-service/context/context.h"
#include "agw-service/context/testing/loopback_session.h"
#include "agw-service/net/socket.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using Cause = BearerReleased::Cause;
using Session = LoopbackSession;

// Where the session is, and what happens then.
void Open(Session&) {}
void UeHasEnded(Session& session) {
  session.ue().End();
  session.RunUntil([&] { return session.core().sees() == Sees::kEnd; });
}
void UeHasTruncated(Session& session) {
  session.ue().Truncate();
  session.RunUntil([&] { return session.core().sees() == Sees::kEnd; });
}
void CoreHasEnded(Session& session) {
  session.core().End();
  session.RunUntil([&] { return session.ue().sees() == Sees::kEnd; });
}
void CoreIsFull(Session& session) { session.Fill(session.ue(), session.core(), Side::kCore); }
void UeIsFull(Session& session) { session.Fill(session.core(), session.ue(), Side::kAccess); }
void CoreHasEndedAndIsFull(Session& session) {
  CoreHasEnded(session);
  CoreIsFull(session);
}

void UeEnds(Session& session) { session.ue().End(); }
void UeTruncates(Session& session) { session.ue().Truncate(); }
void UeResets(Session& session) { session.ue().Reset(); }
void UeBreaksTls(Session& session) {
  session.ue().tls()->SendRaw(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
}
void UeSendsAlert(Session& session) {
  // In the clear, so it is a violation as well.
  session.ue().tls()->SendRaw(std::string("\x15\x03\x03\x00\x02\x02\x28", 7));
}
void CoreEnds(Session& session) { session.core().End(); }
void CoreResets(Session& session) { session.core().Reset(); }
void TcpGivesUpOn(Session& session, Side side, Endpoint& silent, Endpoint& other) {
  const unsigned timeout_ms = 100;
  ASSERT_EQ(setsockopt(session.ByteStreamOf(side).fd(), IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
                       sizeof(timeout_ms)),
            0);
  silent.FallSilent();
  other.Send("is anybody there");
}
void TcpGivesUpOnUe(Session& session) {
  TcpGivesUpOn(session, Side::kAccess, session.ue(), session.core());
}
void TcpGivesUpOnCore(Session& session) {
  TcpGivesUpOn(session, Side::kCore, session.core(), session.ue());
}
void NobodySpeaks(Session& session) {
  // Bytes that came in the first half of the time begin it anew.
  for (int i = 0; i < 2; ++i) {
    session.harness().SkipTime(session.harness().limits().half_close_time + absl::Seconds(1));
    session.harness().Turn();
  }
}
void Release(Session& session, absl::optional<Side> side) {
  ByteStream& access = session.ByteStreamOf(Side::kAccess);
  ByteStream& core = session.ByteStreamOf(Side::kCore);
  if (access.unsent_byte_count() + core.unsent_byte_count() == 0) {
    // Until the kernel has heard that everything arrived.
    session.RunUntil(
        [&] { return !HasBytesInFlight(access.fd()) && !HasBytesInFlight(core.fd()); });
  }
  session.Release(side);
}
void ContextIsReleased(Session& session) { Release(session, absl::nullopt); }
void T1IsReleased(Session& session) { Release(session, Side::kAccess); }
void T2IsReleased(Session& session) { Release(session, Side::kCore); }

enum class Over { kBoth, kTls };

constexpr absl::nullopt_t kNone = absl::nullopt;

struct Row {
  const char* name;
  void (*given)(Session&);
  void (*happens)(Session&);
  Sees ue;
  Sees core;
  absl::optional<Cause> t1;
  absl::optional<Cause> t2;
  Over over = Over::kBoth;
};

// What has ended before it happens counts as seen. `kReset` of the one that resets is not looked
// at.
const Row kRows[] = {
    // Both directions are open.
    {"O1", Open, UeEnds, Sees::kNothing, Sees::kEnd, kNone, kNone},
    {"O2", Open, CoreEnds, Sees::kEnd, Sees::kNothing, kNone, kNone},
    {"O3", Open, UeTruncates, Sees::kNothing, Sees::kEnd, kNone, kNone, Over::kTls},
    {"O4", Open, UeResets, Sees::kNothing, Sees::kReset, Cause::kResetByPeer,
     Cause::kOtherSideEnded},
    {"O5", Open, CoreResets, Sees::kReset, Sees::kNothing, Cause::kOtherSideEnded,
     Cause::kResetByPeer},
    {"O6", Open, UeBreaksTls, Sees::kTruncation, Sees::kReset, Cause::kTlsError,
     Cause::kOtherSideEnded, Over::kTls},
    {"O7", Open, UeSendsAlert, Sees::kTruncation, Sees::kReset, Cause::kTlsError,
     Cause::kOtherSideEnded, Over::kTls},
    {"O8", Open, TcpGivesUpOnUe, Sees::kNothing, Sees::kReset, Cause::kPeerVanished,
     Cause::kOtherSideEnded},
    {"O9", Open, TcpGivesUpOnCore, Sees::kReset, Sees::kNothing, Cause::kOtherSideEnded,
     Cause::kPeerVanished},
    {"O10", Open, ContextIsReleased, Sees::kTruncation, Sees::kEnd, kNone, kNone},
    {"O11", Open, T1IsReleased, Sees::kTruncation, Sees::kReset, kNone, Cause::kOtherSideEnded},
    {"O12", Open, T2IsReleased, Sees::kReset, Sees::kEnd, Cause::kOtherSideEnded, kNone},

    // One direction has ended.
    {"H1", UeHasEnded, CoreEnds, Sees::kEnd, Sees::kEnd, Cause::kClosedByPeers,
     Cause::kClosedByPeers},
    {"H2", UeHasTruncated, CoreEnds, Sees::kEnd, Sees::kEnd, Cause::kClosedWithoutCloseNotify,
     Cause::kClosedByPeers, Over::kTls},
    {"H3", CoreHasEnded, UeEnds, Sees::kEnd, Sees::kEnd, Cause::kClosedByPeers,
     Cause::kClosedByPeers},
    {"H4", CoreHasEnded, UeTruncates, Sees::kEnd, Sees::kEnd, Cause::kClosedWithoutCloseNotify,
     Cause::kClosedByPeers, Over::kTls},
    {"H5", UeHasEnded, UeResets, Sees::kNothing, Sees::kReset, Cause::kResetByPeer,
     Cause::kOtherSideEnded},
    {"H6", UeHasEnded, CoreResets, Sees::kReset, Sees::kEnd, Cause::kOtherSideEnded,
     Cause::kResetByPeer},
    {"H7", CoreHasEnded, UeResets, Sees::kEnd, Sees::kReset, Cause::kResetByPeer,
     Cause::kOtherSideEnded},
    {"H8", CoreHasEnded, CoreResets, Sees::kReset, Sees::kNothing, Cause::kOtherSideEnded,
     Cause::kResetByPeer},
    {"H9", UeHasEnded, NobodySpeaks, Sees::kReset, Sees::kReset, Cause::kTimedOut,
     Cause::kTimedOut},
    {"H10", CoreHasEnded, NobodySpeaks, Sees::kReset, Sees::kReset, Cause::kTimedOut,
     Cause::kTimedOut},
    {"H11", UeHasEnded, ContextIsReleased, Sees::kTruncation, Sees::kEnd, kNone, kNone},

    // The IMS-AGW has bytes for a side that does not take them.
    {"F1", CoreIsFull, UeEnds, Sees::kNothing, Sees::kEnd, kNone, kNone},
    {"F2", CoreIsFull, UeResets, Sees::kNothing, Sees::kReset, Cause::kResetByPeer,
     Cause::kOtherSideEnded},
    {"F3", CoreIsFull, CoreResets, Sees::kReset, Sees::kNothing, Cause::kOtherSideEnded,
     Cause::kResetByPeer},
    {"F4", CoreIsFull, ContextIsReleased, Sees::kReset, Sees::kReset, kNone, kNone},
    {"F5", UeIsFull, CoreEnds, Sees::kEnd, Sees::kNothing, kNone, kNone},
    {"F6", UeIsFull, CoreResets, Sees::kReset, Sees::kNothing, Cause::kOtherSideEnded,
     Cause::kResetByPeer},
    {"F7", UeIsFull, UeResets, Sees::kNothing, Sees::kReset, Cause::kResetByPeer,
     Cause::kOtherSideEnded},
    {"F8", UeIsFull, ContextIsReleased, Sees::kReset, Sees::kReset, kNone, kNone},
    {"F9", CoreHasEndedAndIsFull, UeEnds, Sees::kEnd, Sees::kEnd, Cause::kClosedByPeers,
     Cause::kClosedByPeers},
    {"F10", CoreHasEndedAndIsFull, NobodySpeaks, Sees::kReset, Sees::kReset, Cause::kTimedOut,
     Cause::kTimedOut},
};

class HalfCloseTableTest : public testing::TestWithParam<std::tuple<Row, bool>> {};

TEST_P(HalfCloseTableTest, R_AGW_23_IsAsTheDocumentSays) {
  const auto& [row, tls] = GetParam();
  Session session(tls);
  session.Open();
  row.given(session);
  const bool full = row.name[0] == 'F';
  row.happens(session);
  // What waits in front of an end is taken only now.
  session.RunQuietTurns();
  EXPECT_TRUE(session.AtRest());
  if (full && row.happens == UeEnds) {
    EXPECT_GT(session.ByteStreamOf(Side::kCore).unsent_byte_count(), 0u);
  }
  if (full && row.happens == CoreEnds) {
    EXPECT_GT(session.ByteStreamOf(Side::kAccess).unsent_byte_count(), 0u);
  }
  session.ue().set_reading(true);
  session.core().set_reading(true);

  // Without TLS there is no truncation.
  const auto seen = [tls = tls](Sees sees) {
    return !tls && sees == Sees::kTruncation ? Sees::kEnd : sees;
  };
  session.RunUntil([&, &row = row] {
    return session.ue().sees() == seen(row.ue) && session.core().sees() == seen(row.core) &&
           session.Released(Side::kAccess) == row.t1 && session.Released(Side::kCore) == row.t2;
  });
  session.RunQuietTurns();
  EXPECT_EQ(session.ue().sees(), seen(row.ue));
  EXPECT_EQ(session.core().sees(), seen(row.core));
  EXPECT_EQ(session.Released(Side::kAccess), row.t1);
  EXPECT_EQ(session.Released(Side::kCore), row.t2);
  // An end that is none of RST comes after the last byte.
  if (row.happens == UeEnds || row.happens == UeTruncates) {
    EXPECT_EQ(session.core().received().size(), session.ue().sent_byte_count());
  }
  if (row.happens == CoreEnds) {
    EXPECT_EQ(session.ue().received().size(), session.core().sent_byte_count());
  }
}

std::vector<std::tuple<Row, bool>> RowsOverTlsAndWithout() {
  std::vector<std::tuple<Row, bool>> rows;
  for (const Row& row : kRows) {
    rows.emplace_back(row, true);
    if (row.over == Over::kBoth) rows.emplace_back(row, false);
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(Rows, HalfCloseTableTest, testing::ValuesIn(RowsOverTlsAndWithout()),
                         [](const testing::TestParamInfo<std::tuple<Row, bool>>& info) {
                           return absl::StrCat(std::get<0>(info.param).name,
                                               std::get<1>(info.param) ? "_Tls" : "_Plain");
                         });

}  // namespace
}  // namespace agw
