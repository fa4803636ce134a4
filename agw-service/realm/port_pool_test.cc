#include "agw-service/realm/port_pool.h"

#include <set>
#include <vector>

#include "common/monotonic_time.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

class PortPoolTest : public testing::Test {
 protected:
  common::MonotonicTime now_ = common::MonotonicTime::Now();
  PortPool pool_{5000, 5002, absl::Seconds(10), [this] { return now_; }};
};

TEST_F(PortPoolTest, LeasesEachPortOnce) {
  std::set<uint16_t> ports;
  std::vector<PortLease> leases;
  while (absl::optional<PortLease> lease = pool_.Lease()) {
    ports.insert(lease->port());
    leases.push_back(*std::move(lease));
  }
  EXPECT_EQ(ports, (std::set<uint16_t>{5000, 5001, 5002}));
  EXPECT_EQ(pool_.in_use(), 3u);
}

TEST_F(PortPoolTest, DP_17_LetsAPortRestBeforeItIsUsedAgain) {
  PortPool pool(5000, 5000, absl::Seconds(10), [this] { return now_; });
  pool.Lease();  // Returned at once.
  EXPECT_FALSE(pool.Lease().has_value());
  EXPECT_EQ(pool.in_use(), 1u);
  now_ += absl::Seconds(10);
  EXPECT_EQ(pool.in_use(), 0u);
  EXPECT_TRUE(pool.Lease().has_value());
}

TEST_F(PortPoolTest, TakesThePortThatIsLongestUnused) {
  const uint16_t first = pool_.Lease()->port();
  now_ += absl::Seconds(20);
  EXPECT_NE(pool_.Lease()->port(), first);
}

TEST_F(PortPoolTest, TheLastOnesAreForThoseThatArePrivileged) {
  pool_.SetShares({.kept_count = 2});
  absl::optional<PortLease> ordinary = pool_.Lease();
  ASSERT_TRUE(ordinary.has_value());
  EXPECT_FALSE(pool_.Lease().has_value());
  const absl::optional<PortLease> first = pool_.Lease(/*privileged=*/true);
  const absl::optional<PortLease> second = pool_.Lease(/*privileged=*/true);
  EXPECT_TRUE(first.has_value() && second.has_value());
  EXPECT_FALSE(pool_.Lease(/*privileged=*/true).has_value());
  // One that rests is none that is kept.
  ordinary.reset();
  EXPECT_FALSE(pool_.Lease(/*privileged=*/true).has_value());
}

TEST_F(PortPoolTest, TellsOnceThatFewAreLeftAndAgainOnlyAfterMoreWere) {
  PortPool pool(5000, 5009, absl::ZeroDuration(), [this] { return now_; });
  std::vector<size_t> told;
  pool.SetShares({.low_count = 4, .on_low = [&](size_t in_use) { told.push_back(in_use); }});
  std::vector<PortLease> leases;
  const auto lease = [&](int count) {
    for (int i = 0; i < count; ++i) leases.push_back(*pool.Lease());
  };
  const auto give_back = [&](size_t count) { leases.erase(leases.end() - count, leases.end()); };
  lease(6);  // Four are left.
  EXPECT_EQ(told, std::vector<size_t>{});
  lease(1);
  EXPECT_EQ(told, std::vector<size_t>{7});
  lease(3);
  give_back(5);
  lease(2);  // Four were left, which are not more, and three are.
  EXPECT_EQ(told, std::vector<size_t>{7});
  give_back(3);
  lease(1);  // Five are left.
  lease(2);
  EXPECT_EQ(told, (std::vector<size_t>{7, 7}));
}

TEST_F(PortPoolTest, AMovedLeaseReturnsItsPortOnce) {
  absl::optional<PortLease> lease = pool_.Lease();
  PortLease moved = *std::move(lease);
  lease.reset();
  EXPECT_EQ(pool_.in_use(), 1u);
}

}  // namespace
}  // namespace agw
