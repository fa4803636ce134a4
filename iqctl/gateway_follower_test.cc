#include "iqctl/gateway_follower.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "iqctl/testing/fake_agw.h"

namespace iqctl {
namespace {

using common::IsOk;
using common::MonotonicTime;
using common::StatusIs;

Connector ConnectorTo(std::vector<std::string> targets) {
  ConnectionOptions options;
  options.agw_targets = std::move(targets);
  options.timeout = absl::Seconds(10);
  return *Connector::Make(std::move(options));
}

GatewayFollower::Options Soon() {
  GatewayFollower::Options options;
  options.look_interval = absl::Milliseconds(20);
  return options;
}

// The next news of that kind.
GatewayNews NextOf(GatewayNews::Kind kind, GatewayFollower* follower) {
  while (true) {
    absl::optional<GatewayNews> news = follower->Next(MonotonicTime::InfiniteFuture());
    if (news->kind == kind) return *std::move(news);
  }
}

// "a#7", with "+2" behind it where two are missing before it.
std::string NextNotification(GatewayFollower* follower) {
  const GatewayNews news = NextOf(GatewayNews::Kind::kNotification, follower);
  return absl::StrCat(news.instance_id, "/", news.incarnation, "#",
                      news.notification.sequence_number(),
                      news.missed_count == 0 ? "" : absl::StrCat("+", news.missed_count));
}

TEST(GatewayFollower, BeginsWithWhatComesNext) {
  FakeAgw agw("a", "run");
  agw.Notify(7);
  const Connector connector = ConnectorTo({agw.address()});
  GatewayFollower follower(connector, Soon());
  ASSERT_THAT(follower.Start(), IsOk());
  agw.Notify(8);
  EXPECT_EQ(NextNotification(&follower), "a/run#8");
}

TEST(GatewayFollower, BeginsWithTheOldestOrWhereItIsTold) {
  FakeAgw agw("a", "run");
  for (const uint64_t number : {7, 8, 9}) agw.Notify(number);
  const Connector connector = ConnectorTo({agw.address()});
  {
    GatewayFollower::Options options = Soon();
    options.from_the_oldest = true;
    GatewayFollower follower(connector, options);
    ASSERT_THAT(follower.Start(), IsOk());
    EXPECT_EQ(NextNotification(&follower), "a/run#7");
  }
  GatewayFollower::Options options = Soon();
  options.instance = "a";
  options.position = NotificationPosition{"run", 8};
  GatewayFollower follower(connector, options);
  ASSERT_THAT(follower.Start(), IsOk());
  EXPECT_EQ(NextNotification(&follower), "a/run#9");
  EXPECT_EQ(agw.watch_requests().back().incarnation(), "run");
}

TEST(GatewayFollower, CountsWhatIsMissing) {
  FakeAgw agw("a", "run");
  agw.Notify(1);
  const Connector connector = ConnectorTo({agw.address()});
  GatewayFollower follower(connector, Soon());
  ASSERT_THAT(follower.Start(), IsOk());
  agw.Notify(2);
  agw.Notify(5);
  EXPECT_EQ(NextNotification(&follower), "a/run#2");
  EXPECT_EQ(NextNotification(&follower), "a/run#5+2");
}

TEST(GatewayFollower, FollowsOneThatHasStartedAgainFromItsFirst) {
  FakeAgw agw("a", "run");
  agw.Notify(7);
  const Connector connector = ConnectorTo({agw.address()});
  GatewayFollower follower(connector, Soon());
  ASSERT_THAT(follower.Start(), IsOk());
  // Until the stream is there, it would hear that the run is an earlier one instead.
  agw.Notify(8);
  EXPECT_EQ(NextNotification(&follower), "a/run#8");
  agw.Restart("other");
  agw.Notify(1);
  EXPECT_THAT(NextOf(GatewayNews::Kind::kEnded, &follower).error,
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(NextOf(GatewayNews::Kind::kFollowed, &follower).incarnation, "other");
  EXPECT_EQ(NextNotification(&follower), "a/other#1");
}

TEST(GatewayFollower, FollowsThePresentRunWhereItIsToldOfAnEarlierOne) {
  FakeAgw agw("a", "run");
  agw.Notify(7);
  const Connector connector = ConnectorTo({agw.address()});
  GatewayFollower::Options options = Soon();
  options.instance = "a";
  options.position = NotificationPosition{"earlier", 1000};
  GatewayFollower follower(connector, options);
  ASSERT_THAT(follower.Start(), IsOk());
  EXPECT_EQ(common::ErrorReasonOf(NextOf(GatewayNews::Kind::kEnded, &follower).error),
            "INCARNATION_MISMATCH");
  EXPECT_EQ(NextNotification(&follower), "a/run#7");
}

TEST(GatewayFollower, FindsOneThatComesLater) {
  FakeAgw agw("a", "run");
  auto late = std::make_unique<FakeAgw>("b", "run");
  const std::string address = late->address();
  const Connector connector = ConnectorTo({agw.address(), address});
  GatewayFollower::Options options = Soon();
  options.from_the_oldest = true;
  GatewayFollower follower(connector, options);
  ASSERT_THAT(follower.Start(), IsOk());
  late->Notify(1);
  EXPECT_EQ(NextNotification(&follower), "b/run#1");
  late = nullptr;
  EXPECT_EQ(NextOf(GatewayNews::Kind::kEnded, &follower).instance_id, "b");
  // All looks tell of it.
  while (NextOf(GatewayNews::Kind::kLook, &follower).gateways.back().has_answered()) continue;
}

TEST(GatewayFollower, DoesNotStartWhereNobodyAnswers) {
  const Connector connector = ConnectorTo({"127.0.0.1:1"});
  GatewayFollower follower(connector, Soon());
  EXPECT_THAT(follower.Start(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(follower.Next(MonotonicTime::Now()).has_value());
}

}  // namespace
}  // namespace iqctl
