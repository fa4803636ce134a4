#include "alg-service/session/session_id.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/session/session_error.h"

namespace alg {
namespace {

constexpr size_t kLongestSessionId = 255;
constexpr size_t kLongestContextId = 64;

// The finalizer of MurmurHash3: FNV-1a alone leaves the high bits of short texts alike.
uint64_t Mix(uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccdu;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53u;
  return hash ^ (hash >> 33);
}

}  // namespace

absl::StatusOr<SessionId> SessionId::Parse(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, '~');
  if (text.size() > kLongestSessionId || parts.size() != 3 ||
      !std::all_of(parts.begin(), parts.end(), IsUsableGatewayName) ||
      parts[2].size() > kLongestContextId) {
    return FieldError(ims::alg::v1::ERROR_REASON_FIELD_INVALID, "session_id",
                      "is not a session id");
  }
  return SessionId{std::string(parts[0]), std::string(parts[1]), std::string(parts[2])};
}

std::string SessionId::ToString() const {
  return absl::StrCat(instance_id, "~", incarnation, "~", context_id);
}

uint64_t StableHash(absl::string_view text, uint64_t seed) {
  uint64_t hash = 0xcbf29ce484222325u ^ Mix(seed);
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001b3u;
  return Mix(hash);
}

RequestKey MakeRequestKey(absl::string_view request_id) {
  const uint64_t high = StableHash(request_id, 1);
  const uint64_t low = StableHash(request_id, 2);
  return {absl::StrCat(absl::Hex(high, absl::kZeroPad16), absl::Hex(low, absl::kZeroPad16)),
          StableHash(request_id, 3)};
}

}  // namespace alg
