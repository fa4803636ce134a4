#include "iqctl/load.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "common/iq_notification.h"
#include "ims/iq/v1/notification.pb.h"
#include "ims/iq/v1/termination.pb.h"
#include "iqctl/agw_text.h"
#include "iqctl/text/human.h"
#include "iqctl/text/table.h"

namespace iqctl {
namespace {

using common::MonotonicTime;
using ims::iq::v1::Notification;
using ims::iqctl::v1::GatewayLoad;
using ims::iqctl::v1::LoadReport;

bool IsFailedSetup(const Notification& notification) {
  return notification.has_tcp_failed() || notification.has_tls_failed() ||
         notification.has_setup_timed_out();
}

bool IsEstablished(const Notification& notification) {
  return notification.has_tls_established() &&
         notification.termination().side() == ims::iq::v1::SIDE_ACCESS;
}

}  // namespace

void Load::Add(const GatewayNews& news, MonotonicTime now) {
  if (news.kind == GatewayNews::Kind::kLook) {
    gateways_ = news.gateways;
    return;
  }
  const auto [entry, is_new] = counts_.try_emplace(news.instance_id);
  Counts& counts = entry->second;
  if (is_new) counts.since = now;
  if (news.kind != GatewayNews::Kind::kNotification) return;
  ++counts.events;
  counts.missed += news.missed_count;
  if (IsEstablished(news.notification)) ++counts.established;
  if (IsFailedSetup(news.notification)) {
    ++counts.failed;
    const common::IqNotificationName name = common::NameOf(news.notification);
    ++counts.failures[absl::StrCat(name.kind, " ", name.cause)];
  }
}

LoadReport Load::Report(MonotonicTime now) {
  const double seconds = absl::ToDoubleSeconds(now - last_report_);
  last_report_ = now;
  LoadReport report;
  for (const Gateway& gateway : gateways_) {
    GatewayLoad& load = *report.add_gateways();
    *load.mutable_gateway() = ToReport(gateway);
    const auto found = counts_.find(gateway.status.instance_id());
    if (!gateway.has_answered() || found == counts_.end()) continue;
    Counts& counts = found->second;
    if (seconds > 0) load.set_events_per_second(static_cast<double>(counts.events) / seconds);
    counts.events = 0;
    const absl::Duration observed = now - counts.since;
    load.mutable_observed()->set_seconds(absl::ToInt64Seconds(observed));
    load.mutable_observed()->set_nanos(static_cast<int32_t>(
        absl::ToInt64Nanoseconds(observed - absl::Seconds(absl::ToInt64Seconds(observed)))));
    load.set_established_count(counts.established);
    load.set_failed_count(counts.failed);
    load.set_missed_count(counts.missed);
    const auto most =
        std::max_element(counts.failures.begin(), counts.failures.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    if (most != counts.failures.end()) load.set_most_frequent_failure(most->first);
  }
  return report;
}

std::string LoadText(const LoadReport& report, const Terminal& terminal) {
  Table table({{"INSTANCE"},
               {"STATE"},
               {"SESSIONS", true},
               {"PORTS", false, true},
               {"EVENTS/S", true},
               {"ESTABLISHED", true},
               {"FAILED", true},
               {"MOST FREQUENT FAILURE", false, true}});
  uint64_t sessions = 0;
  uint64_t limit = 0;
  uint64_t missed = 0;
  absl::Duration observed;
  for (const GatewayLoad& load : report.gateways()) {
    const ims::iqctl::v1::Gateway& gateway = load.gateway();
    if (!gateway.has_status()) {
      table.AddRow({absl::StrJoin(gateway.addresses(), ", "), StateCell(gateway), "-", "-", "-",
                    "-", "-", Cell(gateway.failure().message(), Style::kDim)});
      continue;
    }
    const ims::iq::v1::GatewayStatus& status = gateway.status();
    sessions += status.context_count();
    limit += status.context_limit();
    missed += load.missed_count();
    observed = std::max(observed, absl::Seconds(load.observed().seconds()) +
                                      absl::Nanoseconds(load.observed().nanos()));
    table.AddRow({status.instance_id(), StateCell(gateway),
                  UseCell(status.context_count(), status.context_limit()), PortsText(status),
                  absl::StrFormat("%.1f", load.events_per_second()),
                  WithSeparators(load.established_count()),
                  Cell(WithSeparators(load.failed_count()),
                       load.failed_count() > 0 ? Style::kBad : Style::kPlain),
                  load.most_frequent_failure()});
  }
  return absl::StrCat(
      Counted(report.gateways_size(), "IMS-AGW"), ", ", WithSeparators(sessions), " of ",
      Counted(limit, "session"),
      absl::StrFormat("; counting for %.0f s", absl::ToDoubleSeconds(observed)),
      missed > 0 ? absl::StrCat("; ", Counted(missed, "notification"), " missed") : "", "\n\n",
      table.ToString(terminal));
}

}  // namespace iqctl
