// Follows the notifications of an IMS-AGW in the background.

#ifndef TESTS_PEERS_NOTIFICATION_WATCHER_H_
#define TESTS_PEERS_NOTIFICATION_WATCHER_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "common/mutex.h"
#include "grpcpp/grpcpp.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"
#include "tests/peers/socket.h"

namespace peers {

// Thread-safe.
class NotificationWatcher {
 public:
  using Condition = std::function<bool(const ims::iq::v1::Notification&)>;

  // From all that are kept, or from those after a number of a run.
  explicit NotificationWatcher(std::shared_ptr<grpc::Channel> channel,
                               uint64_t after_sequence_number = 0, std::string incarnation = "");
  ~NotificationWatcher();

  // The first notification that fulfils `condition`, waited for if it is not there yet; nothing
  // after `timeout`.
  absl::optional<ims::iq::v1::Notification> WaitFor(const Condition& condition,
                                                    absl::Duration timeout = kPatience);

  // The same for the kind, by the number of its field, and perhaps the context and side.
  absl::optional<ims::iq::v1::Notification> WaitForKind(
      ims::iq::v1::Notification::KindCase kind, const std::string& context_id = "",
      ims::iq::v1::Side side = ims::iq::v1::SIDE_UNSPECIFIED, absl::Duration timeout = kPatience);

  // All so far.
  std::vector<ims::iq::v1::Notification> seen() const;
  std::string incarnation() const;

  // How the stream ended; waits for that.
  grpc::Status WaitForEnd();

 private:
  void Read();

  const std::unique_ptr<ims::iq::v1::MediaGatewayService::Stub> stub_;
  grpc::ClientContext call_;
  ims::iq::v1::WatchNotificationsRequest request_;

  mutable common::Mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<ims::iq::v1::Notification> seen_ ABSL_GUARDED_BY(mutex_);
  std::string incarnation_ ABSL_GUARDED_BY(mutex_);
  absl::optional<grpc::Status> end_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace peers

#endif  // TESTS_PEERS_NOTIFICATION_WATCHER_H_
