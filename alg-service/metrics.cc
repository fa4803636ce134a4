#include "alg-service/metrics.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace alg {
namespace {

prometheus::Family<prometheus::Counter>& CounterFamily(prometheus::Registry& registry,
                                                       const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Histogram>& DurationFamily(prometheus::Registry& registry,
                                                          const char* name, const char* help) {
  return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
}

prometheus::Family<prometheus::Gauge>& GatewayFamily(prometheus::Registry& registry) {
  return prometheus::BuildGauge()
      .Name("iqgate_alg_gateways")
      .Help("IMS-AGWs by state.")
      .Register(registry);
}

// Seconds: from what a call takes on loopback to the longest time-out that is the default.
const prometheus::Histogram::BucketBoundaries kDurationBuckets = {
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5};

}  // namespace

Metrics::Counters::Counters(prometheus::Family<prometheus::Counter>& family,
                            std::string first_label, std::string second_label,
                            std::string third_label)
    : family_(family),
      labels_{std::move(first_label), std::move(second_label), std::move(third_label)} {}

void Metrics::Counters::Increment(absl::string_view first, absl::string_view second,
                                  absl::string_view third, uint64_t count) {
  const std::string key = absl::StrCat(first, " ", second, " ", third);
  common::MutexLock lock(mutex_);
  prometheus::Counter*& counter = counters_[key];
  if (counter == nullptr) {
    prometheus::Labels labels;
    const absl::string_view values[] = {first, second, third};
    for (int i = 0; i < 3; ++i) {
      if (!labels_[i].empty()) labels.emplace(labels_[i], std::string(values[i]));
    }
    counter = &family_.Add(labels);
  }
  counter->Increment(static_cast<double>(count));
}

void Metrics::Durations::Observe(absl::string_view method, absl::Duration duration) {
  common::MutexLock lock(mutex_);
  prometheus::Histogram*& histogram = histograms_[method];
  if (histogram == nullptr) {
    histogram = &family_.Add({{"method", std::string(method)}}, kDurationBuckets);
  }
  histogram->Observe(absl::ToDoubleSeconds(duration));
}

Metrics::Metrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      requests_(
          CounterFamily(*registry_, "iqgate_alg_requests_total", "Calls of network functions."),
          "method", "outcome", "reason"),
      request_durations_(DurationFamily(*registry_, "iqgate_alg_request_duration_seconds",
                                        "From the call of a network function to its answer.")),
      media_(CounterFamily(*registry_, "iqgate_alg_media_total", "m-lines by what became of them."),
             "handling", "reason", ""),
      sdp_deviations_(
          CounterFamily(*registry_, "iqgate_alg_sdp_deviations_total",
                        "Descriptions taken although they break RFC 8866, by what breaks it."),
          "kind", "", ""),
      iq_requests_(CounterFamily(*registry_, "iqgate_alg_iq_requests_total", "Calls of IMS-AGWs."),
                   "method", "code", ""),
      iq_request_durations_(DurationFamily(*registry_, "iqgate_alg_iq_request_duration_seconds",
                                           "From the call of an IMS-AGW to its answer.")),
      reservations_(CounterFamily(*registry_, "iqgate_alg_reservations_total",
                                  "IMS-AGWs asked to reserve for an offer, by what came of it."),
                    "outcome", "", ""),
      notifications_(CounterFamily(*registry_, "iqgate_alg_iq_notifications_total",
                                   "Notifications of IMS-AGWs."),
                     "kind", "cause", ""),
      missed_notifications_(CounterFamily(*registry_, "iqgate_alg_iq_notifications_missed_total",
                                          "Notifications that never came, by their numbers.")
                                .Add({})),
      up_gateways_(GatewayFamily(*registry_).Add({{"state", "up"}})),
      draining_gateways_(GatewayFamily(*registry_).Add({{"state", "draining"}})),
      unreachable_gateways_(GatewayFamily(*registry_).Add({{"state", "unreachable"}})),
      lost_gateways_(GatewayFamily(*registry_).Add({{"state", "lost"}})),
      gateway_unreachable_(CounterFamily(*registry_, "iqgate_alg_gateway_unreachable_total",
                                         "Addresses that stopped leading to an IMS-AGW."),
                           "reason", "", ""),
      gateway_lost_(CounterFamily(*registry_, "iqgate_alg_gateway_lost_total",
                                  "IMS-AGWs that were lost with their contexts."),
                    "reason", "", ""),
      sessions_lost_(CounterFamily(*registry_, "iqgate_alg_sessions_lost_total",
                                   "Contexts of IMS-AGWs that were lost."),
                     "reason", "", "") {
  for (const char* reason : {"restarted", "refused", "silent", "replaced"}) {
    gateway_lost_.Increment(reason, "", "", 0);
    sessions_lost_.Increment(reason, "", "", 0);
  }
}

void Metrics::CountRequest(absl::string_view method, absl::string_view outcome,
                           absl::string_view reason, absl::Duration duration) {
  requests_.Increment(method, outcome, reason);
  request_durations_.Observe(method, duration);
}

void Metrics::CountMedia(absl::string_view handling, absl::string_view reason) {
  media_.Increment(handling, reason, "");
}

void Metrics::CountSdpDeviation(absl::string_view kind) { sdp_deviations_.Increment(kind, "", ""); }

void Metrics::CountIqRequest(absl::string_view method, absl::StatusCode code,
                             absl::Duration duration) {
  iq_requests_.Increment(method, absl::StatusCodeToString(code), "");
  iq_request_durations_.Observe(method, duration);
}

void Metrics::CountReservation(absl::string_view outcome) {
  reservations_.Increment(outcome, "", "");
}

void Metrics::CountNotification(absl::string_view kind, absl::string_view cause) {
  notifications_.Increment(kind, cause, "");
}

void Metrics::CountMissedNotifications(uint64_t count) {
  missed_notifications_.Increment(static_cast<double>(count));
}

void Metrics::SetGateways(int up_count, int draining_count, int unreachable_count, int lost_count) {
  up_gateways_.Set(up_count);
  draining_gateways_.Set(draining_count);
  unreachable_gateways_.Set(unreachable_count);
  lost_gateways_.Set(lost_count);
}

void Metrics::CountUnreachableGateway(absl::string_view reason) {
  gateway_unreachable_.Increment(reason, "", "");
}

void Metrics::CountLostGateway(absl::string_view reason, uint64_t session_count) {
  gateway_lost_.Increment(reason, "", "");
  sessions_lost_.Increment(reason, "", "", session_count);
}

}  // namespace alg
