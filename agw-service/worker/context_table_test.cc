#include "agw-service/worker/context_table.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "agw-service/context/iq_error.h"
#include "agw-service/context/testing/context_harness.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::ErrorReasonOf;
using common::IsOk;
using common::IsOkAndHolds;
using testing::ElementsAre;

// absl::optional is no std::optional, which gMock knows.
MATCHER(HasNoReply, "has no reply") { return arg.ok() && !arg->has_value(); }
MATCHER_P(Replies, reply, "replies as before") { return arg.ok() && *arg == reply; }

class ContextTableTest : public testing::Test {
 protected:
  // With a termination in it, as after a reservation.
  void Reserve(const std::string& context_id) {
    absl::StatusOr<Context*> context = table_->FindOrCreate(context_id);
    ASSERT_THAT(context, IsOk());
    ASSERT_THAT(
        (*context)->ReserveConnectionPoint({1, Side::kCore}, {}, absl::nullopt, {}, absl::nullopt),
        IsOk());
  }
  void Release(const std::string& context_id) {
    ASSERT_THAT(table_->Find(context_id)->ReleaseTermination(0, absl::nullopt), IsOk());
    table_->EraseIfEmpty(context_id);
  }
  void Skip(absl::Duration time) {
    harness_.SkipTime(time);
    harness_.Turn();
  }

  ContextHarness harness_;
  Admission admission_{3};
  std::unique_ptr<ContextTable> table_ =
      std::make_unique<ContextTable>(harness_.resources(), admission_);
};

TEST_F(ContextTableTest, MakesAContextOnceAndFindsItAgain) {
  EXPECT_EQ(table_->Find("c1"), nullptr);
  Reserve("c1");
  Context* const context = table_->Find("c1");
  ASSERT_NE(context, nullptr);
  EXPECT_EQ(context->id(), "c1");
  EXPECT_THAT(table_->FindOrCreate("c1"), IsOkAndHolds(context));
  EXPECT_EQ(admission_.context_count(), 1u);
}

TEST_F(ContextTableTest, KeepsNoContextInWhichNothingWasReserved) {
  ASSERT_THAT(table_->FindOrCreate("c1"), IsOk());
  table_->EraseIfEmpty("c1");
  EXPECT_EQ(table_->Find("c1"), nullptr);
  EXPECT_EQ(admission_.context_count(), 0u);
  Reserve("c2");
  table_->EraseIfEmpty("c2");
  EXPECT_NE(table_->Find("c2"), nullptr);
  table_->EraseIfEmpty("unknown");
  EXPECT_EQ(admission_.context_count(), 1u);
}

TEST_F(ContextTableTest, DP_18_ARepeatedTransactionGetsTheFirstReply) {
  Reserve("c1");
  EXPECT_THAT(table_->Replay("c1", "t1", 7), HasNoReply());
  table_->Remember("c1", {"t1", 7, "reply"});
  EXPECT_THAT(table_->Replay("c1", "t1", 7), Replies("reply"));
  EXPECT_THAT(table_->Replay("c1", "t1", 7), Replies("reply"));
  EXPECT_THAT(table_->Replay("c1", "t2", 7), HasNoReply());
}

TEST_F(ContextTableTest, DP_18_ATransactionWithOtherContentIsRefused) {
  Reserve("c1");
  table_->Remember("c1", {"t1", 7, "reply"});
  const absl::Status reused = table_->Replay("c1", "t1", 8).status();
  EXPECT_EQ(ErrorReasonOf(reused), "TRANSACTION_REUSED");
  EXPECT_EQ(common::ErrorMetadata(reused, "field"), "transaction_id");
}

TEST_F(ContextTableTest, TransactionsBelongToTheirContext) {
  Reserve("c1");
  Reserve("c2");
  table_->Remember("c1", {"t1", 7, "reply"});
  EXPECT_THAT(table_->Replay("c2", "t1", 8), HasNoReply());
}

TEST_F(ContextTableTest, RemembersTheLast16TransactionsOfAContext) {
  Reserve("c1");
  for (size_t i = 1; i <= 17; ++i) {
    table_->Remember("c1", {absl::StrCat("t", i), i, absl::StrCat("reply ", i)});
  }
  EXPECT_THAT(table_->Replay("c1", "t1", 1), HasNoReply());
  EXPECT_THAT(table_->Replay("c1", "t2", 2), Replies("reply 2"));
  EXPECT_THAT(table_->Replay("c1", "t17", 17), Replies("reply 17"));
}

TEST_F(ContextTableTest, DP_17_AReleaseIsRememberedForAMinute) {
  Reserve("c1");
  Release("c1");
  table_->RememberRelease("c1", {"r1", 9, "released"});
  Skip(absl::Seconds(59));
  EXPECT_THAT(table_->Replay("c1", "r1", 9), Replies("released"));
  EXPECT_EQ(ErrorReasonOf(table_->Replay("c1", "r1", 8).status()), "TRANSACTION_REUSED");
  Skip(absl::Seconds(2));
  EXPECT_THAT(table_->Replay("c1", "r1", 9), HasNoReply());
}

TEST_F(ContextTableTest, DP_17_AReservationIsNotReplayedAfterItsRelease) {
  Reserve("c1");
  table_->Remember("c1", {"t1", 7, "an address that is free again"});
  Release("c1");
  table_->RememberRelease("c1", {"r1", 9, "released"});
  EXPECT_THAT(table_->Replay("c1", "t1", 7), HasNoReply());
  // Nor when the name is taken again.
  Reserve("c1");
  EXPECT_THAT(table_->Replay("c1", "t1", 7), HasNoReply());
}

TEST_F(ContextTableTest, ALateRepetitionOfAReleaseDoesNotMeetTheNextContextOfThatName) {
  Reserve("c1");
  Release("c1");
  table_->RememberRelease("c1", {"r1", 9, "released"});
  Reserve("c1");
  EXPECT_THAT(table_->Replay("c1", "r1", 9), Replies("released"));
}

TEST_F(ContextTableTest, ASecondReleaseOfTheSameNameHasAMinuteOfItsOwn) {
  Reserve("c1");
  Release("c1");
  table_->RememberRelease("c1", {"r1", 9, "first"});
  Skip(absl::Seconds(40));
  Reserve("c1");
  Release("c1");
  table_->RememberRelease("c1", {"r2", 9, "second"});
  Skip(absl::Seconds(30));
  EXPECT_THAT(table_->Replay("c1", "r1", 9), HasNoReply());
  EXPECT_THAT(table_->Replay("c1", "r2", 9), Replies("second"));
}

TEST_F(ContextTableTest, RefusesMoreContextsThanTheLimit) {
  for (const char* id : {"c1", "c2", "c3"}) Reserve(id);
  const absl::StatusOr<Context*> refused = table_->FindOrCreate("c4");
  EXPECT_EQ(ErrorReasonOf(refused.status()), "CONTEXT_LIMIT");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(table_->FindOrCreate("c3"), IsOk());  // It exists.
  Release("c1");
  EXPECT_THAT(table_->FindOrCreate("c4"), IsOk());
}

TEST_F(ContextTableTest, BeginsNoSessionThatTheDescriptorsWouldNotBeEnoughFor) {
  Admission admission(1000, /*descriptor_capacity=*/7);
  ContextTable table(harness_.resources(), admission);
  const absl::optional<DescriptorLease> taken = admission.descriptors().Take(3);
  EXPECT_THAT(table.FindOrCreate("c1"), IsOk());
  const absl::optional<DescriptorLease> more = admission.descriptors().Take(1);
  const absl::StatusOr<Context*> refused = table.FindOrCreate("c2");
  EXPECT_EQ(ErrorReasonOf(refused.status()), "DESCRIPTOR_LIMIT");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(admission.context_count(), 1u);
  EXPECT_THAT(table.FindOrCreate("c1"), IsOk());  // It exists.
}

TEST_F(ContextTableTest, ReservesNoTerminationThatTheDescriptorsWouldNotBeEnoughFor) {
  DescriptorBudget& budget = harness_.resources().descriptors;
  const absl::optional<DescriptorLease> others =
      budget.Take(static_cast<uint32_t>(budget.available()) - 3);
  Reserve("c1");
  EXPECT_EQ(budget.available(), 1);
  const absl::Status refused = table_->Find("c1")->ReserveConnectionPoint(
      {1, Side::kAccess}, {}, absl::nullopt, {}, absl::nullopt);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReasonOf(refused), "DESCRIPTOR_LIMIT");
  EXPECT_EQ(harness_.ports_in_use(), 1u);
  Release("c1");
  EXPECT_EQ(budget.available(), 3);
}

TEST_F(ContextTableTest, WhileDrainingTakesNoNewContextsButServesTheOldOnes) {
  Reserve("c1");
  admission_.SetDraining(true);
  const absl::StatusOr<Context*> refused = table_->FindOrCreate("c2");
  EXPECT_EQ(ErrorReasonOf(refused.status()), "DRAINING");
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(table_->FindOrCreate("c1"), IsOk());
}

TEST_F(ContextTableTest, ListsInAscendingOrderFromWhereThePageBefore) {
  for (const char* id : {"b", "a.2", "a"}) Reserve(id);
  EXPECT_THAT(table_->List("", 10), ElementsAre("a", "a.2", "b"));
  EXPECT_THAT(table_->List("", 2), ElementsAre("a", "a.2"));
  EXPECT_THAT(table_->List("a.2", 2), ElementsAre("b"));
  EXPECT_THAT(table_->List("a.1", 2), ElementsAre("a.2", "b"));  // "a.1" has gone meanwhile.
  EXPECT_THAT(table_->List("b", 2), ElementsAre());
}

TEST_F(ContextTableTest, DP_16_AContextThatNobodyNamesIsReleasedAndSaysSo) {
  Reserve("c1");
  Skip(absl::Seconds(200));                // The reservation's timer ends.
  ASSERT_NE(table_->Find("c1"), nullptr);  // Named: the time begins anew.
  Skip(harness_.limits().hold_time - absl::Seconds(1));
  EXPECT_EQ(table_->size(), 1u);
  Skip(absl::Seconds(2));
  EXPECT_EQ(table_->size(), 0u);
  EXPECT_EQ(admission_.context_count(), 0u);
  EXPECT_EQ(harness_.ports_in_use(), 0u);
  ASSERT_NE(harness_.Last<HangingTermination>(), nullptr);
  EXPECT_EQ(harness_.events().back().context_id, "c1");
  EXPECT_EQ(harness_.events().back().stream_id, 0u);
}

TEST_F(ContextTableTest, AllContextsLeaveWithTheTable) {
  Reserve("c1");
  Reserve("c2");
  table_.reset();
  EXPECT_EQ(admission_.context_count(), 0u);
  EXPECT_EQ(harness_.ports_in_use(), 0u);
}

TEST_F(ContextTableTest, TheLastContextsAreForEmergencyCallsAndPriority) {
  Admission admission(20, /*descriptor_capacity=*/1000, /*priority_share=*/10);
  ContextTable table(harness_.resources(), admission);
  for (int i = 0; i < 18; ++i) {
    ASSERT_THAT(table.FindOrCreate(absl::StrCat("c", i)), IsOk());
  }
  EXPECT_EQ(ErrorReasonOf(table.FindOrCreate("ordinary").status()), "CONTEXT_LIMIT");
  EXPECT_THAT(table.FindOrCreate("c19", /*privileged=*/true), IsOk());
  EXPECT_THAT(table.FindOrCreate("c20", /*privileged=*/true), IsOk());
  EXPECT_EQ(ErrorReasonOf(table.FindOrCreate("c21", /*privileged=*/true).status()),
            "CONTEXT_LIMIT");
}

TEST_F(ContextTableTest, TheLastDescriptorsAreForEmergencyCallsAndPriority) {
  Admission admission(20, /*descriptor_capacity=*/100, /*priority_share=*/50);
  ContextTable table(harness_.resources(), admission);
  const absl::optional<DescriptorLease> taken = admission.descriptors().Take(48);
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(ErrorReasonOf(table.FindOrCreate("ordinary").status()), "DESCRIPTOR_LIMIT");
  EXPECT_THAT(table.FindOrCreate("c1", /*privileged=*/true), IsOk());
}

TEST_F(ContextTableTest, ADrainRefusesEmergencyCallsToo) {
  admission_.SetDraining(true);
  EXPECT_EQ(ErrorReasonOf(table_->FindOrCreate("c1", /*privileged=*/true).status()), "DRAINING");
}

TEST_F(ContextTableTest, CountsWhatIsRefusedForWantOfRoom) {
  using Refusal = Admission::Refusal;
  const std::pair<const char*, Refusal> refusals[] = {
      {"DRAINING", Refusal::kDraining},
      {"CONTEXT_LIMIT", Refusal::kContextLimit},
      {"DESCRIPTOR_LIMIT", Refusal::kDescriptorLimit},
      {"NO_FREE_PORT", Refusal::kNoFreePort}};
  for (const auto& [reason, refusal] : refusals) {
    EXPECT_EQ(admission_.refused_count(refusal), 0u);
    table_->CountRefusal(IqError(absl::StatusCode::kUnavailable, reason, "for want of room"));
    EXPECT_EQ(admission_.refused_count(refusal), 1u) << reason;
  }
  table_->CountRefusal(absl::OkStatus());
  table_->CountRefusal(IqError(absl::StatusCode::kNotFound, "REALM_UNKNOWN", "no such realm"));
  for (const auto& [reason, refusal] : refusals) EXPECT_EQ(admission_.refused_count(refusal), 1u);
}

TEST_F(ContextTableTest, ADrainClosesItsContextsOneAfterTheOther) {
  for (const char* id : {"c1", "c2", "c3"}) Reserve(id);
  table_->CloseAll(absl::Seconds(6));
  EXPECT_EQ(table_->size(), 2u);
  Skip(absl::Seconds(1));
  EXPECT_EQ(table_->size(), 2u);
  Skip(absl::Seconds(1));
  EXPECT_EQ(table_->size(), 1u);
  Skip(absl::Seconds(2));
  EXPECT_EQ(table_->size(), 0u);
  EXPECT_EQ(admission_.context_count(), 0u);
  EXPECT_EQ(admission_.closed_by_drain_count(), 3u);
  // None of them had a bearer, so there is nothing to tell.
  EXPECT_TRUE(harness_.events().empty());
}

TEST_F(ContextTableTest, ADrainThatIsLateCatchesUp) {
  for (const char* id : {"c1", "c2", "c3"}) Reserve(id);
  table_->CloseAll(absl::Seconds(3));
  Skip(absl::Seconds(10));
  EXPECT_EQ(table_->size(), 0u);
}

TEST_F(ContextTableTest, ADrainWithoutTimeToCloseClosesAllAtOnce) {
  for (const char* id : {"c1", "c2", "c3"}) Reserve(id);
  table_->CloseAll(absl::ZeroDuration());
  EXPECT_EQ(table_->size(), 0u);
}

}  // namespace
}  // namespace agw
