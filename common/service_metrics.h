// The metrics that both services have; C stands for "agw" or "alg":
//
//   process_cpu_seconds_total, process_resident_memory_bytes, process_start_time_seconds
//                                                  of the process, as everybody's clients have them
//   iqgate_build_info{component="C",version}       1
//   iqgate_C_grpc_certificate_expiry_timestamp_seconds
//                                                  when the first of our own certificates for
//                                                  gRPC's TLS ends (not those of their issuers);
//                                                  absent without TLS
//   iqgate_C_refused_clients_total                 calls refused because the certificate of the
//                                                  client has none of `allowed_client_names`

#ifndef COMMON_SERVICE_METRICS_H_
#define COMMON_SERVICE_METRICS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "prometheus/collectable.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace common {

// Thread-safe.
class ServiceMetrics : public prometheus::Collectable {
 public:
  // `certificate_files`: PEM. They are looked at whenever somebody asks, since they are replaced
  // while the service runs; one that cannot be read is passed over. Empty names are none.
  ServiceMetrics(absl::string_view component, std::vector<std::string> certificate_files);

  void CountRefusedClient() { refused_clients_->Increment(); }

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::string component_;
  const std::vector<std::string> certificate_files_;
  const double start_time_;
  prometheus::Registry registry_;
  prometheus::Counter* const refused_clients_;
};

}  // namespace common

#endif  // COMMON_SERVICE_METRICS_H_
