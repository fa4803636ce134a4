#include "alg-service/session/environment.h"

#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"

namespace alg {

TransactionIds::TransactionIds()
    : prefix_(absl::StrCat(absl::Hex(absl::Uniform<uint64_t>(absl::BitGen()), absl::kZeroPad16),
                           "-")) {}

std::string TransactionIds::Next() {
  return absl::StrCat(prefix_, count_.fetch_add(1, std::memory_order_relaxed));
}

Environment::Environment(std::shared_ptr<const GatewayDirectory> directory, SessionPolicy policy,
                         size_t cache_capacity)
    : directory(std::move(directory)), policy(std::move(policy)), cache(cache_capacity) {}

}  // namespace alg
