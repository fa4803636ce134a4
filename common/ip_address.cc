#include "common/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/check.h"
#include "common/status_macros.h"

namespace common {

IpAddress IpAddress::FromBytes(absl::Span<const uint8_t> bytes) {
  CHECK(bytes.size() == 4 || bytes.size() == 16);
  IpAddress address;
  address.is_ipv4_ = bytes.size() == 4;
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

absl::StatusOr<IpAddress> IpAddress::Parse(absl::string_view text) {
  const std::string copy(text);  // inet_pton() wants a terminated string.
  uint8_t bytes[16];
  if (copy.find('\0') == std::string::npos) {
    if (inet_pton(AF_INET, copy.c_str(), bytes) == 1) return FromBytes({bytes, 4});
    if (inet_pton(AF_INET6, copy.c_str(), bytes) == 1) return FromBytes({bytes, 16});
  }
  return absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not an IP address"));
}

bool IpAddress::IsUnspecified() const {
  if (is_ipv4_) return bytes_[0] == 0;
  return std::all_of(bytes_.begin(), bytes_.end(), [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::IsLoopback() const {
  if (is_ipv4_) return bytes_[0] == 127;
  return bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.begin() + 15, [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::IsMulticast() const { return is_ipv4_ ? bytes_[0] >> 4 == 14 : bytes_[0] == 0xff; }

bool IpAddress::IsLinkLocal() const {
  if (is_ipv4_) return bytes_[0] == 169 && bytes_[1] == 254;
  return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::IsIpv4Mapped() const {
  if (is_ipv4_ || IsUnspecified() || IsLoopback()) return false;
  if (!std::all_of(bytes_.begin(), bytes_.begin() + 10, [](uint8_t byte) { return byte == 0; })) {
    return false;
  }
  return (bytes_[10] == 0xff && bytes_[11] == 0xff) || (bytes_[10] == 0 && bytes_[11] == 0);
}

bool IpAddress::IsReserved() const { return is_ipv4_ && bytes_[0] >= 240; }

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN];
  CHECK(inet_ntop(is_ipv4_ ? AF_INET : AF_INET6, bytes_.data(), text, sizeof(text)) != nullptr);
  return text;
}

absl::StatusOr<TransportAddress> TransportAddress::Parse(absl::string_view text) {
  const size_t colon = text.rfind(':');
  uint32_t port = 0;
  if (colon == absl::string_view::npos || !absl::SimpleAtoi(text.substr(colon + 1), &port) ||
      port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" is not of the form IP:PORT or [IP]:PORT"));
  }
  absl::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  TransportAddress address;
  ASSIGN_OR_RETURN(address.ip, IpAddress::Parse(host));
  if (address.ip.is_ipv6() != bracketed) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\": an IPv6 address, and no other, stands in brackets"));
  }
  address.port = static_cast<uint16_t>(port);
  return address;
}

std::string TransportAddress::ToString() const {
  return ip.is_ipv4() ? absl::StrCat(ip.ToString(), ":", port)
                      : absl::StrCat("[", ip.ToString(), "]:", port);
}

}  // namespace common
