#include "common/name_resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace common {
namespace {

absl::optional<IpAddress> ToIpAddress(const addrinfo& entry) {
  if (entry.ai_family == AF_INET) {
    const auto* address = reinterpret_cast<const sockaddr_in*>(entry.ai_addr);
    return IpAddress::FromBytes(
        {reinterpret_cast<const uint8_t*>(&address->sin_addr), sizeof(address->sin_addr)});
  }
  if (entry.ai_family == AF_INET6) {
    const auto* address = reinterpret_cast<const sockaddr_in6*>(entry.ai_addr);
    return IpAddress::FromBytes(
        {reinterpret_cast<const uint8_t*>(&address->sin6_addr), sizeof(address->sin6_addr)});
  }
  return absl::nullopt;
}

}  // namespace

absl::StatusOr<HostPort> ParseHostPort(absl::string_view text) {
  const absl::Status error =
      absl::InvalidArgumentError(absl::StrCat("\"", text, "\" is not HOST:PORT or [IPv6]:PORT"));
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return error;
  absl::string_view host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != absl::string_view::npos) {
    return error;
  }
  uint32_t port;
  if (host.empty() || !absl::SimpleAtoi(text.substr(colon + 1), &port) || port < 1 ||
      port > 65535) {
    return error;
  }
  return HostPort{std::string(host), static_cast<uint16_t>(port)};
}

absl::StatusOr<std::vector<IpAddress>> ResolveWithSystem(const std::string& host) {
  addrinfo hints = {};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* entries = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &entries);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat(host, ": ", gai_strerror(error)));
  }
  absl::Cleanup free_entries = [entries] { freeaddrinfo(entries); };
  std::vector<IpAddress> addresses;
  for (const addrinfo* entry = entries; entry != nullptr; entry = entry->ai_next) {
    absl::optional<IpAddress> address = ToIpAddress(*entry);
    if (address.has_value() &&
        std::find(addresses.begin(), addresses.end(), *address) == addresses.end()) {
      addresses.push_back(*address);
    }
  }
  return addresses;
}

}  // namespace common
