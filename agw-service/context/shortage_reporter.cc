#include "agw-service/context/shortage_reporter.h"

#include <string>

#include "absl/time/clock.h"

namespace agw {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(10);

}  // namespace

void ShortageReporter::Report(const absl::Status& status) {
  if (loop_.Now() < next_report_) return;
  next_report_ = loop_.Now() + kInterval;
  event_sink_(Event{.time = absl::Now(),
                    .context_id = "",
                    .stream_id = 0,
                    .side = absl::nullopt,
                    .kind = DescriptorShortage{std::string(status.message())}});
}

}  // namespace agw
