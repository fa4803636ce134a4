#include "alg-service/gateway/gateway_table.h"

#include <memory>
#include <string>

#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

using common::IsOk;
using common::MonotonicTime;
using common::StatusIs;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kLostAfter = absl::Seconds(60);
constexpr auto kLost = absl::StatusCode::kNotFound;
constexpr auto kUnknown = absl::StatusCode::kUnavailable;

MATCHER_P3(IsLost, id, loss, session_count, "is lost so, with so many sessions") {
  return arg.id == id && arg.loss == loss && arg.session_count == session_count;
}

// What links tell of instances called "a" and "b", whose first run is "1".
class GatewayTableTest : public testing::Test {
 protected:
  LinkState Link(const std::string& address, const std::string& instance_id,
                 const std::string& incarnation, Contact contact) const {
    LinkState link;
    link.address = address;
    auto info = std::make_shared<GatewayInfo>();
    info->instance_id = instance_id;
    info->incarnation = incarnation;
    info->context_count = 7;
    link.info = std::move(info);
    link.contact = contact;
    link.last_heard = start_;
    return link;
  }

  absl::Status Find(const std::string& instance_id, const std::string& incarnation,
                    absl::Duration after = absl::ZeroDuration()) {
    return table_.Find(instance_id, incarnation, start_ + after).status();
  }

  const MonotonicTime start_ = MonotonicTime::Now();
  GatewayTable table_{kLostAfter};
};

TEST_F(GatewayTableTest, OneThatIsUpIsThereAndGetsNewSessions) {
  EXPECT_THAT(table_.Update({Link("x", "a", "1", Contact::kUp)}, start_), IsEmpty());
  EXPECT_THAT(Find("a", "1"), IsOk());
  EXPECT_EQ(table_.Reachable().size(), 1u);
}

TEST_F(GatewayTableTest, OneWhoseStreamHasJustEndedIsThereButGetsNoNewSessions) {
  table_.Update({Link("x", "a", "1", Contact::kInterrupted)}, start_);
  EXPECT_THAT(Find("a", "1"), IsOk());
  EXPECT_THAT(table_.Reachable(), IsEmpty());
}

TEST_F(GatewayTableTest, OneThatIsSilentIsUnknownAndLostInTheEnd) {
  const LinkState silent = Link("x", "a", "1", Contact::kSilent);
  EXPECT_THAT(table_.Update({silent}, start_), IsEmpty());
  EXPECT_THAT(Find("a", "1"), StatusIs(kUnknown));
  EXPECT_EQ(table_.next_change(), start_ + kLostAfter);
  EXPECT_THAT(table_.Update({silent}, start_ + kLostAfter),
              ElementsAre(IsLost(GatewayId{"a", "1"}, GatewayLoss::kSilent, 7u)));
  EXPECT_THAT(Find("a", "1", kLostAfter), StatusIs(kLost));
  // Once.
  EXPECT_THAT(table_.Update({silent}, start_ + 2 * kLostAfter), IsEmpty());
  EXPECT_EQ(table_.next_change(), MonotonicTime::InfiniteFuture());
}

TEST_F(GatewayTableTest, OneThatRefusesConnectionsIsLostAtOnce) {
  table_.Update({Link("x", "a", "1", Contact::kUp)}, start_);
  EXPECT_THAT(table_.Update({Link("x", "a", "1", Contact::kRefused)}, start_),
              ElementsAre(IsLost(GatewayId{"a", "1"}, GatewayLoss::kRefused, 7u)));
  EXPECT_THAT(Find("a", "1"), StatusIs(kLost));
  EXPECT_EQ(table_.Count().lost, 1);
}

TEST_F(GatewayTableTest, OneThatTurnsUpAgainIsNotLost) {
  table_.Update({Link("x", "a", "1", Contact::kRefused)}, start_);
  table_.Update({Link("x", "a", "1", Contact::kUp)}, start_);
  EXPECT_THAT(Find("a", "1"), IsOk());
}

TEST_F(GatewayTableTest, ARestartedOneIsAnother) {
  table_.Update({Link("x", "a", "1", Contact::kUp)}, start_);
  EXPECT_THAT(table_.Update({Link("x", "a", "2", Contact::kUp)}, start_),
              ElementsAre(IsLost(GatewayId{"a", "1"}, GatewayLoss::kRestarted, 7u)));
  EXPECT_THAT(Find("a", "1"), StatusIs(kLost));
  EXPECT_THAT(Find("a", "2"), IsOk());
  // The new one says nothing of the old one by being silent.
  table_.Update({Link("x", "a", "2", Contact::kSilent)}, start_);
  EXPECT_THAT(Find("a", "1"), StatusIs(kLost));
}

TEST_F(GatewayTableTest, OneThatCameUpAtAnotherAddressIsRestartedToo) {
  EXPECT_THAT(
      table_.Update({Link("x", "a", "1", Contact::kSilent), Link("y", "a", "2", Contact::kUp)},
                    start_),
      ElementsAre(IsLost(GatewayId{"a", "1"}, GatewayLoss::kRestarted, 7u)));
  EXPECT_THAT(Find("a", "1"), StatusIs(kLost));
}

TEST_F(GatewayTableTest, OneWhoseAddressBelongsToAnotherIsLost) {
  table_.Update({Link("x", "a", "1", Contact::kUp)}, start_);
  EXPECT_THAT(table_.Update({Link("x", "b", "1", Contact::kUp)}, start_),
              ElementsAre(IsLost(GatewayId{"a", "1"}, GatewayLoss::kReplaced, 7u)));
  EXPECT_THAT(Find("a", "1"), StatusIs(kLost));
}

TEST_F(GatewayTableTest, SeveralAddressesLeadToOne) {
  LinkState good = Link("x", "a", "1", Contact::kUp);
  LinkState bad = Link("y", "a", "1", Contact::kRefused);
  table_.Update({bad, good}, start_);
  ASSERT_EQ(table_.ReachableLinks().size(), 1u);
  EXPECT_EQ(table_.ReachableLinks()[0].address, "x");
  EXPECT_THAT(Find("a", "1"), IsOk());
  EXPECT_TRUE(table_.IsOfUse(good));
  EXPECT_FALSE(table_.IsOfUse(bad));
  // As well off as the best of them.
  good.contact = Contact::kSilent;
  table_.Update({bad, good}, start_);
  EXPECT_THAT(Find("a", "1"), StatusIs(kUnknown));
}

TEST_F(GatewayTableTest, OneThatNoAddressHasLedToIsUnknownForAWhile) {
  table_.Update({}, start_);
  EXPECT_THAT(Find("b", "1", absl::Seconds(5)), StatusIs(kUnknown));
  EXPECT_THAT(Find("b", "1", absl::Seconds(64)), StatusIs(kUnknown));
  EXPECT_THAT(Find("b", "1", absl::Seconds(65)), StatusIs(kLost));
  table_.Update({Link("x", "b", "1", Contact::kUp)}, start_);
  EXPECT_THAT(Find("b", "1", absl::Seconds(66)), IsOk());
}

TEST_F(GatewayTableTest, ALinkWithoutAStatusCountsAsUnreachable) {
  LinkState link;
  link.address = "x";
  table_.Update({link, Link("y", "a", "1", Contact::kUp)}, start_);
  EXPECT_EQ(table_.Count().unreachable, 1);
  EXPECT_EQ(table_.Count().up, 1);
  EXPECT_FALSE(table_.IsOfUse(link));
}

}  // namespace
}  // namespace alg
