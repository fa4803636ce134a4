// A TCP connection over loopback, both ends of it.

#ifndef AGW_SERVICE_TLS_TESTING_CONNECTED_SOCKETS_H_
#define AGW_SERVICE_TLS_TESTING_CONNECTED_SOCKETS_H_

#include <poll.h>

#include <utility>

#include "absl/types/optional.h"
#include "agw-service/net/owned_fd.h"
#include "agw-service/net/socket.h"
#include "common/check.h"
#include "common/ip_address.h"

namespace agw {

struct ConnectedSockets {
  OwnedFd connected;
  OwnedFd accepted;
};

inline void WaitFor(int fd, short events) {
  pollfd entry = {.fd = fd, .events = events, .revents = 0};
  CHECK(::poll(&entry, 1, 10'000) == 1);
}

inline OwnedFd ListenOnLoopback() {
  absl::StatusOr<OwnedFd> fd = BindTcp(*common::TransportAddress::Parse("127.0.0.1:0"));
  CHECK(fd.ok() && Listen(fd->get(), 8).ok());
  return *std::move(fd);
}

inline OwnedFd AcceptOne(int listener) {
  WaitFor(listener, POLLIN);
  absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener);
  CHECK(accepted.ok() && accepted->has_value());
  return std::move((*accepted)->fd);
}

inline ConnectedSockets ConnectSockets() {
  const OwnedFd listener = ListenOnLoopback();
  absl::StatusOr<OwnedFd> fd = BindTcp(*common::TransportAddress::Parse("127.0.0.1:0"));
  CHECK(fd.ok() && StartConnect(fd->get(), *LocalAddress(listener.get())).ok());
  ConnectedSockets sockets;
  sockets.connected = *std::move(fd);
  sockets.accepted = AcceptOne(listener.get());
  WaitFor(sockets.connected.get(), POLLOUT);
  return sockets;
}

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TESTING_CONNECTED_SOCKETS_H_
