// Where a session lives: which IMS-AGW, which run of it, which context.

#ifndef ALG_SERVICE_SESSION_SESSION_ID_H_
#define ALG_SERVICE_SESSION_SESSION_ID_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace alg {

// The session id of the API, in its parts: "instance~incarnation~context". A value.
struct SessionId {
  std::string instance_id;
  std::string incarnation;
  std::string context_id;

  // `kInvalidArgument` (FIELD_INVALID, field "session_id") for what `ToString()` cannot have made.
  static absl::StatusOr<SessionId> Parse(absl::string_view text);

  std::string ToString() const;
};

// What the same request leads to on every replica and at every repetition.
struct RequestKey {
  // The context to reserve: 32 hexadecimal digits.
  std::string context_id;

  // Spreads requests over IMS-AGWs.
  uint64_t hash = 0;
};
RequestKey MakeRequestKey(absl::string_view request_id);

// 64 bits of FNV-1a: the same on every replica, which absl::Hash is not.
uint64_t StableHash(absl::string_view text, uint64_t seed);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_SESSION_ID_H_
