#include "iqctl/gateway_follower.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "common/status_macros.h"
#include "iqctl/client/call_error.h"

namespace iqctl {
namespace {

using common::MonotonicTime;
using common::MutexLock;

// News that nobody has taken; whoever reads a stream waits beyond that, and the IMS-AGW's log keeps what
// comes meanwhile.
constexpr size_t kNewsLimit = 10000;

}  // namespace

GatewayFollower::GatewayFollower(const Connector& connector, Options options)
    : connector_(connector), options_(std::move(options)) {}

GatewayFollower::~GatewayFollower() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    is_stopping_ = true;
    changed_.notify_all();
  }
  // Nobody begins to follow after this.
  if (looking_.joinable()) looking_.join();
  {
    MutexLock lock(mutex_);
    for (auto& [id, followed] : followed_) {
      if (followed->stream != nullptr) followed->stream->Cancel();
      if (followed->thread.joinable()) threads.push_back(std::move(followed->thread));
    }
  }
  for (std::thread& thread : threads) thread.join();
}

absl::Status GatewayFollower::Start() {
  ASSIGN_OR_RETURN(std::vector<Gateway> gateways, Look());
  const auto answered = std::find_if(gateways.begin(), gateways.end(),
                                     [](const Gateway& known) { return known.has_answered(); });
  if (answered == gateways.end()) {
    if (gateways.empty()) return absl::UnavailableError("--agw names no IMS-AGW");
    return Annotate(gateways.front().error, gateways.front().Name());
  }
  FollowNewOnes(gateways, /*is_first_look=*/true);
  GatewayNews look;
  look.gateways = std::move(gateways);
  Push(std::move(look));
  looking_ = std::thread([this] { LookAgainAndAgain(); });
  return absl::OkStatus();
}

absl::optional<GatewayNews> GatewayFollower::Next(MonotonicTime deadline) {
  MutexLock lock(mutex_);
  while (news_.empty()) {
    if (MonotonicTime::Now() >= deadline) return absl::nullopt;
    changed_.wait_until(mutex_, deadline.ToChrono());
  }
  GatewayNews oldest = std::move(news_.front());
  news_.pop_front();
  changed_.notify_all();
  return oldest;
}

absl::StatusOr<std::vector<Gateway>> GatewayFollower::Look() const {
  if (options_.instance.empty()) {
    ASSIGN_OR_RETURN(const std::vector<EndpointOrError> endpoints, connector_.AgwEndpoints());
    return AskAll(endpoints);
  }
  ASSIGN_OR_RETURN(Gateway gateway, FindGateway(connector_, options_.instance));
  return std::vector<Gateway>{std::move(gateway)};
}

void GatewayFollower::LookAgainAndAgain() {
  MonotonicTime next = MonotonicTime::Now() + options_.look_interval;
  while (true) {
    {
      MutexLock lock(mutex_);
      while (!is_stopping_ && MonotonicTime::Now() < next) {
        changed_.wait_until(mutex_, next.ToChrono());
      }
      if (is_stopping_) return;
    }
    next = MonotonicTime::Now() + options_.look_interval;
    absl::StatusOr<std::vector<Gateway>> gateways = Look();
    // One that has gone is looked for the next time again.
    if (!gateways.ok()) continue;
    FollowNewOnes(*gateways, /*is_first_look=*/false);
    GatewayNews look;
    look.gateways = *std::move(gateways);
    Push(std::move(look));
  }
}

NotificationPosition GatewayFollower::FirstPosition(const Gateway& gateway,
                                                    bool is_first_look) const {
  if (is_first_look && options_.position.has_value()) return *options_.position;
  NotificationPosition position{gateway.status.incarnation(), 0};
  if (is_first_look && !options_.from_the_oldest) {
    position.sequence_number = gateway.status.last_sequence_number();
  }
  return position;
}

void GatewayFollower::FollowNewOnes(const std::vector<Gateway>& gateways, bool is_first_look) {
  for (const Gateway& gateway : gateways) {
    if (!gateway.has_answered()) continue;
    const std::string& id = gateway.status.instance_id();
    Followed* followed;
    std::thread ended;
    {
      MutexLock lock(mutex_);
      std::unique_ptr<Followed>& entry = followed_[id];
      if (entry == nullptr) {
        entry = std::make_unique<Followed>();
        entry->position = FirstPosition(gateway, is_first_look);
      }
      followed = entry.get();
      if (followed->is_followed || is_stopping_) continue;
      if (!is_first_look && followed->position.incarnation != gateway.status.incarnation()) {
        followed->position = {gateway.status.incarnation(), 0};  // It has started again.
      }
      ended = std::move(followed->thread);
    }
    if (ended.joinable()) ended.join();
    // Before its notifications.
    GatewayNews news;
    news.kind = GatewayNews::Kind::kFollowed;
    news.instance_id = id;
    news.incarnation = gateway.status.incarnation();
    Push(std::move(news));
    MutexLock lock(mutex_);
    if (is_stopping_) return;
    followed->is_followed = true;
    followed->stream = gateway.client->WatchNotifications(followed->position.sequence_number,
                                                          followed->position.incarnation);
    followed->thread =
        std::thread([this, id, stream = followed->stream] { Follow(id, stream.get()); });
  }
}

void GatewayFollower::Follow(const std::string& instance_id, NotificationStream* stream) {
  ims::iq::v1::WatchNotificationsResponse response;
  while (stream->Read(&response)) {
    GatewayNews news;
    news.kind = GatewayNews::Kind::kNotification;
    news.instance_id = instance_id;
    news.incarnation = response.incarnation();
    {
      MutexLock lock(mutex_);
      NotificationPosition& position = followed_[instance_id]->position;
      const uint64_t number = response.notification().sequence_number();
      // From the oldest that is kept, nobody has missed what is not kept.
      if (position.sequence_number != 0) news.missed_count = number - position.sequence_number - 1;
      position = {response.incarnation(), number};
    }
    news.notification = std::move(*response.mutable_notification());
    Push(std::move(news));
  }
  GatewayNews news;
  news.kind = GatewayNews::Kind::kEnded;
  news.instance_id = instance_id;
  news.error = stream->Finish();
  // So that the next time begins with the first of the present run.
  const bool is_of_another_run = common::ErrorReasonOf(news.error) == "INCARNATION_MISMATCH";
  Push(std::move(news));
  // From here on it can be followed again.
  MutexLock lock(mutex_);
  Followed& followed = *followed_[instance_id];
  followed.is_followed = false;
  if (is_of_another_run) followed.position = {};
}

void GatewayFollower::Push(GatewayNews news) {
  MutexLock lock(mutex_);
  while (news_.size() >= kNewsLimit && !is_stopping_) changed_.wait(mutex_);
  news_.push_back(std::move(news));
  changed_.notify_all();
}

}  // namespace iqctl
