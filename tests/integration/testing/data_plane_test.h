// The fixture of tests that run over IPv4 and over IPv6.

#ifndef TESTS_INTEGRATION_TESTING_DATA_PLANE_TEST_H_
#define TESTS_INTEGRATION_TESTING_DATA_PLANE_TEST_H_

#include <cstddef>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/metric_changes.h"
#include "tests/integration/testing/services.h"
#include "tests/integration/testing/session.h"
#include "tests/peers/connection.h"
#include "tests/peers/socket.h"

namespace integration {

// The services are those of the whole suite; after each test they must be as before.
class DataPlaneTest : public testing::TestWithParam<Family> {
 protected:
  static void SetUpTestSuite() { services_of_suite_ = new Services; }
  static void TearDownTestSuite() {
    EXPECT_TRUE(services_of_suite_->WaitUntilIdle()) << "a context or a port is left";
    delete services_of_suite_;
  }

  void SetUp() override {
    if (GetParam() == Family::kIpv6 && !peers::HasIpv6Loopback()) {
      GTEST_SKIP() << "NOT TESTED: this machine has no IPv6 loopback address";
    }
    metrics_.emplace(services_);
  }

  Family family() const { return GetParam(); }

  // Since the start of the test.
  const MetricChanges& metrics() const { return *metrics_; }

  Services& services_ = *services_of_suite_;

 private:
  static inline Services* services_of_suite_ = nullptr;

  absl::optional<MetricChanges> metrics_;
};

// Text in which no two places look alike, so that a lost, repeated or swapped piece shows.
inline std::string NumberedLines(size_t byte_count) {
  std::string text;
  for (int line = 0; text.size() < byte_count; ++line) absl::StrAppend(&text, "line ", line, "\n");
  text.resize(byte_count);
  return text;
}

inline std::string FamilyName(const testing::TestParamInfo<Family>& info) {
  return info.param == Family::kIpv4 ? "Ipv4" : "Ipv6";
}

#define INSTANTIATE_FOR_BOTH_FAMILIES(name) \
  INSTANTIATE_TEST_SUITE_P(Family, name, testing::Values(Family::kIpv4, Family::kIpv6), FamilyName)

}  // namespace integration

#endif  // TESTS_INTEGRATION_TESTING_DATA_PLANE_TEST_H_
