// Every metric of the service.

#ifndef ALG_SERVICE_METRICS_H_
#define ALG_SERVICE_METRICS_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/mutex.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace alg {

// Labels have values from enums and from status codes only, so their number is bounded. What each
// metric means to operators is in docs/metrics.md. Thread-safe.
class Metrics {
 public:
  Metrics();

  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // A call of a network function, which took `duration`. `outcome`: forward, reject, ok, error.
  // `reason`: of the rejection or of the error, else empty.
  //   iqgate_alg_requests_total{method,outcome,reason}
  //   iqgate_alg_request_duration_seconds{method}
  void CountRequest(absl::string_view method, absl::string_view outcome, absl::string_view reason,
                    absl::Duration duration);

  // An m-line, by what became of it.
  //   iqgate_alg_media_total{handling,reason}
  void CountMedia(absl::string_view handling, absl::string_view reason);

  // A description that was taken although it breaks RFC 8866, because that does not concern us.
  // `kind`: as ToString(Deviation) in sdp/session_description.h.
  //   iqgate_alg_sdp_deviations_total{kind}
  void CountSdpDeviation(absl::string_view kind);

  // A call of an IMS-AGW; `code` as gRPC names it.
  //   iqgate_alg_iq_requests_total{method,code}
  //   iqgate_alg_iq_request_duration_seconds{method}
  void CountIqRequest(absl::string_view method, absl::StatusCode code, absl::Duration duration);

  // An IMS-AGW asked to reserve for an offer. `outcome`: reserved, taken, refused, late,
  // unanswered.
  //   iqgate_alg_reservations_total{outcome}
  void CountReservation(absl::string_view outcome);

  // What an IMS-AGW reported.
  //   iqgate_alg_iq_notifications_total{kind,cause}
  void CountNotification(absl::string_view kind, absl::string_view cause);

  // Notifications that came to nobody, by the gaps in their numbers.
  //   iqgate_alg_iq_notifications_missed_total
  void CountMissedNotifications(uint64_t count);

  // IMS-AGWs as they are now. `unreachable_count`: not lost, but nothing is heard of them.
  //   iqgate_alg_gateways{state}
  void SetGateways(int up_count, int draining_count, int unreachable_count, int lost_count);

  // An address that led to an IMS-AGW does not any more, or never did. `reason`: "silent",
  // "stream_ended".
  //   iqgate_alg_gateway_unreachable_total{reason}
  void CountUnreachableGateway(absl::string_view reason);

  // An IMS-AGW that is lost, with all its contexts, of which it had `session_count` when it was last
  // heard of. `reason`: "restarted", "refused", "silent", "replaced"; from 0 on for each.
  //   iqgate_alg_gateway_lost_total{reason}
  //   iqgate_alg_sessions_lost_total{reason}
  void CountLostGateway(absl::string_view reason, uint64_t session_count);

  // For the /metrics endpoint.
  const std::shared_ptr<prometheus::Registry>& registry() const { return registry_; }

 private:
  // Finds a counter by its label values without asking the family, which locks and allocates more.
  class Counters {
   public:
    Counters(prometheus::Family<prometheus::Counter>& family, std::string first_label,
             std::string second_label, std::string third_label);
    void Increment(absl::string_view first, absl::string_view second, absl::string_view third,
                   uint64_t count = 1);

   private:
    prometheus::Family<prometheus::Counter>& family_;
    const std::string labels_[3];
    common::Mutex mutex_;
    absl::flat_hash_map<std::string, prometheus::Counter*> counters_ ABSL_GUARDED_BY(mutex_);
  };

  class Durations {
   public:
    explicit Durations(prometheus::Family<prometheus::Histogram>& family) : family_(family) {}
    void Observe(absl::string_view method, absl::Duration duration);

   private:
    prometheus::Family<prometheus::Histogram>& family_;
    common::Mutex mutex_;
    absl::flat_hash_map<std::string, prometheus::Histogram*> histograms_ ABSL_GUARDED_BY(mutex_);
  };

  const std::shared_ptr<prometheus::Registry> registry_;
  Counters requests_;
  Durations request_durations_;
  Counters media_;
  Counters sdp_deviations_;
  Counters iq_requests_;
  Durations iq_request_durations_;
  Counters reservations_;
  Counters notifications_;
  prometheus::Counter& missed_notifications_;
  prometheus::Gauge& up_gateways_;
  prometheus::Gauge& draining_gateways_;
  prometheus::Gauge& unreachable_gateways_;
  prometheus::Gauge& lost_gateways_;
  Counters gateway_unreachable_;
  Counters gateway_lost_;
  Counters sessions_lost_;
};

}  // namespace alg

#endif  // ALG_SERVICE_METRICS_H_
