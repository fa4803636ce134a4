// The streaming calls of Iq: notifications and status.

#ifndef AGW_SERVICE_CONTROL_GATEWAY_STREAMS_H_
#define AGW_SERVICE_CONTROL_GATEWAY_STREAMS_H_

#include <condition_variable>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "agw-service/control/gateway_state.h"
#include "agw-service/control/notification_log.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"
#include "grpcpp/support/server_callback.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace agw {

// The calls under way; a thread of its own sends the status when it is time. Thread-safe. Outlives
// the calls, so the gRPC server is stopped first.
class GatewayStreams {
 public:
  // What is referred to outlives this.
  GatewayStreams(const GatewayState& state, NotificationLog& log);
  ~GatewayStreams();

  GatewayStreams(const GatewayStreams&) = delete;
  GatewayStreams& operator=(const GatewayStreams&) = delete;

  // `after_sequence_number` is of this incarnation.
  grpc::ServerWriteReactor<ims::iq::v1::WatchNotificationsResponse>* WatchNotifications(
      uint64_t after_sequence_number);

  grpc::ServerWriteReactor<ims::iq::v1::WatchStatusResponse>* WatchStatus(absl::Duration interval);

  // Sends the status at once to all who watch it.
  void PushStatus();

  // Ends all calls, those that are still to come too, with UNAVAILABLE.
  void CloseAll();

 private:
  class NotificationStream;
  class StatusStream;

  void Run();

  const GatewayState& state_;
  NotificationLog& log_;

  common::Mutex mutex_;
  std::condition_variable_any changed_;
  absl::flat_hash_set<NotificationStream*> notification_streams_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<StatusStream*, common::MonotonicTime> status_due_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_GATEWAY_STREAMS_H_
