#include "agw-service/net/socket.h"

#include <linux/sockios.h>
#include <linux/tcp.h>  // Has more of tcp_info than <netinet/tcp.h>.
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "common/check.h"
#include "common/status_macros.h"

namespace agw {
namespace {

using common::IpAddress;
using common::TransportAddress;

absl::Status ErrnoStatus(int error, absl::string_view call) {
  absl::StatusCode code = absl::StatusCode::kInternal;
  switch (error) {
    case ECONNRESET:
    case ECONNREFUSED:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
      code = absl::StatusCode::kUnavailable;
      break;
    case ETIMEDOUT:
      code = absl::StatusCode::kDeadlineExceeded;
      break;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EACCES:
    case EPERM:
      code = absl::StatusCode::kNotFound;
      break;
    case EADDRINUSE:
    case EADDRNOTAVAIL:
      code = absl::StatusCode::kAlreadyExists;
      break;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      code = absl::StatusCode::kResourceExhausted;
      break;
    default:
      break;
  }
  return absl::Status(code, absl::StrCat(call, ": ", std::strerror(error)));
}

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

SocketAddress ToSocketAddress(const TransportAddress& address) {
  SocketAddress result;
  if (address.ip.is_ipv4()) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    std::memcpy(&v4->sin_addr, address.ip.bytes().data(), 4);
    result.size = sizeof(*v4);
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    std::memcpy(&v6->sin6_addr, address.ip.bytes().data(), 16);
    result.size = sizeof(*v6);
  }
  return result;
}

TransportAddress FromSocketAddress(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    const auto* bytes = reinterpret_cast<const uint8_t*>(&v4->sin_addr);
    return {IpAddress::FromBytes({bytes, 4}), ntohs(v4->sin_port)};
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
  return {IpAddress::FromBytes({v6->sin6_addr.s6_addr, 16}), ntohs(v6->sin6_port)};
}

void SetOption(int fd, int level, int name, int value) {
  CHECK(setsockopt(fd, level, name, &value, sizeof(value)) == 0);
}

}  // namespace

absl::StatusOr<OwnedFd> BindTcp(const TransportAddress& local, const SocketOptions& options) {
  const int family = local.ip.is_ipv4() ? AF_INET : AF_INET6;
  OwnedFd fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return ErrnoStatus(errno, "socket");
  // A connection of the port's last user may still be in TIME_WAIT.
  SetOption(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (local.ip.is_ipv6()) SetOption(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (options.dscp.has_value()) SetDscp(fd.get(), local.ip, *options.dscp);
  SocketAddress address = ToSocketAddress(local);
  if (bind(fd.get(), address.get(), address.size) != 0) {
    return ErrnoStatus(errno, absl::StrCat("bind ", local.ToString()));
  }
  return fd;
}

void SetDscp(int fd, const common::IpAddress& local_ip, uint8_t dscp) {
  // The two bits below are those of ECN, which belong to TCP.
  const int traffic_class = dscp << 2;
  if (local_ip.is_ipv4()) {
    SetOption(fd, IPPROTO_IP, IP_TOS, traffic_class);
  } else {
    SetOption(fd, IPPROTO_IPV6, IPV6_TCLASS, traffic_class);
  }
}

absl::Status Listen(int fd, int backlog) {
  if (listen(fd, backlog) != 0) return ErrnoStatus(errno, "listen");
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<Accepted>> Accept(int fd) {
  SocketAddress remote;
  remote.size = sizeof(remote.storage);
  OwnedFd accepted(accept4(fd, remote.get(), &remote.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!accepted) {
    const int error = errno;
    switch (error) {
      case EAGAIN:
      case EINTR:
      // A peer that has gone again before it was accepted is no failure of ours, and neither are
      // errors of the network, which Linux tells here.
      case ECONNABORTED:
      case EPERM:
      case EPROTO:
      case ENOPROTOOPT:
      case EOPNOTSUPP:
      case ENETDOWN:
      case ENETUNREACH:
      case EHOSTDOWN:
      case EHOSTUNREACH:
      case ENONET:
        return absl::optional<Accepted>();
      default:
        break;
    }
    return ErrnoStatus(error, "accept");
  }
  return absl::optional<Accepted>(Accepted{std::move(accepted), FromSocketAddress(remote)});
}

absl::Status StartConnect(int fd, const TransportAddress& remote) {
  SocketAddress address = ToSocketAddress(remote);
  if (connect(fd, address.get(), address.size) == 0 || errno == EINPROGRESS || errno == EINTR) {
    return absl::OkStatus();
  }
  return ErrnoStatus(errno, absl::StrCat("connect ", remote.ToString()));
}

absl::Status TakeSocketError(int fd) {
  int error = 0;
  socklen_t size = sizeof(error);
  CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0);
  return error == 0 ? absl::OkStatus() : ErrnoStatus(error, "connection");
}

absl::StatusOr<RecvResult> Recv(int fd, absl::Span<char> buffer) {
  const ssize_t count = recv(fd, buffer.data(), buffer.size(), 0);
  if (count > 0) return RecvResult{.byte_count = static_cast<size_t>(count)};
  if (count == 0) return RecvResult{.end_of_stream = true};
  const int error = errno;
  if (error == EAGAIN || error == EINTR) return RecvResult{.would_block = true};
  return ErrnoStatus(error, "recv");
}

absl::StatusOr<size_t> Send(int fd, absl::Span<const char> bytes) {
  const ssize_t count = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return static_cast<size_t>(count);
  const int error = errno;
  if (error == EAGAIN || error == EINTR) return 0u;
  return ErrnoStatus(error, "send");
}

absl::Status ShutdownWrite(int fd) {
  if (shutdown(fd, SHUT_WR) != 0) return ErrnoStatus(errno, "shutdown");
  return absl::OkStatus();
}

void SetResetOnClose(int fd) {
  const linger reset{.l_onoff = 1, .l_linger = 0};
  CHECK(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0);
}

void SetNoDelay(int fd) { SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1); }

void SetPeerLossTimes(int fd, const PeerLossTimes& times) {
  const auto idle = static_cast<int>(absl::ToInt64Seconds(times.keep_alive_idle));
  const auto interval = static_cast<int>(absl::ToInt64Seconds(times.keep_alive_interval));
  SetOption(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle);
  SetOption(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval);
  // TCP_KEEPCNT plays no part: on Linux the user timeout decides for keep-alives, too.
  SetOption(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
            static_cast<int>(absl::ToInt64Milliseconds(times.loss_time)));
}

uint64_t AcknowledgedByteCount(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  CHECK(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0);
  return info.tcpi_bytes_acked;
}

absl::StatusOr<TransportAddress> LocalAddress(int fd) {
  SocketAddress address;
  address.size = sizeof(address.storage);
  if (getsockname(fd, address.get(), &address.size) != 0) return ErrnoStatus(errno, "getsockname");
  return FromSocketAddress(address);
}

bool HasBytesInFlight(int fd) {
  int unread = 0;
  int unacknowledged = 0;
  ioctl(fd, SIOCINQ, &unread);
  ioctl(fd, SIOCOUTQ, &unacknowledged);
  return unread > 0 || unacknowledged > 0;
}

}  // namespace agw
