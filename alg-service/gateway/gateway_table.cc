#include "alg-service/gateway/gateway_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace alg {
namespace {

using common::MonotonicTime;

// How many ids of missing instances are remembered; more than any network has.
constexpr size_t kMissingLimit = 10'000;

GatewayId IdOf(const GatewayInfo& info) { return {info.instance_id, info.incarnation}; }

}  // namespace

std::vector<LostGateway> GatewayTable::Update(const std::vector<LinkState>& links,
                                              MonotonicTime now) {
  std::map<GatewayId, Entry> old = std::move(gateways_);
  gateways_.clear();
  unknown_link_count_ = 0;
  for (const LinkState& link : links) {
    if (link.info == nullptr) {
      ++unknown_link_count_;
      continue;
    }
    auto [it, is_first] = gateways_.try_emplace(IdOf(*link.info), Entry{link, absl::nullopt});
    if (!is_first && link.contact < it->second.best_link.contact) it->second.best_link = link;
  }

  std::vector<LostGateway> lost;
  for (auto& [gateway, entry] : gateways_) {
    entry.loss = LossOf(gateway, entry.best_link, now);
    if (!entry.loss.has_value()) continue;
    const auto before = old.find(gateway);
    if (before == old.end() || !before->second.loss.has_value()) {
      lost.push_back({gateway, *entry.loss, entry.best_link.info->context_count});
    }
  }
  for (const auto& [gateway, entry] : old) {
    if (gateways_.count(gateway) > 0) continue;
    missing_since_[gateway] = MonotonicTime::InfinitePast();
    if (entry.loss.has_value()) continue;
    lost.push_back(
        {gateway,
         IsUpInAnotherIncarnation(gateway) ? GatewayLoss::kRestarted : GatewayLoss::kReplaced,
         entry.best_link.info->context_count});
  }
  return lost;
}

absl::optional<GatewayLoss> GatewayTable::LossOf(const GatewayId& gateway,
                                                 const LinkState& best_link,
                                                 MonotonicTime now) const {
  if (best_link.contact == Contact::kUp) return absl::nullopt;
  if (IsUpInAnotherIncarnation(gateway)) return GatewayLoss::kRestarted;
  if (best_link.contact == Contact::kRefused) return GatewayLoss::kRefused;
  if (now >= best_link.last_heard + lost_after_) return GatewayLoss::kSilent;
  return absl::nullopt;
}

bool GatewayTable::IsUpInAnotherIncarnation(const GatewayId& gateway) const {
  return std::any_of(gateways_.begin(), gateways_.end(), [&gateway](const auto& other) {
    return other.first.instance_id == gateway.instance_id && !(other.first == gateway) &&
           other.second.best_link.contact == Contact::kUp;
  });
}

MonotonicTime GatewayTable::next_change() const {
  MonotonicTime next = MonotonicTime::InfiniteFuture();
  for (const auto& [gateway, entry] : gateways_) {
    if (entry.best_link.contact != Contact::kUp && !entry.loss.has_value()) {
      next = std::min(next, entry.best_link.last_heard + lost_after_);
    }
  }
  return next;
}

std::vector<Gateway> GatewayTable::Reachable() const {
  std::vector<Gateway> reachable;
  for (const LinkState& link : ReachableLinks()) {
    reachable.push_back({link.info, link.media_gateway});
  }
  return reachable;
}

std::vector<LinkState> GatewayTable::ReachableLinks() const {
  std::vector<LinkState> links;
  for (const auto& [gateway, entry] : gateways_) {
    if (entry.best_link.contact == Contact::kUp) links.push_back(entry.best_link);
  }
  return links;
}

absl::StatusOr<Gateway> GatewayTable::Find(absl::string_view instance_id,
                                           absl::string_view incarnation, MonotonicTime now) {
  const GatewayId gateway{std::string(instance_id), std::string(incarnation)};
  const auto found = gateways_.find(gateway);
  if (found != gateways_.end()) {
    const auto& [best_link, loss] = found->second;
    if (loss.has_value()) {
      return absl::NotFoundError(
          absl::StrCat("the IMS-AGW ", instance_id, " is lost (", NameOf(*loss), ")"));
    }
    if (best_link.contact == Contact::kSilent) {
      return absl::UnavailableError(absl::StrCat(
          "the IMS-AGW ", instance_id, " has not been heard of for ",
          absl::FormatDuration(absl::Trunc(now - best_link.last_heard, absl::Milliseconds(1)))));
    }
    return Gateway{best_link.info, best_link.media_gateway};
  }
  if (IsUpInAnotherIncarnation(gateway)) {
    return absl::NotFoundError(absl::StrCat("the IMS-AGW ", instance_id, " has been restarted"));
  }
  if (missing_since_.size() >= kMissingLimit) missing_since_.clear();
  const MonotonicTime since = missing_since_.try_emplace(gateway, now).first->second;
  if (now < since + lost_after_) {
    return absl::UnavailableError(
        absl::StrCat("the IMS-AGW ", instance_id, " has not been found yet"));
  }
  return absl::NotFoundError(absl::StrCat("there is no IMS-AGW ", instance_id));
}

bool GatewayTable::IsOfUse(const LinkState& link) const {
  if (link.info == nullptr) return false;
  const auto found = gateways_.find(IdOf(*link.info));
  return found != gateways_.end() && !found->second.loss.has_value() &&
         (link.contact == Contact::kUp || found->second.best_link.address == link.address);
}

GatewayTable::Counts GatewayTable::Count() const {
  Counts counts;
  counts.unreachable = unknown_link_count_;
  for (const auto& [gateway, entry] : gateways_) {
    if (entry.loss.has_value()) {
      ++counts.lost;
    } else if (entry.best_link.contact != Contact::kUp) {
      ++counts.unreachable;
    } else if (entry.best_link.info->draining) {
      ++counts.draining;
    } else {
      ++counts.up;
    }
  }
  return counts;
}

}  // namespace alg
