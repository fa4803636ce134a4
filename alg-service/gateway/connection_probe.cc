#include "alg-service/gateway/connection_probe.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace alg {
namespace {

int StartConnecting(int fd, const common::TransportAddress& address) {
  const auto bytes = address.ip.bytes();
  if (address.ip.is_ipv4()) {
    sockaddr_in ipv4 = {};
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(address.port);
    std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(&ipv4.sin_addr));
    return connect(fd, reinterpret_cast<const sockaddr*>(&ipv4), sizeof(ipv4));
  }
  sockaddr_in6 ipv6 = {};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(address.port);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(&ipv6.sin6_addr));
  return connect(fd, reinterpret_cast<const sockaddr*>(&ipv6), sizeof(ipv6));
}

}  // namespace

ConnectionProbe::ConnectionProbe(const common::TransportAddress& address)
    : fd_(socket(address.ip.is_ipv4() ? AF_INET : AF_INET6,
                 SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  if (fd_ < 0) {
    End(errno);
  } else if (StartConnecting(fd_, address) == 0) {
    End(0);
  } else if (errno != EINPROGRESS) {
    End(errno);
  }
}

ConnectionProbe::~ConnectionProbe() {
  if (fd_ >= 0) close(fd_);
}

ConnectionProbe::Result ConnectionProbe::Poll() {
  if (result_ != Result::kPending) return result_;
  pollfd entry = {fd_, POLLOUT, 0};
  if (poll(&entry, 1, 0) <= 0) return result_;
  int error = 0;
  socklen_t size = sizeof(error);
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  End(error);
  return result_;
}

void ConnectionProbe::End(int error) {
  result_ = error == 0              ? Result::kAccepted
            : error == ECONNREFUSED ? Result::kRefused
                                    : Result::kFailed;
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

}  // namespace alg
