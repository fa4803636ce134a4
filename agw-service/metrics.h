// Every metric of the service.
//
//   iqgate_agw_contexts                                  gauge    contexts now
//   iqgate_agw_contexts_limit                            gauge    as configured
//   iqgate_agw_draining                                  gauge    1 while no new contexts are taken
//   iqgate_agw_realm_ports_in_use{realm}                 gauge    leased or resting, of the address
//                                                                 with the fewest left
//   iqgate_agw_realm_ports{realm}                        gauge    of each address
//   iqgate_agw_received_bytes_total{side}                counter  octets of the application that
//   came
//                                                                 in at a side
//   iqgate_agw_notifications_total{kind,cause,side}      counter  what happened; `cause` is empty
//                                                                 where the kind has none
//   iqgate_agw_dropped_syns_total                        counter  SYNs the gates have dropped
//   iqgate_agw_certificate_expiry_timestamp_seconds      gauge    of the present certificate
//   iqgate_agw_open_file_descriptors, ..._limit          gauge    of the process

#ifndef AGW_SERVICE_METRICS_H_
#define AGW_SERVICE_METRICS_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "agw-service/context/worker_resources.h"
#include "ims/iq/v1/gateway_status.pb.h"
#include "ims/iq/v1/notification.pb.h"
#include "prometheus/collectable.h"
#include "prometheus/counter.h"
#include "prometheus/family.h"
#include "prometheus/gauge.h"
#include "prometheus/registry.h"

namespace agw {

// Thread-safe.
class Metrics : public prometheus::Collectable {
 public:
  Metrics();

  // Where gauges are read from when somebody asks. Without it they are absent.
  void SetStatusSource(std::function<ims::iq::v1::GatewayStatus()> source);

  void CountNotification(const ims::iq::v1::Notification& notification);
  void CountBytes(const ByteCounters& counters);
  void SetCertificateExpiry(absl::Time expiry);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  void UpdateGauges(const ims::iq::v1::GatewayStatus& status) const;

  const std::unique_ptr<prometheus::Registry> registry_;
  prometheus::Gauge& contexts_;
  prometheus::Gauge& contexts_limit_;
  prometheus::Gauge& draining_;
  prometheus::Family<prometheus::Gauge>& realm_ports_in_use_;
  prometheus::Family<prometheus::Gauge>& realm_ports_;
  prometheus::Counter& received_from_access_;
  prometheus::Counter& received_from_core_;
  prometheus::Family<prometheus::Counter>& notifications_;
  prometheus::Counter& dropped_syns_;
  prometheus::Gauge& certificate_expiry_;
  prometheus::Gauge& open_descriptors_;
  prometheus::Gauge& descriptor_limit_;
  std::function<ims::iq::v1::GatewayStatus()> status_source_;  // Set before the first `Collect()`.
};

}  // namespace agw

#endif  // AGW_SERVICE_METRICS_H_
