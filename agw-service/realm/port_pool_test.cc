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

TEST_F(PortPoolTest, AMovedLeaseReturnsItsPortOnce) {
  absl::optional<PortLease> lease = pool_.Lease();
  PortLease moved = *std::move(lease);
  lease.reset();
  EXPECT_EQ(pool_.in_use(), 1u);
}

}  // namespace
}  // namespace agw
