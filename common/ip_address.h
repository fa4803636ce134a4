// IP addresses and transport addresses as values.

#ifndef COMMON_IP_ADDRESS_H_
#define COMMON_IP_ADDRESS_H_

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace common {

// An IPv4 or IPv6 address. A value; 17 bytes. The default is the IPv4 address 0.0.0.0.
class IpAddress {
 public:
  IpAddress() = default;

  // From 4 octets (IPv4) or 16 (IPv6), in network order. Ends the process for another size.
  static IpAddress FromBytes(absl::Span<const uint8_t> bytes);

  // Reads "192.0.2.1" or "2001:db8::1". No brackets, no zone, no leading zeros, no host names:
  // `kInvalidArgument`.
  static absl::StatusOr<IpAddress> Parse(absl::string_view text);

  bool is_ipv4() const { return is_ipv4_; }
  bool is_ipv6() const { return !is_ipv4_; }

  // In network order; valid while the address lives.
  absl::Span<const uint8_t> bytes() const { return {bytes_.data(), is_ipv4_ ? 4u : 16u}; }

  bool IsUnspecified() const;  // 0.0.0.0/8, ::
  bool IsLoopback() const;     // 127.0.0.0/8, ::1
  bool IsMulticast() const;    // 224.0.0.0/4, ff00::/8
  bool IsLinkLocal() const;    // 169.254.0.0/16, fe80::/10
  bool IsIpv4Mapped() const;   // ::ffff:0:0/96, and the deprecated ::/96
  bool IsReserved() const;     // 240.0.0.0/4, which has 255.255.255.255

  // The canonical form of RFC 5952 for IPv6.
  std::string ToString() const;

  friend bool operator==(const IpAddress& a, const IpAddress& b) {
    return a.is_ipv4_ == b.is_ipv4_ && a.bytes_ == b.bytes_;
  }
  friend bool operator!=(const IpAddress& a, const IpAddress& b) { return !(a == b); }
  template <typename H>
  friend H AbslHashValue(H h, const IpAddress& address) {
    return H::combine(std::move(h), address.is_ipv4_, address.bytes_);
  }

 private:
  std::array<uint8_t, 16> bytes_{};
  bool is_ipv4_ = true;
};

// An IP address with a TCP port. Port 0 means that it is not known, or any.
struct TransportAddress {
  IpAddress ip;
  uint16_t port = 0;

  // Reads "192.0.2.1:5060" or "[2001:db8::1]:5060".
  static absl::StatusOr<TransportAddress> Parse(absl::string_view text);

  std::string ToString() const;

  friend bool operator==(const TransportAddress& a, const TransportAddress& b) {
    return a.ip == b.ip && a.port == b.port;
  }
  friend bool operator!=(const TransportAddress& a, const TransportAddress& b) { return !(a == b); }
  template <typename H>
  friend H AbslHashValue(H h, const TransportAddress& address) {
    return H::combine(std::move(h), address.ip, address.port);
  }
};

}  // namespace common

#endif  // COMMON_IP_ADDRESS_H_
