#include "agw-service/context/history.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "common/ip_address.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using Procedure = ProcedureCall::Procedure;

HistoryEntry CallAt(int64_t second, Procedure procedure) {
  return {absl::FromUnixSeconds(second), 1, Side::kCore, ProcedureCall{procedure, ""}};
}

HistoryEntry EventAt(int64_t second, EventKind kind) {
  return {absl::FromUnixSeconds(second), 2, Side::kAccess, std::move(kind)};
}

template <typename Kind>
const Kind& KindOf(const HistoryEntry& entry) {
  return absl::get<Kind>(absl::get<EventKind>(entry.what));
}

TEST(History, GivesBackWhatWasAddedInItsOrder) {
  History history(10);
  history.Add(CallAt(1, Procedure::kReserveAndConfigure));
  const auto local = *common::TransportAddress::Parse("127.0.0.1:9");
  const auto remote = *common::TransportAddress::Parse("[::1]:10");
  history.Add(EventAt(2, TcpEstablished{local, remote, TcpRole::kActive}));
  const std::string detail(100, 'x');
  history.Add(EventAt(
      3, BearerReleased{BearerReleased::Cause::kTlsError, detail, {4, 5, absl::Seconds(6)}}));
  history.Add({absl::FromUnixSeconds(4), 0, absl::nullopt, EventKind(HangingTermination{})});

  const std::vector<HistoryEntry> entries = history.entries();
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0].time, absl::FromUnixSeconds(1));
  EXPECT_EQ(entries[0].stream_id, 1u);
  EXPECT_EQ(entries[0].side, Side::kCore);
  EXPECT_EQ(absl::get<ProcedureCall>(entries[0].what).procedure, Procedure::kReserveAndConfigure);
  EXPECT_EQ(absl::get<ProcedureCall>(entries[0].what).error_reason, "");
  EXPECT_EQ(entries[1].stream_id, 2u);
  EXPECT_EQ(entries[1].side, Side::kAccess);
  EXPECT_EQ(KindOf<TcpEstablished>(entries[1]).remote_address, remote);
  EXPECT_EQ(KindOf<TcpEstablished>(entries[1]).tcp_role, TcpRole::kActive);
  EXPECT_EQ(KindOf<BearerReleased>(entries[2]).detail, detail);
  EXPECT_EQ(KindOf<BearerReleased>(entries[2]).statistics.duration, absl::Seconds(6));
  EXPECT_EQ(entries[3].side, absl::nullopt);
  EXPECT_TRUE(absl::holds_alternative<HangingTermination>(absl::get<EventKind>(entries[3].what)));
}

TEST(History, ForgetsTheOldestAndCountsThem) {
  History history(3);
  for (int i = 0; i < 8; ++i) history.Add(EventAt(i, SynDropped{1}));
  const std::vector<HistoryEntry> entries = history.entries();
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].time, absl::FromUnixSeconds(5));
  EXPECT_EQ(entries[2].time, absl::FromUnixSeconds(7));
  EXPECT_EQ(history.forgotten_count(), 5u);
}

TEST(History, ACallThatFailedHasItsReason) {
  History history(2);
  history.Add(CallAt(1, Procedure::kReserve));
  history.Add(CallAt(2, Procedure::kConfigure));
  history.SetErrorReason("ROLE_UNSUPPORTED");
  const std::vector<HistoryEntry> entries = history.entries();
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(absl::get<ProcedureCall>(entries[0].what).error_reason, "");
  EXPECT_EQ(absl::get<ProcedureCall>(entries[1].what).procedure, Procedure::kConfigure);
  EXPECT_EQ(absl::get<ProcedureCall>(entries[1].what).error_reason, "ROLE_UNSUPPORTED");
}

TEST(History, WithoutALimitThatLeavesRoomNothingIsKept) {
  History history(0);
  history.Add(CallAt(1, Procedure::kReserve));
  history.SetErrorReason("NO_FREE_PORT");
  EXPECT_THAT(history.entries(), testing::IsEmpty());
  EXPECT_EQ(history.forgotten_count(), 1u);
}

}  // namespace
}  // namespace agw
