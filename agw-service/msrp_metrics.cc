#include "agw-service/msrp_metrics.h"

#include <string>

namespace agw {
namespace {

prometheus::Family<prometheus::Counter>& MakeFamily(const char* name, const char* help,
                                                    prometheus::Registry& registry) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

}  // namespace

MsrpMetrics::MsrpMetrics(const char* side, prometheus::Registry& registry) {
  auto& requests = MakeFamily("iqgate_agw_msrp_requests_total", "MSRP requests.", registry);
  for (size_t i = 0; i < kMsrpMethodLabels.size(); ++i) {
    entries_.push_back(
        {&requests.Add({{"side", side}, {"method", std::string(kMsrpMethodLabels[i])}}),
         [i](const MsrpCounters& counted) { return counted.requests[i]; }});
  }
  auto& responses = MakeFamily("iqgate_agw_msrp_responses_total", "MSRP responses.", registry);
  for (size_t i = 0; i < kMsrpCodeLabels.size(); ++i) {
    entries_.push_back({&responses.Add({{"side", side}, {"code", std::string(kMsrpCodeLabels[i])}}),
                        [i](const MsrpCounters& counted) { return counted.responses[i]; }});
  }
  auto& chunks =
      MakeFamily("iqgate_agw_msrp_chunks_total", "MSRP SEND requests by how they ended.", registry);
  const struct {
    const char* label;
    uint64_t MsrpCounters::*count;
  } ends[] = {{"continued", &MsrpCounters::chunks},
              {"complete", &MsrpCounters::complete_messages},
              {"aborted", &MsrpCounters::aborted_messages},
              {"cut_off", &MsrpCounters::cut_off},
              {"dropped", &MsrpCounters::dropped}};
  for (const auto& end : ends) {
    entries_.push_back(
        {&chunks.Add({{"side", side}, {"end", end.label}}),
         [count = end.count](const MsrpCounters& counted) { return counted.*count; }});
  }
  entries_.push_back(
      {&MakeFamily("iqgate_agw_msrp_unaddressed_total", "MSRP messages to somebody else.", registry)
            .Add({{"side", side}}),
       [](const MsrpCounters& counted) { return counted.not_addressed; }});
  auto& framing_errors = MakeFamily("iqgate_agw_msrp_framing_errors_total",
                                    "Sessions that ended for a framing error of MSRP.", registry);
  for (size_t i = 0; i < kMsrpFramingErrorCount; ++i) {
    const std::string cause(LabelOf(static_cast<MsrpFramingError>(i)));
    entries_.push_back({&framing_errors.Add({{"side", side}, {"cause", cause}}),
                        [i](const MsrpCounters& counted) { return counted.framing_errors[i]; }});
  }
}

void MsrpMetrics::Count(const MsrpCounters& counted) {
  for (const Entry& entry : entries_) {
    const uint64_t count = entry.count(counted);
    if (count > 0) entry.counter->Increment(static_cast<double>(count));
  }
}

}  // namespace agw
