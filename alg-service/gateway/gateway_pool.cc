#include "alg-service/gateway/gateway_pool.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/log.h"

namespace alg {

GatewayPool::GatewayPool(Options options, NameResolver resolver, ChannelFactory channel_factory,
                         std::shared_ptr<Metrics> metrics)
    : options_(std::move(options)),
      resolver_(std::move(resolver)),
      channel_factory_(std::move(channel_factory)),
      metrics_(std::move(metrics)),
      thread_([this] { Run(); }) {}

GatewayPool::~GatewayPool() {
  {
    common::MutexLock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  thread_.join();
  for (const auto& [address, link] : links()) link->Close();
}

std::vector<Gateway> GatewayPool::Reachable() const {
  std::vector<Gateway> gateways;
  common::MutexLock lock(mutex_);
  for (const auto& [address, link] : links_) {
    if (link->reachable()) gateways.push_back({link->info(), link->media_gateway()});
  }
  return gateways;
}

absl::StatusOr<Gateway> GatewayPool::Find(absl::string_view instance_id,
                                          absl::string_view incarnation) const {
  common::MutexLock lock(mutex_);
  bool all_known = resolved_once_;
  bool has_restarted = false;
  for (const auto& [address, link] : links_) {
    std::shared_ptr<const GatewayInfo> info = link->info();
    if (info == nullptr) {
      all_known = false;
    } else if (info->instance_id == instance_id) {
      if (info->incarnation == incarnation) return Gateway{info, link->media_gateway()};
      has_restarted = true;
    }
  }
  if (has_restarted) {
    return absl::NotFoundError(absl::StrCat("the IMS-AGW ", instance_id, " has been restarted"));
  }
  if (!all_known) {
    return absl::UnavailableError(
        absl::StrCat("the IMS-AGW ", instance_id, " has not been found yet"));
  }
  return absl::NotFoundError(absl::StrCat("there is no IMS-AGW ", instance_id));
}

absl::Status GatewayPool::Ready() const {
  if (Reachable().empty()) return absl::UnavailableError("no IMS-AGW can be reached");
  return absl::OkStatus();
}

bool GatewayPool::WaitUntilReady(absl::Time deadline) {
  common::MutexLock lock(mutex_);
  for (;;) {
    for (const auto& [address, link] : links_) {
      if (link->reachable()) return true;
    }
    if (absl::Now() >= deadline) return false;
    changed_.wait_until(mutex_, absl::ToChronoTime(deadline));
  }
}

void GatewayPool::Run() {
  absl::Time next_resolution = absl::InfinitePast();
  for (;;) {
    const absl::Time now = absl::Now();
    if (next_resolution <= now) {
      Resolve();
      next_resolution = now + options_.resolve_interval;
    }
    absl::Time next = next_resolution;
    for (const auto& [address, link] : links()) next = std::min(next, link->Maintain(now));
    CountStates();

    common::MutexLock lock(mutex_);
    while (!woken_ && !stopping_) {
      if (wake_.wait_until(mutex_, absl::ToChronoTime(next)) == std::cv_status::timeout) break;
    }
    woken_ = false;
    if (stopping_) return;
  }
}

void GatewayPool::Resolve() {
  std::map<std::string, std::pair<HostPort, common::TransportAddress>> wanted;
  for (const HostPort& target : options_.targets) {
    absl::StatusOr<std::vector<common::IpAddress>> addresses = resolver_(target.host);
    std::vector<common::IpAddress>& known = resolved_[target.host];
    if (addresses.ok()) {
      known = *std::move(addresses);
    } else {
      common::Log(common::Severity::kWarning, "gateway_name_not_resolved",
                  {{"host", target.host}, {"detail", addresses.status().message()}});
    }
    for (const common::IpAddress& ip : known) {
      const common::TransportAddress address{ip, target.port};
      wanted.emplace(address.ToString(), std::make_pair(target, address));
    }
  }

  const Links old_links = links();
  Links new_links;
  for (const auto& [name, target_and_address] : wanted) {
    auto old = old_links.find(name);
    if (old != old_links.end()) {
      new_links.insert(*old);
      continue;
    }
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
        channel_factory_(target_and_address.first, target_and_address.second);
    if (!channel.ok()) {
      common::Log(common::Severity::kError, "gateway_channel_refused",
                  {{"address", name}, {"detail", channel.status().message()}});
      continue;
    }
    new_links.emplace(name, std::make_shared<GatewayLink>(name, *channel, metrics_, [this] {
                        common::MutexLock lock(mutex_);
                        woken_ = true;
                        wake_.notify_all();
                        changed_.notify_all();
                      }));
  }
  {
    common::MutexLock lock(mutex_);
    links_ = new_links;
    resolved_once_ = true;
  }
  for (const auto& [name, link] : old_links) {
    if (new_links.count(name) > 0) continue;
    common::Log(common::Severity::kInfo, "gateway_removed", {{"address", name}});
    link->Close();
  }
}

void GatewayPool::CountStates() {
  int up_count = 0, draining_count = 0, unreachable_count = 0;
  for (const auto& [address, link] : links()) {
    if (!link->reachable()) {
      ++unreachable_count;
    } else if (link->info()->draining) {
      ++draining_count;
    } else {
      ++up_count;
    }
  }
  metrics_->SetGateways(up_count, draining_count, unreachable_count);
}

GatewayPool::Links GatewayPool::links() const {
  common::MutexLock lock(mutex_);
  return links_;
}

}  // namespace alg
