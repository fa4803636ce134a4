#include "agw-service/metrics.h"

#include <utility>

#include "common/config_check.h"
#include "common/file_descriptors.h"
#include "common/iq_notification.h"
#include "common/log.h"

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

prometheus::Counter& MakeCounter(const char* name, const char* help,
                                 prometheus::Registry& registry) {
  return MakeFamily(prometheus::BuildCounter(), name, help, registry).Add({});
}

// For what is counted elsewhere.
void RaiseTo(uint64_t count, prometheus::Counter& counter) {
  counter.Increment(static_cast<double>(count) - counter.Value());
}

struct KindAndCause {
  const char* kind;
  const char* cause;
};
constexpr KindAndCause kCountedFromZero[] = {
    {"tcp_established", ""},
    {"tcp_failed", "refused"},
    {"tcp_failed", "unreachable"},
    {"tcp_failed", "timed_out"},
    {"tcp_failed", "local"},
    {"tls_established", ""},
    {"tls_failed", "not_tls"},
    {"tls_failed", "protocol_version"},
    {"tls_failed", "no_common_cipher"},
    {"tls_failed", "no_certificate"},
    {"tls_failed", "fingerprint_mismatch"},
    {"tls_failed", "alert_received"},
    {"tls_failed", "closed_by_peer"},
    {"tls_failed", "timed_out"},
    {"tls_failed", "protocol_error"},
    {"tls_failed", "handshake_too_large"},
    {"tls_failed", "certificate_refused"},
    {"tls_failed", "bad_signature"},
    {"fingerprint_mismatch", ""},
    {"bearer_released", "buffer_limit"},
    {"bearer_released", "drain_deadline"},
};

// In the order of `Admission::Refusal`.
std::array<prometheus::Counter*, Admission::kRefusalCount> MakeRefusals(
    prometheus::Registry& registry) {
  prometheus::Family<prometheus::Counter>& family =
      MakeFamily(prometheus::BuildCounter(), "iqgate_agw_refused_reservations_total",
                 "Reservations refused for want of room.", registry);
  std::array<prometheus::Counter*, Admission::kRefusalCount> counters = {};
  const char* const reasons[] = {"draining", "context_limit", "descriptor_limit", "no_free_port"};
  for (size_t i = 0; i < counters.size(); ++i) counters[i] = &family.Add({{"reason", reasons[i]}});
  return counters;
}

}  // namespace

Metrics::Metrics(absl::Duration drain_limit)
    : registry_(std::make_unique<prometheus::Registry>()),
      contexts_(MakeGauge("iqgate_agw_contexts", "Contexts now.", *registry_)),
      contexts_limit_(
          MakeGauge("iqgate_agw_contexts_limit", "The most contexts taken.", *registry_)),
      draining_(MakeGauge("iqgate_agw_draining", "1 while no new contexts are taken.", *registry_)),
      drain_seconds_(MakeGauge("iqgate_agw_drain_seconds",
                               "How long no new contexts have been taken.", *registry_)),
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
      refused_reservations_(MakeRefusals(*registry_)),
      drain_closed_contexts_(MakeCounter("iqgate_agw_drain_closed_contexts_total",
                                         "Contexts closed at the deadline of a drain.",
                                         *registry_)),
      dropped_syns_(MakeCounter("iqgate_agw_dropped_syns_total", "SYNs dropped by SYN policies.",
                                *registry_)),
      refused_connections_(MakeCounter("iqgate_agw_refused_connections_total",
                                       "Connections reset because their peer may not connect.",
                                       *registry_)),
      handshakes_(MakeGauge("iqgate_agw_tls_handshakes", "TLS handshakes under way.", *registry_)),
      waiting_handshakes_(MakeGauge("iqgate_agw_tls_handshakes_waiting",
                                    "Connections that wait for a TLS handshake to be over.",
                                    *registry_)),
      buffered_bytes_(MakeGauge("iqgate_agw_buffered_bytes",
                                "Octets kept for peers that take them slowly.", *registry_)),
      msrp_from_access_("access", *registry_),
      msrp_from_core_("core", *registry_),
      certificate_expiry_(MakeGauge("iqgate_agw_certificate_expiry_timestamp_seconds",
                                    "When the first certificate in use ends.", *registry_)),
      certificate_files_usable_(
          MakeFamily(prometheus::BuildGauge(), "iqgate_agw_certificate_files_usable",
                     "1 while a realm presents the certificate of its files.", *registry_)),
      certificate_reloads_(MakeFamily(prometheus::BuildCounter(),
                                      "iqgate_agw_certificate_reloads_total",
                                      "Changed files of certificates of realms.", *registry_)),
      open_descriptors_(MakeGauge("iqgate_agw_open_file_descriptors",
                                  "Open file descriptors of the process.", *registry_)),
      descriptor_limit_(MakeGauge("iqgate_agw_open_file_descriptors_limit",
                                  "The most file descriptors the process may open.", *registry_)),
      dropped_notifications_(MakeCounter("iqgate_agw_notifications_dropped_total",
                                         "Notifications that nobody was shown.", *registry_)),
      dropped_log_lines_(MakeCounter("iqgate_agw_log_lines_dropped_total",
                                     "Log lines that nobody read in time.", *registry_)) {
  for (const char* side : {"access", "core"}) {
    // Those that alerts compare with what they were: a series must be there before its first event.
    for (const KindAndCause& known : kCountedFromZero) {
      notifications_.Add({{"kind", known.kind}, {"cause", known.cause}, {"side", side}});
    }
  }
  notifications_.Add({{"kind", "port_pool_low"}, {"cause", ""}, {"side", ""}});
  MakeGauge("iqgate_agw_drain_limit_seconds", "When the drain of SIGTERM ends.", *registry_)
      .Set(absl::ToDoubleSeconds(drain_limit));
}

void Metrics::SetSources(Sources sources) { sources_ = std::move(sources); }

void Metrics::CountNotification(const ims::iq::v1::Notification& notification) {
  const common::IqNotificationName name = common::NameOf(notification);
  notifications_.Add({{"kind", name.kind}, {"cause", name.cause}, {"side", name.side}}).Increment();
}

void Metrics::Count(const WorkerCounters& counters) {
  received_from_access_.Increment(static_cast<double>(counters.received_from_access));
  received_from_core_.Increment(static_cast<double>(counters.received_from_core));
  dropped_syns_.Increment(static_cast<double>(counters.dropped_syns));
  refused_connections_.Increment(static_cast<double>(counters.refused_connections));
  handshakes_.Increment(static_cast<double>(counters.handshakes));
  waiting_handshakes_.Increment(static_cast<double>(counters.waiting_handshakes));
  buffered_bytes_.Increment(static_cast<double>(counters.buffered_bytes));
  msrp_from_access_.Count(counters.msrp_from_access);
  msrp_from_core_.Count(counters.msrp_from_core);
}

void Metrics::SetCertificateExpiry(absl::Time expiry) {
  certificate_expiry_.Set(static_cast<double>(absl::ToUnixSeconds(expiry)));
}

void Metrics::CountCertificateReload(const std::string& realm, bool taken) {
  certificate_reloads_.Add({{"realm", realm}, {"result", taken ? "taken" : "refused"}}).Increment();
}

void Metrics::SetCertificateFilesUsable(const std::string& realm, bool usable) {
  certificate_files_usable_.Add({{"realm", realm}}).Set(usable ? 1 : 0);
  for (const char* result : {"taken", "refused"}) {
    certificate_reloads_.Add({{"realm", realm}, {"result", result}});  // From 0 on.
  }
}

void Metrics::ReadSources() const {
  common::MutexLock lock(mutex_);
  open_descriptors_.Set(static_cast<double>(common::OpenFileDescriptorCount()));
  descriptor_limit_.Set(static_cast<double>(common::FileDescriptorLimit()));
  RaiseTo(common::DroppedLogLineCount(), dropped_log_lines_);
  if (sources_.dropped_notification_count) {
    RaiseTo(sources_.dropped_notification_count(), dropped_notifications_);
  }
  if (sources_.admission != nullptr) {
    for (size_t i = 0; i < refused_reservations_.size(); ++i) {
      RaiseTo(sources_.admission->refused_count(static_cast<Admission::Refusal>(i)),
              *refused_reservations_[i]);
    }
    RaiseTo(sources_.admission->closed_by_drain_count(), drain_closed_contexts_);
  }
  if (!sources_.status) return;
  const ims::iq::v1::GatewayStatus status = sources_.status();
  contexts_.Set(status.context_count());
  contexts_limit_.Set(status.context_limit());
  draining_.Set(status.draining() ? 1 : 0);
  drain_seconds_.Set(absl::ToDoubleSeconds(common::ToDuration(status.drain_duration())));
  for (const ims::iq::v1::Realm& realm : status.realms()) {
    realm_ports_in_use_.Add({{"realm", realm.name()}}).Set(realm.ports_in_use());
    realm_ports_.Add({{"realm", realm.name()}}).Set(realm.ports_total());
  }
}

std::vector<prometheus::MetricFamily> Metrics::Collect() const {
  ReadSources();
  return registry_->Collect();
}

}  // namespace agw
