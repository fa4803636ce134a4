// The metrics of application-aware streams.
//
//   iqgate_agw_msrp_requests_total{side,method}      that came in at a side: SEND, REPORT, AUTH,
//                                                    NICKNAME, other
//   iqgate_agw_msrp_responses_total{side,code}       the codes of RFC 4975 clause 10, or `other`
//   iqgate_agw_msrp_chunks_total{side,end}           SEND requests by how they ended: `continued`
//                                                    (more of the message follows), `complete`,
//                                                    `aborted`; `cut_off` with all kinds of messages
//                                                    whose connection ended in their middle;
//                                                    `dropped` where the receiver's connection was replaced
//   iqgate_agw_msrp_unaddressed_total{side}          requests and responses to somebody else than
//                                                    the IMS-AGW, which pass as they came
//   iqgate_agw_msrp_framing_errors_total{side,cause} each has ended a session

#ifndef AGW_SERVICE_MSRP_METRICS_H_
#define AGW_SERVICE_MSRP_METRICS_H_

#include <functional>
#include <vector>

#include "agw-service/msrp/msrp_counters.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace agw {

// Of messages that come from one side. All counters are there from the start. Thread-safe.
class MsrpMetrics {
 public:
  // `side`: "access" or "core". The registry outlives this.
  MsrpMetrics(const char* side, prometheus::Registry& registry);

  // What was counted since the last time.
  void Count(const MsrpCounters& counted);

 private:
  // A metric, and where its count stands.
  struct Entry {
    prometheus::Counter* counter;
    std::function<uint64_t(const MsrpCounters&)> count;
  };

  std::vector<Entry> entries_;
};

}  // namespace agw

#endif  // AGW_SERVICE_MSRP_METRICS_H_
