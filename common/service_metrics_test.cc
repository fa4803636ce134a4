#include "common/service_metrics.h"

#include <algorithm>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/testing/test_certificates.h"
#include "common/version.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {
namespace {

const prometheus::MetricFamily* Find(const std::vector<prometheus::MetricFamily>& families,
                                     absl::string_view name) {
  const auto found = std::find_if(families.begin(), families.end(),
                                  [name](const auto& family) { return family.name == name; });
  return found == families.end() ? nullptr : &*found;
}

TEST(ServiceMetrics, TellOfTheProcessWhatPrometheusClientsTell) {
  const double now = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  const ServiceMetrics metrics("agw", {});
  const auto families = metrics.Collect();
  ASSERT_NE(Find(families, "process_cpu_seconds_total"), nullptr);
  EXPECT_GT(Find(families, "process_cpu_seconds_total")->metric[0].counter.value, 0);
  ASSERT_NE(Find(families, "process_resident_memory_bytes"), nullptr);
  EXPECT_GT(Find(families, "process_resident_memory_bytes")->metric[0].gauge.value, 1e6);
  ASSERT_NE(Find(families, "process_start_time_seconds"), nullptr);
  EXPECT_NEAR(Find(families, "process_start_time_seconds")->metric[0].gauge.value, now, 60);
}

TEST(ServiceMetrics, NameTheVersion) {
  const auto families = ServiceMetrics("alg", {}).Collect();
  const prometheus::MetricFamily* const info = Find(families, "iqgate_build_info");
  ASSERT_NE(info, nullptr);
  ASSERT_EQ(info->metric[0].label.size(), 2u);
  EXPECT_EQ(info->metric[0].label[0].value, "alg");
  EXPECT_EQ(info->metric[0].label[1].value, kVersion);
  EXPECT_EQ(info->metric[0].gauge.value, 1);
}

TEST(ServiceMetrics, TheCertificateThatEndsFirstIsTold) {
  constexpr char kName[] = "iqgate_agw_grpc_certificate_expiry_timestamp_seconds";
  EXPECT_EQ(Find(ServiceMetrics("agw", {}).Collect(), kName), nullptr);
  EXPECT_EQ(Find(ServiceMetrics("agw", {"", "/nowhere/tls.crt"}).Collect(), kName), nullptr);
  const TestAuthority authority(testing::TempDir(), "service-metrics-ca");
  const auto families =
      ServiceMetrics("agw", {"", authority.ca_file(), "/nowhere/tls.crt"}).Collect();
  ASSERT_NE(Find(families, kName), nullptr);
  const double end = Find(families, kName)->metric[0].gauge.value;
  const double now = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  EXPECT_GT(end, now);
  EXPECT_LT(end, now + 100.0 * 365 * 86400);
}

TEST(ServiceMetrics, RefusedClientsAreCounted) {
  ServiceMetrics metrics("agw", {});
  metrics.CountRefusedClient();
  metrics.CountRefusedClient();
  const auto families = metrics.Collect();
  ASSERT_NE(Find(families, "iqgate_agw_refused_clients_total"), nullptr);
  EXPECT_EQ(Find(families, "iqgate_agw_refused_clients_total")->metric[0].counter.value, 2);
}

}  // namespace
}  // namespace common
