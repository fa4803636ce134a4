// IP prefixes as values.

#ifndef COMMON_IP_PREFIX_H_
#define COMMON_IP_PREFIX_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/ip_address.h"

namespace common {

// All addresses that share their first `length` bits with `ip`.
struct IpPrefix {
  IpAddress ip;
  uint8_t length = 0;  // 0 to 32, or 0 to 128.

  // Reads "192.0.2.0/24" or "2001:db8::/32"; an address alone stands for itself. Bits behind the
  // length must be 0: whoever writes others means something else. `kInvalidArgument`.
  static absl::StatusOr<IpPrefix> Parse(absl::string_view text);

  bool Contains(const IpAddress& address) const;
};

}  // namespace common

#endif  // COMMON_IP_PREFIX_H_
