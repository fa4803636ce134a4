#include "agw-service/metrics.h"

#include <sys/resource.h>

#include <filesystem>
#include <string>
#include <system_error>

#include "common/iq_notification.h"

namespace agw {
namespace {

template <typename Builder>
auto& MakeFamily(Builder builder, const char* name, const char* help,
                 prometheus::Registry& registry) {
  return builder.Name(name).Help(help).Register(registry);
}

prometheus::Gauge& MakeGauge(const char* name, const char* help, prometheus::Registry& registry) {
  return MakeFamily(prometheus::BuildGauge(), name, help, registry).Add({});
}

double OpenDescriptors() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

Metrics::Metrics()
    : registry_(std::make_unique<prometheus::Registry>()),
      contexts_(MakeGauge("iqgate_agw_contexts", "Contexts now.", *registry_)),
      contexts_limit_(
          MakeGauge("iqgate_agw_contexts_limit", "The most contexts taken.", *registry_)),
      draining_(MakeGauge("iqgate_agw_draining", "1 while no new contexts are taken.", *registry_)),
      realm_ports_in_use_(MakeFamily(prometheus::BuildGauge(), "iqgate_agw_realm_ports_in_use",
                                     "Ports leased or resting.", *registry_)),
      realm_ports_(MakeFamily(prometheus::BuildGauge(), "iqgate_agw_realm_ports",
                              "Ports of each address of the realm.", *registry_)),
      received_from_access_(MakeFamily(prometheus::BuildCounter(),
                                       "iqgate_agw_received_bytes_total",
                                       "Octets of the application that came in.", *registry_)
                                .Add({{"side", "access"}})),
      received_from_core_(MakeFamily(prometheus::BuildCounter(), "iqgate_agw_received_bytes_total",
                                     "Octets of the application that came in.", *registry_)
                              .Add({{"side", "core"}})),
      notifications_(MakeFamily(prometheus::BuildCounter(), "iqgate_agw_notifications_total",
                                "What happened at terminations.", *registry_)),
      dropped_syns_(MakeFamily(prometheus::BuildCounter(), "iqgate_agw_dropped_syns_total",
                               "SYNs dropped by SYN policies.", *registry_)
                        .Add({})),
      certificate_expiry_(MakeGauge("iqgate_agw_certificate_expiry_timestamp_seconds",
                                    "When the present certificate ends.", *registry_)),
      open_descriptors_(MakeGauge("iqgate_agw_open_file_descriptors",
                                  "Open file descriptors of the process.", *registry_)),
      descriptor_limit_(MakeGauge("iqgate_agw_open_file_descriptors_limit",
                                  "The most file descriptors the process may open.", *registry_)) {}

void Metrics::SetStatusSource(std::function<ims::iq::v1::GatewayStatus()> source) {
  status_source_ = std::move(source);
}

void Metrics::CountNotification(const ims::iq::v1::Notification& notification) {
  const common::IqNotificationName name = common::NameOf(notification);
  notifications_.Add({{"kind", name.kind}, {"cause", name.cause}, {"side", name.side}}).Increment();
  if (notification.has_syn_dropped()) {
    dropped_syns_.Increment(static_cast<double>(notification.syn_dropped().dropped_count()));
  }
}

void Metrics::CountBytes(const ByteCounters& counters) {
  received_from_access_.Increment(static_cast<double>(counters.received_from_access));
  received_from_core_.Increment(static_cast<double>(counters.received_from_core));
}

void Metrics::SetCertificateExpiry(absl::Time expiry) {
  certificate_expiry_.Set(static_cast<double>(absl::ToUnixSeconds(expiry)));
}

void Metrics::UpdateGauges(const ims::iq::v1::GatewayStatus& status) const {
  contexts_.Set(status.context_count());
  contexts_limit_.Set(status.context_limit());
  draining_.Set(status.draining() ? 1 : 0);
  for (const ims::iq::v1::Realm& realm : status.realms()) {
    realm_ports_in_use_.Add({{"realm", realm.name()}}).Set(realm.ports_in_use());
    realm_ports_.Add({{"realm", realm.name()}}).Set(realm.ports_total());
  }
  open_descriptors_.Set(OpenDescriptors());
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    descriptor_limit_.Set(static_cast<double>(limit.rlim_cur));
  }
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  if (status_source_) UpdateGauges(status_source_());
  return registry_->Collect();
}

}  // namespace agw
