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
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/gateway/gateway_link.h"
#include "alg-service/gateway/name_resolver.h"
#include "alg-service/metrics.h"
#include "common/mutex.h"
#include "grpcpp/channel.h"

namespace alg {

// Looks the names up again and again and has a link to each address behind them. A link goes when
// no name stands for its address any more; as long as a look-up fails the links stay. Thread-safe.
class GatewayPool : public GatewayDirectory {
 public:
  // A channel to `address`, an address of the host of `target`.
  using ChannelFactory = std::function<absl::StatusOr<std::shared_ptr<grpc::Channel>>(
      const HostPort& target, const common::TransportAddress& address)>;

  struct Options {
    std::vector<HostPort> targets;
    absl::Duration resolve_interval = absl::Seconds(10);
  };

  // The resolver and the factory are called on a thread of the pool's own.
  GatewayPool(Options options, NameResolver resolver, ChannelFactory channel_factory,
              std::shared_ptr<Metrics> metrics);

  // Waits for the resolver, if it is at work.
  ~GatewayPool() override;

  std::vector<Gateway> Reachable() const override;
  absl::StatusOr<Gateway> Find(absl::string_view instance_id,
                               absl::string_view incarnation) const override;

  // OK if at least one IMS-AGW can be reached, else `kUnavailable`.
  absl::Status Ready() const;

  // True as soon as that is so; false if it is not by `deadline`.
  bool WaitUntilReady(absl::Time deadline);

 private:
  using Links = std::map<std::string, std::shared_ptr<GatewayLink>>;  // By address.

  void Run();
  void Resolve();
  void CountStates();
  Links links() const;

  const Options options_;
  const NameResolver resolver_;
  const ChannelFactory channel_factory_;
  const std::shared_ptr<Metrics> metrics_;

  // Of the pool's thread.
  std::map<std::string, std::vector<common::IpAddress>> resolved_;  // By host.

  mutable common::Mutex mutex_;
  std::condition_variable_any wake_;     // The pool's thread has something to do.
  std::condition_variable_any changed_;  // A link has come or gone.
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool resolved_once_ ABSL_GUARDED_BY(mutex_) = false;
  Links links_ ABSL_GUARDED_BY(mutex_);

  std::thread thread_;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_GATEWAY_POOL_H_
