// Every metric of the service.
//
// Gauges:
//
//   iqgate_agw_contexts                              contexts now
//   iqgate_agw_contexts_limit                        as configured
//   iqgate_agw_draining                              1 while no new contexts are taken
//   iqgate_agw_drain_seconds                         for how long that has been so
//   iqgate_agw_drain_limit_seconds                   when SIGTERM's drain ends, `drain_time` and
//                                                    `drain_close_time`
//   iqgate_agw_realm_ports_in_use{realm}             leased or resting, of the address that has the
//                                                    fewest left
//   iqgate_agw_realm_ports{realm}                    of each address of the realm
//   iqgate_agw_certificate_expiry_timestamp_seconds  of the certificate in use that ends first
//   iqgate_agw_tls_handshakes                        under way
//   iqgate_agw_tls_handshakes_waiting                connections that wait for one to be over
//                                                    (`tls.handshake_limit`)
//   iqgate_agw_buffered_bytes                        octets kept for peers that take them slowly
//   iqgate_agw_certificate_files_usable{realm}       1 while the certificate that the realm presents
//                                                    is that of its files, 0 while these are of no
//                                                    use and an older one stays
//   iqgate_agw_open_file_descriptors                 of the process
//   iqgate_agw_open_file_descriptors_limit           the most the process may open
//
// Counters:
//
//   iqgate_agw_received_bytes_total{side}            octets of the application that came in at a
//                                                    side
//   iqgate_agw_notifications_total{kind,cause,side}  what happened; `cause` is empty where the kind
//                                                    has none. From 0 on where alerts look at it,
//                                                    else from the first event on
//   iqgate_agw_refused_reservations_total{reason}    `draining`, `context_limit`,
//                                                    `descriptor_limit`, `no_free_port`
//   iqgate_agw_drain_closed_contexts_total           contexts that a drain has closed at its deadline
//   iqgate_agw_dropped_syns_total                    SYNs the gates have dropped
//   iqgate_agw_refused_connections_total             connections that were reset at once: from a
//                                                    peer whom the SYN policy or the realm's
//                                                    `allowed_remotes` and `denied_remotes` do not
//                                                    let in, or beside the one there is
//   iqgate_agw_certificate_reloads_total{realm,result}  files of a realm's certificate that have
//                                                    changed: `taken`, `refused`
//   iqgate_agw_notifications_dropped_total           notifications nobody was shown, because they
//                                                    came faster than they could be numbered
//   iqgate_agw_log_lines_dropped_total               log lines that nobody read in time
//
// And those of application-aware streams: msrp_metrics.h.

#ifndef AGW_SERVICE_METRICS_H_
#define AGW_SERVICE_METRICS_H_

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/msrp_metrics.h"
#include "agw-service/worker/admission.h"
#include "common/mutex.h"
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
  explicit Metrics(absl::Duration drain_limit);

  // Where values are read from when somebody asks. Called by the threads that serve /metrics.
  struct Sources {
    std::function<ims::iq::v1::GatewayStatus()> status;
    std::function<uint64_t()> dropped_notification_count;
    const Admission* admission = nullptr;
  };

  // Before the first `Collect()`. Without it what comes from there stays 0.
  void SetSources(Sources sources);

  void CountNotification(const ims::iq::v1::Notification& notification);
  void Count(const WorkerCounters& counters);
  void SetCertificateExpiry(absl::Time expiry);

  // Of the files of a realm that has a certificate of its own.
  void CountCertificateReload(const std::string& realm, bool taken);
  void SetCertificateFilesUsable(const std::string& realm, bool usable);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  void ReadSources() const ABSL_LOCKS_EXCLUDED(mutex_);

  const std::unique_ptr<prometheus::Registry> registry_;
  prometheus::Gauge& contexts_;
  prometheus::Gauge& contexts_limit_;
  prometheus::Gauge& draining_;
  prometheus::Gauge& drain_seconds_;
  prometheus::Family<prometheus::Gauge>& realm_ports_in_use_;
  prometheus::Family<prometheus::Gauge>& realm_ports_;
  prometheus::Counter& received_from_access_;
  prometheus::Counter& received_from_core_;
  prometheus::Family<prometheus::Counter>& notifications_;
  const std::array<prometheus::Counter*, Admission::kRefusalCount> refused_reservations_;
  prometheus::Counter& drain_closed_contexts_;
  prometheus::Counter& dropped_syns_;
  prometheus::Counter& refused_connections_;
  prometheus::Gauge& handshakes_;
  prometheus::Gauge& waiting_handshakes_;
  prometheus::Gauge& buffered_bytes_;
  MsrpMetrics msrp_from_access_;
  MsrpMetrics msrp_from_core_;
  prometheus::Gauge& certificate_expiry_;
  prometheus::Family<prometheus::Gauge>& certificate_files_usable_;
  prometheus::Family<prometheus::Counter>& certificate_reloads_;
  prometheus::Gauge& open_descriptors_;
  prometheus::Gauge& descriptor_limit_;
  prometheus::Counter& dropped_notifications_;
  prometheus::Counter& dropped_log_lines_;
  Sources sources_;
  mutable common::Mutex mutex_;  // Held while counters are raised to what was counted elsewhere.
};

}  // namespace agw

#endif  // AGW_SERVICE_METRICS_H_
