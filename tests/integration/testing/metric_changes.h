// How the counters of both services have changed, read at /metrics over HTTP as Prometheus does.

#ifndef TESTS_INTEGRATION_TESTING_METRIC_CHANGES_H_
#define TESTS_INTEGRATION_TESTING_METRIC_CHANGES_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "tests/integration/testing/services.h"

namespace integration {

// Since it was made. Lives on one thread.
class MetricChanges {
 public:
  // `services` must outlive it.
  explicit MetricChanges(Services& services);

  // Each waits until the counter has risen by exactly `count`; false if that does not happen in
  // time.

  // The IMS-AGW's notifications; a label that is empty has no value.
  bool Notified(absl::string_view kind, absl::string_view cause, absl::string_view side,
                double count = 1) const;

  // The IMS-ALG's answers to network functions.
  bool Answered(absl::string_view method, absl::string_view outcome, absl::string_view reason,
                double count = 1) const;

  // Any other one, as Prometheus' text format has it: `name{label="value"}`, labels sorted.
  bool AgwCounted(const std::string& series, double count = 1) const;
  bool AlgCounted(const std::string& series, double count = 1) const;

 private:
  using Series = std::map<std::string, double>;

  static Series Read(int http_port);
  static bool Rose(int http_port, const Series& before, const std::string& series, double count);

  Services& services_;
  const Series agw_before_;
  const Series alg_before_;
};

}  // namespace integration

#endif  // TESTS_INTEGRATION_TESTING_METRIC_CHANGES_H_
