#include "alg-service/session/session_resources.h"

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"

namespace alg {

UniqueIds::UniqueIds()
    : prefix_(absl::StrCat(absl::Hex(absl::Uniform<uint64_t>(absl::BitGen()), absl::kZeroPad16),
                           "-")) {}

std::string UniqueIds::Next() {
  return absl::StrCat(prefix_, count_.fetch_add(1, std::memory_order_relaxed));
}

}  // namespace alg
