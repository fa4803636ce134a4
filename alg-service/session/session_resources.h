// What every procedure works with.

#ifndef ALG_SERVICE_SESSION_SESSION_RESOURCES_H_
#define ALG_SERVICE_SESSION_SESSION_RESOURCES_H_

#include <atomic>
#include <memory>
#include <string>

#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/metrics.h"
#include "alg-service/session/running_procedures.h"
#include "alg-service/session/session_cache.h"
#include "alg-service/session/session_policy.h"
#include "alg-service/session/timers.h"

namespace alg {

// Gives ids that no other replica gives, and no other run of this one. They name transactions,
// which only the transport repeats, and the runs of ProcessOffer. That a network function repeats a
// request is noticed by what is reserved already. Thread-safe.
class UniqueIds {
 public:
  UniqueIds();
  std::string Next();

 private:
  const std::string prefix_;
  std::atomic<uint64_t> count_{0};
};

// Shared by all requests; each keeps it until it has ended. Thread-safe.
struct SessionResources {
  const std::shared_ptr<const GatewayDirectory> directory;
  const SessionPolicy policy;
  const std::shared_ptr<Metrics> metrics;
  const std::shared_ptr<Timers> timers;
  SessionCache cache;
  UniqueIds ids;
  const std::shared_ptr<RunningProcedures> running = std::make_shared<RunningProcedures>();
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_SESSION_RESOURCES_H_
