// All IMS-AGWs of the configuration.

#ifndef ALG_SERVICE_GATEWAY_GATEWAY_POOL_H_
#define ALG_SERVICE_GATEWAY_GATEWAY_POOL_H_

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/gateway/gateway_link.h"
#include "alg-service/gateway/gateway_table.h"
#include "alg-service/gateway/notification_sink.h"
#include "alg-service/gateway/notification_watch.h"
#include "alg-service/metrics.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"
#include "common/name_resolver.h"
#include "grpcpp/channel.h"

namespace alg {

// Looks the names up again and again, has a link to each address behind them, and hands on what
// the IMS-AGWs notify.
//
// A link outlives the name's hold on its address as long as it leads to an IMS-AGW that is not
// lost: a draining IMS-AGW leaves DNS while its sessions live, and one answer of DNS may be
// incomplete.
//
// Two threads of its own: one asks the resolver, which may block, and one does the rest.
// Thread-safe.
class GatewayPool : public GatewayDirectory {
 public:
  // A channel to `address`, an address of the host of `target`.
  using ChannelFactory = std::function<absl::StatusOr<std::shared_ptr<grpc::Channel>>(
      const common::HostPort& target, const common::TransportAddress& address)>;

  struct Options {
    std::vector<common::HostPort> targets;

    // How often the names are looked up.
    absl::Duration resolve_interval = absl::Seconds(10);

    // How often each IMS-AGW is to tell its status. One that says nothing for twice as long gets no
    // new sessions.
    absl::Duration status_interval = absl::Seconds(2);

    // For how long an IMS-AGW may be silent until it is taken for lost.
    absl::Duration lost_after = absl::Minutes(1);
  };

  // The resolver and the factory are called on threads of the pool.
  GatewayPool(Options options, common::NameResolver resolver, ChannelFactory channel_factory,
              std::shared_ptr<NotificationSink> sink, std::shared_ptr<Metrics> metrics);

  // Waits for the resolver, if it is at work. The sink is not called any more afterwards.
  ~GatewayPool() override;

  std::vector<Gateway> Reachable() const override;
  absl::StatusOr<Gateway> Find(absl::string_view instance_id,
                               absl::string_view incarnation) const override;

  // OK if at least one IMS-AGW can be reached, else `kUnavailable`.
  absl::Status Ready() const;

  // True as soon as that is so; false if it is not by `deadline`.
  bool WaitUntilReady(common::MonotonicTime deadline) const;

 private:
  struct Target {
    common::HostPort host_port;
    common::TransportAddress address;
  };
  using Targets = std::map<std::string, Target>;  // By address.

  void RunResolver();
  Targets Resolve();

  void RunLinks();
  void UpdateLinks(const Targets& targets);
  common::MonotonicTime MaintainLinks(common::MonotonicTime now);
  void UpdateTable(common::MonotonicTime now);
  common::MonotonicTime MaintainNotifications(common::MonotonicTime now);
  void Wake();

  const Options options_;
  const common::NameResolver resolver_;
  const ChannelFactory channel_factory_;
  const std::shared_ptr<NotificationSink> sink_;
  const std::shared_ptr<Metrics> metrics_;

  // Of the thread that resolves: the last answer, by host.
  std::map<std::string, std::vector<common::IpAddress>> resolved_;

  // Of the thread that has the links. By address, and by IMS-AGW.
  std::map<std::string, std::unique_ptr<GatewayLink>> links_;
  std::map<GatewayId, std::unique_ptr<NotificationWatch>> notifications_;

  mutable common::Mutex mutex_;
  std::condition_variable_any wake_;             // A thread of the pool has something to do.
  mutable std::condition_variable_any changed_;  // The table has changed.
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  absl::optional<Targets> new_targets_ ABSL_GUARDED_BY(mutex_);  // Not taken over yet.
  mutable GatewayTable table_ ABSL_GUARDED_BY(mutex_);           // Remembers who was asked for.

  std::thread resolver_thread_;
  std::thread links_thread_;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_GATEWAY_POOL_H_
