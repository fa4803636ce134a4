#include "common/ip_prefix.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace common {
namespace {

// Of the octet at `index`, the bits that belong to the first `length`.
uint8_t MaskOf(size_t index, size_t length) {
  const size_t bits = length > 8 * index ? std::min<size_t>(8, length - 8 * index) : 0;
  return static_cast<uint8_t>(0xff00u >> bits);
}

}  // namespace

absl::StatusOr<IpPrefix> IpPrefix::Parse(absl::string_view text) {
  const size_t slash = text.find('/');
  IpPrefix prefix;
  ASSIGN_OR_RETURN(prefix.ip, IpAddress::Parse(text.substr(0, slash)));
  const size_t bit_count = 8 * prefix.ip.bytes().size();
  uint32_t length = static_cast<uint32_t>(bit_count);
  if (slash != absl::string_view::npos &&
      (!absl::SimpleAtoi(text.substr(slash + 1), &length) || length > bit_count)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the length of \"", text, "\" is not from 0 to ", bit_count));
  }
  prefix.length = static_cast<uint8_t>(length);
  for (size_t i = 0; i < prefix.ip.bytes().size(); ++i) {
    if ((prefix.ip.bytes()[i] & ~MaskOf(i, length)) != 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", text, "\" has bits behind its length that are not 0"));
    }
  }
  return prefix;
}

bool IpPrefix::Contains(const IpAddress& address) const {
  if (address.is_ipv4() != ip.is_ipv4()) return false;
  for (size_t i = 0; i < ip.bytes().size(); ++i) {
    if (((address.bytes()[i] ^ ip.bytes()[i]) & MaskOf(i, length)) != 0) return false;
  }
  return true;
}

}  // namespace common
