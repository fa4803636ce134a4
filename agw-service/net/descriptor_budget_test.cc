#include "agw-service/net/descriptor_budget.h"

#include <utility>

#include "gtest/gtest.h"

namespace agw {
namespace {

TEST(DescriptorBudget, GivesNoMoreThanThereIs) {
  DescriptorBudget budget(5);
  const absl::optional<DescriptorLease> first = budget.Take(2);
  const absl::optional<DescriptorLease> second = budget.Take(2);
  EXPECT_TRUE(first.has_value() && second.has_value());
  EXPECT_FALSE(budget.Take(2).has_value());
  EXPECT_EQ(budget.available(), 1);
}

TEST(DescriptorBudget, ALeaseGivesBackOnceHoweverItMoves) {
  DescriptorBudget budget(5);
  DescriptorLease kept;
  {
    DescriptorLease lease = *budget.Take(3);
    kept = std::move(lease);
    EXPECT_EQ(budget.available(), 2);
  }
  EXPECT_EQ(budget.available(), 2);
  kept = DescriptorLease();
  EXPECT_EQ(budget.available(), 5);
}

TEST(DescriptorBudget, TheLastOnesAreForThoseThatArePrivileged) {
  DescriptorBudget budget(5, /*kept=*/2);
  const absl::optional<DescriptorLease> ordinary = budget.Take(3);
  ASSERT_TRUE(ordinary.has_value());
  EXPECT_FALSE(budget.Take(1).has_value());
  EXPECT_EQ(budget.available(), 0);
  EXPECT_EQ(budget.available(/*privileged=*/true), 2);
  EXPECT_FALSE(budget.Take(3, /*privileged=*/true).has_value());
  EXPECT_TRUE(budget.Take(2, /*privileged=*/true).has_value());
}

TEST(DescriptorBudget, OneThatIsOverdrawnGivesNothing) {
  DescriptorBudget budget(-4);
  EXPECT_FALSE(budget.Take(1).has_value());
}

}  // namespace
}  // namespace agw
