#include "tests/peers/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/check.h"

namespace peers {
namespace {

absl::Status ErrnoStatus(int error, absl::string_view what) {
  return absl::ErrnoToStatus(error, what);
}

socklen_t ToSockaddr(const common::TransportAddress& address, sockaddr_storage* storage) {
  std::memset(storage, 0, sizeof(*storage));
  const absl::Span<const uint8_t> bytes = address.ip.bytes();
  if (address.ip.is_ipv4()) {
    auto* ipv4 = reinterpret_cast<sockaddr_in*>(storage);
    ipv4->sin_family = AF_INET;
    ipv4->sin_port = htons(address.port);
    std::memcpy(&ipv4->sin_addr, bytes.data(), bytes.size());
    return sizeof(*ipv4);
  }
  auto* ipv6 = reinterpret_cast<sockaddr_in6*>(storage);
  ipv6->sin6_family = AF_INET6;
  ipv6->sin6_port = htons(address.port);
  std::memcpy(&ipv6->sin6_addr, bytes.data(), bytes.size());
  return sizeof(*ipv6);
}

common::TransportAddress FromSockaddr(const sockaddr_storage& storage) {
  common::TransportAddress address;
  if (storage.ss_family == AF_INET) {
    const auto& ipv4 = reinterpret_cast<const sockaddr_in&>(storage);
    address.ip = common::IpAddress::FromBytes(
        {reinterpret_cast<const uint8_t*>(&ipv4.sin_addr), sizeof(ipv4.sin_addr)});
    address.port = ntohs(ipv4.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto& ipv6 = reinterpret_cast<const sockaddr_in6&>(storage);
    address.ip = common::IpAddress::FromBytes(
        {reinterpret_cast<const uint8_t*>(&ipv6.sin6_addr), sizeof(ipv6.sin6_addr)});
    address.port = ntohs(ipv6.sin6_port);
  }
  return address;
}

common::TransportAddress LocalAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  return FromSockaddr(storage);
}

bool WaitFor(int fd, int16_t events, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  while (true) {
    const absl::Duration left = std::max(absl::ZeroDuration(), deadline - absl::Now());
    const int result =
        poll(&entry, 1,
             static_cast<int>(absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)))));
    if (result > 0) return true;
    if (result == 0 || errno != EINTR) return false;
  }
}

absl::StatusOr<OwnedFd> NewBoundSocket(const common::TransportAddress& local) {
  OwnedFd fd(socket(local.ip.is_ipv4() ? AF_INET : AF_INET6,
                    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return ErrnoStatus(errno, "socket");
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  sockaddr_storage storage;
  const socklen_t size = ToSockaddr(local, &storage);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    return ErrnoStatus(errno, absl::StrCat("bind to ", local.ToString()));
  }
  return fd;
}

}  // namespace

OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) close(fd_);
    fd_ = other.release();
  }
  return *this;
}

OwnedFd::~OwnedFd() {
  if (fd_ >= 0) close(fd_);
}

int OwnedFd::release() { return std::exchange(fd_, -1); }

absl::string_view ToString(Ending ending) {
  switch (ending) {
    case Ending::kNone:
      return "still open";
    case Ending::kFin:
      return "FIN";
    case Ending::kCloseNotify:
      return "close_notify";
    case Ending::kReset:
      return "RST";
    case Ending::kTlsError:
      return "TLS error";
  }
  return "";
}

absl::StatusOr<Socket> Socket::StartConnect(const common::TransportAddress& local,
                                            const common::TransportAddress& remote) {
  absl::StatusOr<OwnedFd> fd = NewBoundSocket(local);
  if (!fd.ok()) return fd.status();
  sockaddr_storage storage;
  const socklen_t size = ToSockaddr(remote, &storage);
  if (connect(fd->get(), reinterpret_cast<sockaddr*>(&storage), size) != 0 &&
      errno != EINPROGRESS) {
    return ErrnoStatus(errno, absl::StrCat("connect to ", remote.ToString()));
  }
  return Socket(*std::move(fd));
}

absl::StatusOr<Socket> Socket::Connect(const common::TransportAddress& local,
                                       const common::TransportAddress& remote,
                                       absl::Duration timeout) {
  absl::StatusOr<Socket> socket = StartConnect(local, remote);
  if (!socket.ok()) return socket;
  const absl::Status connected = socket->WaitConnected(timeout);
  if (!connected.ok()) return connected;
  return socket;
}

absl::Status Socket::WaitConnected(absl::Duration timeout) {
  if (!WaitFor(fd_.get(), POLLOUT, timeout)) return absl::DeadlineExceededError("no answer to SYN");
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return absl::UnavailableError(absl::StrCat("connect: ", std::strerror(error)));
  return absl::OkStatus();
}

bool Socket::WaitReadable(absl::Duration timeout) const {
  return WaitFor(fd_.get(), POLLIN | POLLRDHUP, timeout);
}

bool Socket::WaitWritable(absl::Duration timeout) const {
  return WaitFor(fd_.get(), POLLOUT, timeout);
}

Socket::ReadResult Socket::Read(char* buffer, size_t size) {
  const ssize_t count = recv(fd_.get(), buffer, size, 0);
  if (count > 0) return {.byte_count = static_cast<size_t>(count)};
  if (count == 0) return {.ending = Ending::kFin};
  if (errno == EAGAIN || errno == EINTR) return {};
  return {.ending = Ending::kReset};
}

long Socket::Write(absl::string_view bytes) {
  const ssize_t count = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (count >= 0) return count;
  return errno == EAGAIN || errno == EINTR ? 0 : -1;
}

void Socket::SetReceiveBuffer(int byte_count) {
  setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &byte_count, sizeof(byte_count));
}

void Socket::CloseWrite() { shutdown(fd_.get(), SHUT_WR); }

void Socket::Reset() {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
  Close();
}

common::TransportAddress Socket::local_address() const { return LocalAddress(fd_.get()); }

common::TransportAddress Socket::remote_address() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&storage), &size);
  return FromSockaddr(storage);
}

TcpFacts Socket::tcp_facts() const {
  tcp_info info{};
  socklen_t size = sizeof(info);
  getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &size);
  return {.established = info.tcpi_state == TCP_ESTABLISHED,
          .retransmission_count = info.tcpi_total_retrans};
}

absl::StatusOr<Listener> Listener::Listen(const common::TransportAddress& local) {
  absl::StatusOr<OwnedFd> fd = NewBoundSocket(local);
  if (!fd.ok()) return fd.status();
  if (listen(fd->get(), 1024) != 0) return ErrnoStatus(errno, "listen");
  return Listener(*std::move(fd));
}

absl::StatusOr<Socket> Listener::Accept(absl::Duration timeout) {
  if (!WaitFor(fd_.get(), POLLIN, timeout)) return absl::DeadlineExceededError("nobody connected");
  OwnedFd fd(accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd.get() < 0) return ErrnoStatus(errno, "accept");
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return Socket(std::move(fd));
}

bool Listener::StaysQuiet(absl::Duration time) const { return !WaitFor(fd_.get(), POLLIN, time); }

common::TransportAddress Listener::address() const { return LocalAddress(fd_.get()); }

absl::StatusOr<RefusingPort> RefusingPort::Bind(const common::IpAddress& ip) {
  absl::StatusOr<OwnedFd> fd = NewBoundSocket({.ip = ip, .port = 0});
  if (!fd.ok()) return fd.status();
  return RefusingPort(*std::move(fd));
}

common::TransportAddress RefusingPort::address() const { return LocalAddress(fd_.get()); }

common::TransportAddress At(absl::string_view text) {
  absl::StatusOr<common::TransportAddress> address = common::TransportAddress::Parse(text);
  CHECK(address.ok());
  return *address;
}

bool HasIpv6Loopback() { return Listener::Listen(At("[::1]:0")).ok(); }

}  // namespace peers
