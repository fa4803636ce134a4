// The connection to one address of an IMS-AGW, and what its status tells.

#ifndef ALG_SERVICE_GATEWAY_GATEWAY_LINK_H_
#define ALG_SERVICE_GATEWAY_GATEWAY_LINK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "alg-service/gateway/connection_probe.h"
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/gateway/link_state.h"
#include "alg-service/gateway/watch.h"
#include "alg-service/metrics.h"
#include "common/ip_address.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"
#include "grpcpp/channel.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"

namespace alg {

// What a status says to those who choose and plan.
GatewayInfo ToGatewayInfo(const ims::iq::v1::GatewayStatus& status);

// Follows the status of whatever IMS-AGW is behind the address. A stream that broke is opened
// again, and if it had shown an IMS-AGW, a probe tells whether anybody listens there still.
//
// `Maintain()` belongs to one thread; the rest is thread-safe.
class GatewayLink {
 public:
  // A status is asked for every `status_interval`; an IMS-AGW that says nothing for twice as long
  // is silent. `changed` is called, on gRPC's threads, whenever `Maintain()` should be called soon
  // or `state()` has changed.
  GatewayLink(const common::TransportAddress& address,
              const std::shared_ptr<grpc::Channel>& channel, absl::Duration status_interval,
              std::shared_ptr<Metrics> metrics, std::function<void()> changed);

  // Ends the stream and waits until `changed` is not called any more.
  ~GatewayLink();

  GatewayLink(const GatewayLink&) = delete;
  GatewayLink& operator=(const GatewayLink&) = delete;

  // Does what is due. Returns when to be called again.
  common::MonotonicTime Maintain(common::MonotonicTime now);

  LinkState state() const;

  // For the streams that others open.
  ims::iq::v1::MediaGatewayService::Stub& stub() const { return *stub_; }

 private:
  using StatusWatch = Watch<ims::iq::v1::WatchStatusRequest, ims::iq::v1::WatchStatusResponse>;

  void OpenStream(common::MonotonicTime now);
  void OnStatus(const ims::iq::v1::GatewayStatus& status);
  void OnStreamEnd(const absl::Status& status);

  // Returns when the probe should be looked at again.
  common::MonotonicTime LookAtProbe(common::MonotonicTime now);

  // Returns when the silence will have been too long.
  common::MonotonicTime CheckSilence(common::MonotonicTime now);
  void LogUnreachable(const char* reason, absl::string_view detail) const;

  const common::TransportAddress address_;
  const std::string address_text_;
  const absl::Duration status_interval_;
  const std::shared_ptr<ims::iq::v1::MediaGatewayService::Stub> stub_;
  const std::shared_ptr<Metrics> metrics_;
  const std::function<void()> changed_;

  // Of the thread that maintains.
  absl::optional<ConnectionProbe> probe_;
  common::MonotonicTime probe_end_;

  mutable common::Mutex mutex_;
  LinkState state_ ABSL_GUARDED_BY(mutex_);
  bool failure_logged_ ABSL_GUARDED_BY(mutex_) = false;  // Of the attempts to reach it at all.

  const std::shared_ptr<StatusWatch> status_watch_;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_GATEWAY_LINK_H_
