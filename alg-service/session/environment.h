// What every procedure works with.

#ifndef ALG_SERVICE_SESSION_ENVIRONMENT_H_
#define ALG_SERVICE_SESSION_ENVIRONMENT_H_

#include <atomic>
#include <memory>
#include <string>

#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/session/session_cache.h"
#include "alg-service/session/session_policy.h"

namespace alg {

// Ids no other replica, and no other run of this one, gives: a transaction is repeated by the
// transport only. A repeated request of a network function is noticed by what is reserved already.
// Thread-safe.
class TransactionIds {
 public:
  TransactionIds();
  std::string Next();

 private:
  const std::string prefix_;
  std::atomic<uint64_t> count_{0};
};

// Shared by all requests; lives until the last of them has ended. Thread-safe.
struct Environment {
  Environment(std::shared_ptr<const GatewayDirectory> directory, SessionPolicy policy,
              size_t cache_capacity);

  const std::shared_ptr<const GatewayDirectory> directory;
  const SessionPolicy policy;
  SessionCache cache;
  TransactionIds transaction_ids;
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_ENVIRONMENT_H_
