#include "alg-service/gateway/gateway_link.h"

#include <algorithm>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "alg-service/gateway/grpc_media_gateway.h"
#include "alg-service/gateway/notification_log.h"
#include "common/iq_notification.h"
#include "common/log.h"

namespace alg {
namespace {

using ims::iq::v1::MediaGatewayService;

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(100);
constexpr absl::Duration kLongestBackoff = absl::Seconds(5);

// Load is followed by this much delay at most; draining is told at once.
constexpr int kStatusIntervalSeconds = 2;

}  // namespace

bool IsUsableGatewayName(absl::string_view name) {
  return !name.empty() && name.size() <= 80 && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == ':';
  });
}

GatewayInfo ToGatewayInfo(const ims::iq::v1::GatewayStatus& status) {
  GatewayInfo info;
  info.instance_id = status.instance_id();
  info.incarnation = status.incarnation();
  info.draining = status.draining();
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

GatewayLink::GatewayLink(std::string address, const std::shared_ptr<grpc::Channel>& channel,
                         std::shared_ptr<Metrics> metrics, std::function<void()> changed)
    : address_(std::move(address)),
      stub_(MediaGatewayService::NewStub(channel)),
      media_gateway_(std::make_shared<GrpcMediaGateway>(channel, metrics)),
      metrics_(std::move(metrics)),
      changed_(std::move(changed)) {}

absl::Time GatewayLink::Maintain(absl::Time now) {
  common::MutexLock lock(mutex_);
  if (closing_) return absl::InfiniteFuture();
  absl::Time next = absl::InfiniteFuture();
  if (status_.stream == nullptr) {
    if (status_.due <= now) {
      OpenStatusStream();
    } else {
      next = status_.due;
    }
  }
  // Notifications are of use only together with the status that says whose they are.
  if (notifications_.stream == nullptr && reachable_) {
    if (notifications_.due <= now) {
      OpenNotificationStream();
    } else {
      next = std::min(next, notifications_.due);
    }
  }
  return next;
}

void GatewayLink::Close() {
  common::MutexLock lock(mutex_);
  closing_ = true;
  if (status_.stream != nullptr) status_.stream->Cancel();
  if (notifications_.stream != nullptr) notifications_.stream->Cancel();
  while (status_.stream != nullptr || notifications_.stream != nullptr || ends_being_told_ > 0) {
    end_told_.wait(mutex_);
  }
}

std::shared_ptr<const GatewayInfo> GatewayLink::info() const {
  common::MutexLock lock(mutex_);
  return info_;
}

bool GatewayLink::reachable() const {
  common::MutexLock lock(mutex_);
  return reachable_;
}

void GatewayLink::OpenStatusStream() {
  ims::iq::v1::WatchStatusRequest request;
  request.mutable_interval()->set_seconds(kStatusIntervalSeconds);
  auto self = shared_from_this();
  status_.stream =
      StatusStream::Open(std::move(request),
                         {[self](const auto& response) { self->OnStatus(response.status()); },
                          [self](const absl::Status& status) { self->OnStatusEnd(status); }},
                         [this](auto* context, const auto* message, auto* reactor) {
                           stub_->async()->WatchStatus(context, message, reactor);
                         });
}

void GatewayLink::OpenNotificationStream() {
  ims::iq::v1::WatchNotificationsRequest request;
  request.set_after_sequence_number(last_sequence_number_);
  if (last_sequence_number_ > 0) request.set_incarnation(info_->incarnation);
  auto self = shared_from_this();
  notifications_.stream = NotificationStream::Open(
      std::move(request),
      {[self](const auto& response) { self->OnNotification(response); },
       [self](const absl::Status& status) { self->OnNotificationEnd(status); }},
      [this](auto* context, const auto* message, auto* reactor) {
        stub_->async()->WatchNotifications(context, message, reactor);
      });
}

void GatewayLink::OnStatus(const ims::iq::v1::GatewayStatus& status) {
  auto info = std::make_shared<const GatewayInfo>(ToGatewayInfo(status));
  if (!IsUsableGatewayName(info->instance_id) || !IsUsableGatewayName(info->incarnation)) {
    common::Log(common::Severity::kError, "gateway_unusable",
                {{"address", address_},
                 {"instance_id", info->instance_id},
                 {"incarnation", info->incarnation},
                 {"detail", "an id that does not fit into a session id"}});
    return;
  }
  bool is_news;
  {
    common::MutexLock lock(mutex_);
    const bool is_new_incarnation = info_ == nullptr || info_->incarnation != info->incarnation;
    if (is_new_incarnation) {
      last_sequence_number_ = status.last_sequence_number();
      notifications_.due = absl::InfinitePast();
    }
    is_news = is_new_incarnation || !reachable_ || info_->draining != info->draining;
    info_ = info;
    reachable_ = true;
    failure_logged_ = false;
    status_.backoff = absl::ZeroDuration();
  }
  if (!is_news) return;
  common::Log(common::Severity::kInfo, "gateway_up",
              {{"address", address_},
               {"instance_id", info->instance_id},
               {"incarnation", info->incarnation},
               {"draining", info->draining}});
  changed_();
}

void GatewayLink::OnStatusEnd(const absl::Status& status) {
  {
    common::MutexLock lock(mutex_);
    if (!closing_ && !failure_logged_) {
      failure_logged_ = true;
      common::Log(common::Severity::kWarning, "gateway_unreachable",
                  {{"address", address_},
                   {"code", absl::StatusCodeToString(status.code())},
                   {"detail", status.message()}});
    }
    reachable_ = false;
    ScheduleNext(status_);
    ++ends_being_told_;
  }
  TellEnd();
}

void GatewayLink::OnNotification(const ims::iq::v1::WatchNotificationsResponse& response) {
  const ims::iq::v1::Notification& notification = response.notification();
  std::string session_id_prefix;
  uint64_t missed_count = 0;
  {
    common::MutexLock lock(mutex_);
    notifications_.backoff = absl::ZeroDuration();
    // The first of a restarted IMS-AGW may come before the status that tells of the restart.
    if (response.incarnation() == info_->incarnation) {
      if (notification.sequence_number() > last_sequence_number_ + 1) {
        missed_count = notification.sequence_number() - last_sequence_number_ - 1;
      }
      last_sequence_number_ = notification.sequence_number();
    }
    session_id_prefix = absl::StrCat(info_->instance_id, "~", response.incarnation(), "~");
  }
  if (missed_count > 0) {
    metrics_->CountMissedNotifications(missed_count);
    common::Log(common::Severity::kWarning, "iq_notifications_missed",
                {{"address", address_}, {"missed_count", missed_count}});
  }
  const common::IqNotificationName name = common::NameOf(notification);
  metrics_->CountNotification(name.kind, name.cause);
  LogNotification(notification, session_id_prefix);
}

void GatewayLink::OnNotificationEnd(const absl::Status& status) {
  {
    common::MutexLock lock(mutex_);
    // The number belongs to an earlier run: from the beginning of this one.
    if (status.code() == absl::StatusCode::kFailedPrecondition) last_sequence_number_ = 0;
    ScheduleNext(notifications_);
    ++ends_being_told_;
  }
  TellEnd();
}

void GatewayLink::TellEnd() {
  changed_();
  common::MutexLock lock(mutex_);
  --ends_being_told_;
  end_told_.notify_all();
}

template <typename Stream>
void GatewayLink::ScheduleNext(Watch<Stream>& watch) {
  watch.stream = nullptr;
  watch.backoff = watch.backoff == absl::ZeroDuration()
                      ? kFirstBackoff
                      : std::min(watch.backoff * 2, kLongestBackoff);
  // Spread, so that the replicas do not all come at the same time.
  absl::BitGen random;
  watch.due = absl::Now() + watch.backoff * absl::Uniform(random, 0.7, 1.3);
}

}  // namespace alg
