// Follows what happens at IMS-AGWs, those that come later and those that come back too.

#ifndef IQCTL_GATEWAY_FOLLOWER_H_
#define IQCTL_GATEWAY_FOLLOWER_H_

#include <condition_variable>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"
#include "ims/iq/v1/notification.pb.h"
#include "iqctl/client/agw_client.h"
#include "iqctl/client/connection.h"
#include "iqctl/gateways.h"

namespace iqctl {

// Something that the follower has to tell.
struct GatewayNews {
  enum class Kind {
    kLook,      // All IMS-AGWs have been asked for their status; `gateways` has the answers.
    kFollowed,  // The notifications of an IMS-AGW are followed, for the first time or again.
    kNotification,
    kEnded,  // Its notifications are not followed any more, because of `error`; it is looked for.
  };

  Kind kind = Kind::kLook;
  std::vector<Gateway> gateways;

  std::string instance_id;  // Of all kinds but `kLook`.
  std::string incarnation;
  ims::iq::v1::Notification notification;
  uint64_t missed_count = 0;  // Notifications that were lost right before this one.
  absl::Status error;
};

// Where the notifications of an IMS-AGW begin.
struct NotificationPosition {
  std::string incarnation;
  uint64_t sequence_number = 0;  // Those behind this one.
};

class GatewayFollower {
 public:
  struct Options {
    std::string instance;  // Instance id or HOST:PORT; empty: all behind --agw.

    // How often they are all asked for their status. One that comes is noticed as soon.
    absl::Duration look_interval = absl::Seconds(2);

    // IMS-AGWs that are there at the start are followed from then on, or from the oldest notification
    // that they keep, or from here (with `instance` only). Those that come later from their first one.
    bool from_the_oldest = false;
    absl::optional<NotificationPosition> position;
  };

  // `connector` outlives this.
  GatewayFollower(const Connector& connector, Options options);
  ~GatewayFollower();  // Waits for what is under way, up to the time limit of a call.

  // Looks for the first time. Fails, and follows nothing, if no IMS-AGW that is meant answers.
  absl::Status Start();

  // The oldest news; waits for one until `deadline`. One thread.
  absl::optional<GatewayNews> Next(common::MonotonicTime deadline);

 private:
  // An IMS-AGW that has been seen. Followed by a thread of its own while `is_followed`.
  struct Followed {
    NotificationPosition position;
    bool is_followed = false;
    std::shared_ptr<NotificationStream> stream;
    std::thread thread;
  };

  absl::StatusOr<std::vector<Gateway>> Look() const;
  void LookAgainAndAgain();
  void FollowNewOnes(const std::vector<Gateway>& gateways, bool is_first_look);
  NotificationPosition FirstPosition(const Gateway& gateway, bool is_first_look) const;
  void Follow(const std::string& instance_id, NotificationStream* stream);
  void Push(GatewayNews news);

  const Connector& connector_;
  const Options options_;

  common::Mutex mutex_;
  std::condition_variable_any changed_;
  bool is_stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::deque<GatewayNews> news_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::string, std::unique_ptr<Followed>> followed_ ABSL_GUARDED_BY(mutex_);
  std::thread looking_;
};

}  // namespace iqctl

#endif  // IQCTL_GATEWAY_FOLLOWER_H_
