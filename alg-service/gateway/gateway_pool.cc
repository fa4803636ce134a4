#include "alg-service/gateway/gateway_pool.h"

#include <algorithm>
#include <utility>

#include "common/log.h"

namespace alg {

using common::MonotonicTime;

GatewayPool::GatewayPool(Options options, common::NameResolver resolver,
                         ChannelFactory channel_factory, std::shared_ptr<NotificationSink> sink,
                         std::shared_ptr<Metrics> metrics)
    : options_(std::move(options)),
      resolver_(std::move(resolver)),
      channel_factory_(std::move(channel_factory)),
      sink_(std::move(sink)),
      metrics_(std::move(metrics)),
      table_(options_.lost_after),
      resolver_thread_([this] { RunResolver(); }),
      links_thread_([this] { RunLinks(); }) {}

GatewayPool::~GatewayPool() {
  {
    common::MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  resolver_thread_.join();
  links_thread_.join();
  notifications_.clear();
  links_.clear();
}

std::vector<Gateway> GatewayPool::Reachable() const {
  common::MutexLock lock(mutex_);
  return table_.Reachable();
}

absl::StatusOr<Gateway> GatewayPool::Find(absl::string_view instance_id,
                                          absl::string_view incarnation) const {
  common::MutexLock lock(mutex_);
  return table_.Find(instance_id, incarnation, MonotonicTime::Now());
}

absl::Status GatewayPool::Ready() const {
  if (Reachable().empty()) return absl::UnavailableError("no IMS-AGW can be reached");
  return absl::OkStatus();
}

bool GatewayPool::WaitUntilReady(MonotonicTime deadline) const {
  common::MutexLock lock(mutex_);
  while (table_.Reachable().empty()) {
    if (MonotonicTime::Now() >= deadline) return false;
    changed_.wait_until(mutex_, deadline.ToChrono());
  }
  return true;
}

void GatewayPool::RunResolver() {
  for (;;) {
    Targets targets = Resolve();
    const MonotonicTime next = MonotonicTime::Now() + options_.resolve_interval;
    common::MutexLock lock(mutex_);
    new_targets_ = std::move(targets);
    woken_ = true;
    wake_.notify_all();
    while (!stopping_ && MonotonicTime::Now() < next) wake_.wait_until(mutex_, next.ToChrono());
    if (stopping_) return;
  }
}

GatewayPool::Targets GatewayPool::Resolve() {
  Targets targets;
  for (const common::HostPort& host_port : options_.targets) {
    {
      common::MutexLock lock(mutex_);
      if (stopping_) break;
    }
    absl::StatusOr<std::vector<common::IpAddress>> addresses = resolver_(host_port.host);
    std::vector<common::IpAddress>& known = resolved_[host_port.host];
    if (addresses.ok()) {
      known = *std::move(addresses);
    } else {
      common::Log(common::Severity::kWarning, "gateway_name_not_resolved",
                  {{"host", host_port.host}, {"detail", addresses.status().message()}});
    }
    for (const common::IpAddress& ip : known) {
      const common::TransportAddress address{ip, host_port.port};
      targets.emplace(address.ToString(), Target{host_port, address});
    }
  }
  return targets;
}

void GatewayPool::RunLinks() {
  for (;;) {
    absl::optional<Targets> targets;
    {
      common::MutexLock lock(mutex_);
      targets = std::move(new_targets_);
      new_targets_.reset();
    }
    if (targets.has_value()) UpdateLinks(*targets);
    const MonotonicTime now = MonotonicTime::Now();
    MonotonicTime next = MaintainLinks(now);
    UpdateTable(now);
    next = std::min(next, MaintainNotifications(now));

    common::MutexLock lock(mutex_);
    next = std::min(next, table_.next_change());
    while (!woken_ && !stopping_ && MonotonicTime::Now() < next) {
      wake_.wait_until(mutex_, next.ToChrono());
    }
    woken_ = false;
    if (stopping_) return;
  }
}

void GatewayPool::UpdateLinks(const Targets& targets) {
  for (const auto& [name, target] : targets) {
    if (links_.count(name) > 0) continue;
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
        channel_factory_(target.host_port, target.address);
    if (!channel.ok()) {
      common::Log(common::Severity::kError, "gateway_channel_refused",
                  {{"address", name}, {"detail", channel.status().message()}});
      continue;
    }
    links_.emplace(name,
                   std::make_unique<GatewayLink>(target.address, *channel, options_.status_interval,
                                                 metrics_, [this] { Wake(); }));
  }
  for (auto it = links_.begin(); it != links_.end();) {
    bool is_wanted = targets.count(it->first) > 0;
    if (!is_wanted) {
      const LinkState state = it->second->state();
      common::MutexLock lock(mutex_);
      is_wanted = table_.IsOfUse(state);
    }
    if (is_wanted) {
      ++it;
      continue;
    }
    common::Log(common::Severity::kInfo, "gateway_removed", {{"address", it->first}});
    it = links_.erase(it);
  }
}

MonotonicTime GatewayPool::MaintainLinks(MonotonicTime now) {
  MonotonicTime next = MonotonicTime::InfiniteFuture();
  for (const auto& [address, link] : links_) next = std::min(next, link->Maintain(now));
  return next;
}

void GatewayPool::UpdateTable(MonotonicTime now) {
  std::vector<LinkState> states;
  for (const auto& [address, link] : links_) states.push_back(link->state());
  std::vector<LostGateway> losses;
  GatewayTable::Counts counts;
  {
    common::MutexLock lock(mutex_);
    losses = table_.Update(states, now);
    counts = table_.Count();
    changed_.notify_all();
  }
  metrics_->SetGateways(counts.up, counts.draining, counts.unreachable, counts.lost);
  for (const LostGateway& lost : losses) sink_->OnGatewayLost(lost);
}

MonotonicTime GatewayPool::MaintainNotifications(MonotonicTime now) {
  std::vector<LinkState> reachable;
  std::vector<GatewayId> gone;
  {
    common::MutexLock lock(mutex_);
    reachable = table_.ReachableLinks();
    for (const auto& [gateway, watch] : notifications_) {
      if (!table_.Has(gateway)) gone.push_back(gateway);
    }
  }
  // Without the lock, which a handler that is waited for may want.
  for (const GatewayId& gateway : gone) notifications_.erase(gateway);

  MonotonicTime next = MonotonicTime::InfiniteFuture();
  for (const LinkState& link : reachable) {
    const GatewayId gateway{link.info->instance_id, link.info->incarnation};
    std::unique_ptr<NotificationWatch>& watch = notifications_[gateway];
    if (watch == nullptr) {
      watch = std::make_unique<NotificationWatch>(gateway, link.first_sequence_number, sink_,
                                                  [this] { Wake(); });
    }
    next = std::min(next, watch->Maintain(now, links_.at(link.address)->stub()));
  }
  return next;
}

void GatewayPool::Wake() {
  common::MutexLock lock(mutex_);
  woken_ = true;
  wake_.notify_all();
}

}  // namespace alg
