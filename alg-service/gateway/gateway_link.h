// The connection to one IMS-AGW and what its streams tell.

#ifndef ALG_SERVICE_GATEWAY_GATEWAY_LINK_H_
#define ALG_SERVICE_GATEWAY_GATEWAY_LINK_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/gateway/watch_stream.h"
#include "alg-service/metrics.h"
#include "common/mutex.h"
#include "grpcpp/channel.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"

namespace alg {

// The id and the incarnation of an IMS-AGW become part of session ids, so both must fit there.
bool IsUsableGatewayName(absl::string_view name);

// What a status says to those who choose and plan.
GatewayInfo ToGatewayInfo(const ims::iq::v1::GatewayStatus& status);

// Follows status and notifications, and opens a stream that broke again, with backoff.
// Notifications go on where they stopped; those from before the first connection are not asked for.
// Thread-safe.
class GatewayLink : public std::enable_shared_from_this<GatewayLink> {
 public:
  // `address` is for logs. `changed` is called, on gRPC's threads, whenever `Maintain()` should be
  // called soon or what the getters return has changed.
  GatewayLink(std::string address, const std::shared_ptr<grpc::Channel>& channel,
              std::shared_ptr<Metrics> metrics, std::function<void()> changed);

  // Opens the streams that are due. Returns when to be called again.
  absl::Time Maintain(absl::Time now);

  // Ends the streams and returns when no handler runs any more.
  void Close();

  // Empty until the first status has come.
  std::shared_ptr<const GatewayInfo> info() const;

  // The status stream is up.
  bool reachable() const;

  const std::shared_ptr<MediaGateway>& media_gateway() const { return media_gateway_; }
  const std::string& address() const { return address_; }

 private:
  using StatusStream =
      WatchStream<ims::iq::v1::WatchStatusRequest, ims::iq::v1::WatchStatusResponse>;
  using NotificationStream =
      WatchStream<ims::iq::v1::WatchNotificationsRequest, ims::iq::v1::WatchNotificationsResponse>;

  // One stream between its ends and beginnings.
  template <typename Stream>
  struct Watch {
    std::shared_ptr<Stream> stream;  // Null while there is none.
    absl::Time due = absl::InfinitePast();
    absl::Duration backoff = absl::ZeroDuration();
  };

  void OpenStatusStream() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OpenNotificationStream() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void OnStatus(const ims::iq::v1::GatewayStatus& status);
  void OnStatusEnd(const absl::Status& status);
  void OnNotification(const ims::iq::v1::WatchNotificationsResponse& response);
  void OnNotificationEnd(const absl::Status& status);

  // Without the lock, which `changed_` must not find held; `Close()` waits for it.
  void TellEnd();

  template <typename Stream>
  static void ScheduleNext(Watch<Stream>& watch);

  const std::string address_;
  const std::shared_ptr<ims::iq::v1::MediaGatewayService::Stub> stub_;
  const std::shared_ptr<MediaGateway> media_gateway_;
  const std::shared_ptr<Metrics> metrics_;
  const std::function<void()> changed_;

  mutable common::Mutex mutex_;
  std::condition_variable_any end_told_;
  int ends_being_told_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  Watch<StatusStream> status_ ABSL_GUARDED_BY(mutex_);
  Watch<NotificationStream> notifications_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const GatewayInfo> info_ ABSL_GUARDED_BY(mutex_);
  bool reachable_ ABSL_GUARDED_BY(mutex_) = false;
  bool failure_logged_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t last_sequence_number_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_GATEWAY_LINK_H_
