#include "common/service_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "common/certificate_end.h"
#include "common/read_file.h"
#include "common/version.h"
#include "prometheus/metric_family.h"

namespace common {
namespace {

prometheus::MetricFamily MakeFamily(std::string name, const char* help, prometheus::MetricType type,
                                    double value,
                                    std::vector<prometheus::ClientMetric::Label> labels = {}) {
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = help;
  family.type = type;
  family.metric.emplace_back();
  family.metric[0].label = std::move(labels);
  (type == prometheus::MetricType::Counter ? family.metric[0].counter.value
                                           : family.metric[0].gauge.value) = value;
  return family;
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The second number of statm (proc(5)); 0 if there is no /proc.
double ResidentBytes() {
  const absl::StatusOr<std::string> statm = ReadFile("/proc/self/statm");
  if (!statm.ok()) return 0;
  const std::vector<absl::string_view> numbers = absl::StrSplit(*statm, ' ');
  int64_t pages = 0;
  if (numbers.size() < 2 || !absl::SimpleAtoi(numbers[1], &pages)) return 0;
  return static_cast<double>(pages * sysconf(_SC_PAGESIZE));
}

}  // namespace

ServiceMetrics::ServiceMetrics(absl::string_view component,
                               std::vector<std::string> certificate_files)
    : component_(component),
      certificate_files_(std::move(certificate_files)),
      start_time_(static_cast<double>(absl::ToUnixMillis(absl::Now())) / 1000),
      refused_clients_(&prometheus::BuildCounter()
                            .Name(absl::StrCat("iqgate_", component, "_refused_clients_total"))
                            .Help("Calls refused for the name of the client.")
                            .Register(registry_)
                            .Add({})) {}

std::vector<prometheus::MetricFamily> ServiceMetrics::Collect() const {
  using prometheus::MetricType;
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  families.push_back(MakeFamily("process_cpu_seconds_total", "User and system time.",
                                MetricType::Counter, CpuSeconds()));
  families.push_back(MakeFamily("process_resident_memory_bytes", "Memory that is resident.",
                                MetricType::Gauge, ResidentBytes()));
  families.push_back(MakeFamily("process_start_time_seconds", "When the process started.",
                                MetricType::Gauge, start_time_));
  families.push_back(MakeFamily("iqgate_build_info", "What runs.", MetricType::Gauge, 1,
                                {{"component", component_}, {"version", kVersion}}));
  absl::Time first_end = absl::InfiniteFuture();
  for (const std::string& file : certificate_files_) {
    if (file.empty()) continue;
    const absl::StatusOr<std::string> pem = ReadFile(file);
    if (!pem.ok()) continue;
    first_end = std::min(first_end, CertificateEnd(*pem).value_or(absl::InfiniteFuture()));
  }
  if (first_end != absl::InfiniteFuture()) {
    families.push_back(MakeFamily(
        absl::StrCat("iqgate_", component_, "_grpc_certificate_expiry_timestamp_seconds"),
        "When the first certificate of gRPC's TLS ends.", MetricType::Gauge,
        static_cast<double>(absl::ToUnixSeconds(first_end))));
  }
  return families;
}

}  // namespace common
