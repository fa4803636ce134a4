#include "alg-service/gateway/gateway_link.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "alg-service/gateway/grpc_media_gateway.h"
#include "common/log.h"

namespace alg {
namespace {

using common::MonotonicTime;
using ims::iq::v1::MediaGatewayService;

// How long a probe waits for the peer's host, and how often it is looked at.
constexpr absl::Duration kProbeTime = absl::Milliseconds(500);
constexpr absl::Duration kProbeInterval = absl::Milliseconds(10);

}  // namespace

GatewayInfo ToGatewayInfo(const ims::iq::v1::GatewayStatus& status) {
  GatewayInfo info;
  info.instance_id = status.instance_id();
  info.incarnation = status.incarnation();
  info.draining = status.draining();
  info.context_count = status.context_count();
  if (status.context_limit() > 0) {
    info.load = static_cast<double>(status.context_count()) / status.context_limit();
  }
  for (const ims::iq::v1::Realm& realm : status.realms()) {
    // A realm without free ports takes no context, however few contexts there are.
    if (realm.ports_total() > 0) {
      info.load =
          std::max(info.load, static_cast<double>(realm.ports_in_use()) / realm.ports_total());
    }
    for (const std::string& address : realm.advertised_addresses()) {
      absl::StatusOr<common::IpAddress> ip = common::IpAddress::Parse(address);
      if (!ip.ok()) continue;
      info.own_addresses.push_back({*ip, static_cast<uint16_t>(realm.first_port()),
                                    static_cast<uint16_t>(realm.last_port())});
    }
  }
  return info;
}

GatewayLink::GatewayLink(const common::TransportAddress& address,
                         const std::shared_ptr<grpc::Channel>& channel,
                         absl::Duration status_interval, std::shared_ptr<Metrics> metrics,
                         std::function<void()> changed)
    : address_(address),
      address_text_(address.ToString()),
      status_interval_(status_interval),
      stub_(MediaGatewayService::NewStub(channel)),
      metrics_(std::move(metrics)),
      changed_(std::move(changed)),
      status_watch_(std::make_shared<StatusWatch>(StatusWatch::Stream::Handlers{
          [this](const auto& response) { OnStatus(response.status()); },
          [this](const absl::Status& status) { OnStreamEnd(status); }})) {
  state_.address = address_text_;
  state_.media_gateway = std::make_shared<GrpcMediaGateway>(channel, metrics_);
  state_.last_heard = MonotonicTime::Now();
}

GatewayLink::~GatewayLink() { status_watch_->Close(); }

MonotonicTime GatewayLink::Maintain(MonotonicTime now) {
  if (status_watch_->due() <= now) OpenStream(now);
  return std::min({status_watch_->due(), LookAtProbe(now), CheckSilence(now)});
}

LinkState GatewayLink::state() const {
  common::MutexLock lock(mutex_);
  return state_;
}

void GatewayLink::OpenStream(MonotonicTime now) {
  ims::iq::v1::WatchStatusRequest request;
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(status_interval_);
  request.mutable_interval()->set_seconds(nanoseconds / 1'000'000'000);
  request.mutable_interval()->set_nanos(nanoseconds % 1'000'000'000);
  status_watch_->Open(std::move(request), [this](auto* call, const auto* message, auto* reactor) {
    stub_->async()->WatchStatus(call, message, reactor);
  });
  common::MutexLock lock(mutex_);
  const bool may_be_gone = state_.info != nullptr && (state_.contact == Contact::kInterrupted ||
                                                      state_.contact == Contact::kSilent);
  if (may_be_gone) {
    probe_.emplace(address_);
    probe_end_ = now + kProbeTime;
  }
}

MonotonicTime GatewayLink::LookAtProbe(MonotonicTime now) {
  if (!probe_.has_value()) return MonotonicTime::InfiniteFuture();
  const ConnectionProbe::Result result = probe_->Poll();
  if (result == ConnectionProbe::Result::kPending && now < probe_end_) return now + kProbeInterval;
  probe_.reset();
  common::MutexLock lock(mutex_);
  if (result == ConnectionProbe::Result::kRefused && state_.contact != Contact::kUp) {
    state_.contact = Contact::kRefused;
  }
  return MonotonicTime::InfiniteFuture();
}

MonotonicTime GatewayLink::CheckSilence(MonotonicTime now) {
  common::MutexLock lock(mutex_);
  const bool is_awaited = state_.info != nullptr && (state_.contact == Contact::kUp ||
                                                     state_.contact == Contact::kInterrupted);
  if (!is_awaited) return MonotonicTime::InfiniteFuture();
  const MonotonicTime end = state_.last_heard + 2 * status_interval_;
  if (now < end) return end;
  if (state_.contact == Contact::kUp) {
    LogUnreachable("silent",
                   absl::StrCat("no status for ", absl::FormatDuration(now - state_.last_heard)));
  }
  state_.contact = Contact::kSilent;
  return MonotonicTime::InfiniteFuture();
}

void GatewayLink::OnStatus(const ims::iq::v1::GatewayStatus& status) {
  auto info = std::make_shared<const GatewayInfo>(ToGatewayInfo(status));
  if (!IsUsableGatewayName(info->instance_id) || !IsUsableGatewayName(info->incarnation)) {
    common::Log(common::Severity::kError, "gateway_unusable",
                {{"address", address_text_},
                 {"instance_id", info->instance_id},
                 {"incarnation", info->incarnation},
                 {"detail", "an id that does not fit into a session id"}});
    return;
  }
  bool is_news;
  {
    common::MutexLock lock(mutex_);
    const bool is_another = state_.info == nullptr ||
                            state_.info->instance_id != info->instance_id ||
                            state_.info->incarnation != info->incarnation;
    if (is_another) state_.first_sequence_number = status.last_sequence_number();
    is_news =
        is_another || state_.contact != Contact::kUp || state_.info->draining != info->draining;
    state_.info = info;
    state_.contact = Contact::kUp;
    state_.last_heard = MonotonicTime::Now();
    failure_logged_ = false;
  }
  if (is_news) {
    common::Log(common::Severity::kInfo, "gateway_up",
                {{"address", address_text_},
                 {"instance_id", info->instance_id},
                 {"incarnation", info->incarnation},
                 {"draining", info->draining}});
  }
  changed_();
}

void GatewayLink::OnStreamEnd(const absl::Status& status) {
  {
    common::MutexLock lock(mutex_);
    const bool was_up = state_.contact == Contact::kUp;
    if (was_up) state_.contact = Contact::kInterrupted;
    // One that has never been reached is told of once.
    if (was_up || !failure_logged_) {
      LogUnreachable("stream_ended", status.ToString());
      failure_logged_ = true;
    }
  }
  changed_();
}

void GatewayLink::LogUnreachable(const char* reason, absl::string_view detail) const {
  metrics_->CountUnreachableGateway(reason);
  common::Log(common::Severity::kWarning, "gateway_unreachable",
              {{"address", address_text_}, {"reason", reason}, {"detail", detail}});
}

}  // namespace alg
