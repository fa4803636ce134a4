#include "agw-service/net/testing/fake_kernel.h"

#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/check.h"

namespace agw {
namespace {

using common::IpAddress;
using common::TransportAddress;
using Kind = ShownDescriptor::Kind;

// Behind those that the real kernel gives to a test.
constexpr int kFirstDescriptor = 256;

thread_local FakeKernel* current = nullptr;

// As libc's functions return it.
template <typename Integer>
Integer Return(Integer result) {
  if (result >= 0) return result;
  errno = static_cast<int>(-result);
  return -1;
}

TransportAddress ToTransportAddress(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, address, sizeof(v4));
    return {IpAddress::FromBytes({reinterpret_cast<const uint8_t*>(&v4.sin_addr), 4}),
            ntohs(v4.sin_port)};
  }
  sockaddr_in6 v6;
  std::memcpy(&v6, address, sizeof(v6));
  return {IpAddress::FromBytes({v6.sin6_addr.s6_addr, 16}), ntohs(v6.sin6_port)};
}

void ToSocketAddress(const TransportAddress& address, sockaddr* out, unsigned* size) {
  if (address.ip.is_ipv4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.bytes().data(), 4);
    CHECK(*size >= sizeof(v4));
    std::memcpy(out, &v4, *size = sizeof(v4));
    return;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  std::memcpy(&v6.sin6_addr, address.ip.bytes().data(), 16);
  CHECK(*size >= sizeof(v6));
  std::memcpy(out, &v6, *size = sizeof(v6));
}

template <typename Value>
Value Read(const void* value, unsigned size) {
  CHECK(size >= sizeof(Value));
  Value result;
  std::memcpy(&result, value, sizeof(result));
  return result;
}

template <typename Value>
int Write(const Value& value, void* out, unsigned* size) {
  *size = std::min<unsigned>(*size, sizeof(value));
  std::memcpy(out, &value, *size);
  return 0;
}

Kind KindOf(const FakeSocket& socket) {
  switch (socket.state) {
    case FakeSocket::State::kListening:
      return Kind::kListening;
    case FakeSocket::State::kConnecting:
      return Kind::kConnecting;
    case FakeSocket::State::kConnected:
      return Kind::kConnected;
    case FakeSocket::State::kClosed:
      break;
  }
  return socket.remote.port == 0 ? Kind::kBound : Kind::kEnded;
}

}  // namespace

absl::Span<const int> PlausibleErrors(SystemCall call) {
  static constexpr int kSocket[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
  static constexpr int kBind[] = {EADDRINUSE, EADDRNOTAVAIL, EACCES, ENOMEM};
  static constexpr int kListen[] = {EADDRINUSE};
  static constexpr int kConnect[] = {ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL, ECONNREFUSED,
                                     EACCES,      EPERM,        ENOBUFS,       EAGAIN};
  static constexpr int kAccept[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM,   ECONNABORTED,
                                    EINTR,  EPERM,  EPROTO,  ENETDOWN, EHOSTUNREACH};
  static constexpr int kRecv[] = {EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, EHOSTUNREACH, ENOMEM};
  static constexpr int kSend[] = {EINTR,     EAGAIN,       ECONNRESET, EPIPE,
                                  ETIMEDOUT, EHOSTUNREACH, ENOBUFS,    ENOMEM};
  static constexpr int kShutdown[] = {ENOTCONN};
  static constexpr int kAttachFilter[] = {ENOMEM, ENOBUFS, EPERM};
  static constexpr int kWatch[] = {ENOMEM, ENOSPC};
  switch (call) {
    case SystemCall::kSocket:
      return kSocket;
    case SystemCall::kBind:
      return kBind;
    case SystemCall::kListen:
      return kListen;
    case SystemCall::kConnect:
      return kConnect;
    case SystemCall::kAccept:
      return kAccept;
    case SystemCall::kRecv:
      return kRecv;
    case SystemCall::kSend:
      return kSend;
    case SystemCall::kShutdown:
      return kShutdown;
    case SystemCall::kAttachFilter:
      return kAttachFilter;
    case SystemCall::kWatch:
      return kWatch;
  }
  CHECK(!"one of them");
  return {};
}

std::string ShownDescriptor::ToString() const {
  const char* const kKinds[] = {"bound", "listening", "connecting", "connected",
                                "ended", "epoll",     "eventfd"};
  std::string text = absl::StrCat(fd, " ", kKinds[static_cast<int>(kind)]);
  if (local.port != 0) absl::StrAppend(&text, " ", local.ToString());
  if (remote.port != 0) absl::StrAppend(&text, " -> ", remote.ToString());
  if (watched) absl::StrAppend(&text, ", watched");
  return text;
}

FakeKernel::FakeKernel() {
  CHECK(current == nullptr);
  current = this;
}

FakeKernel::~FakeKernel() { current = nullptr; }

FakeKernel* FakeKernel::Current() { return current; }

FakeKernel::Entry& FakeKernel::At(int fd) {
  const auto entry = entries_.find(fd);
  CHECK(entry != entries_.end());
  return entry->second;
}

FakeSocket& FakeKernel::SocketAt(int fd) {
  const Entry& entry = At(fd);
  CHECK(entry.socket != nullptr);
  return *entry.socket;
}

int FakeKernel::Add(Entry entry) {
  if (!entry.of_peer && descriptor_count_ >= descriptor_limit_) return -EMFILE;
  // The lowest one that is free.
  int fd = kFirstDescriptor;
  for (const auto& [taken, other] : entries_) {
    if (taken != fd) break;
    ++fd;
  }
  if (!entry.of_peer) ++descriptor_count_;
  entries_.emplace(fd, std::move(entry));
  return fd;
}

int FakeKernel::Fail(SystemCall call, const Entry& entry) {
  if (entry.of_peer) return 0;
  ++call_count_;
  const int error = failure_ ? failure_(call) : 0;
  const bool breaks = error == ECONNRESET || error == ETIMEDOUT || error == EPIPE;
  if (breaks && entry.socket != nullptr) tcp_.Break(*entry.socket, 0);
  return -error;
}

int FakeKernel::Socket() {
  Entry entry;
  entry.of_peer = in_peer_scope_;
  const int failed = Fail(SystemCall::kSocket, entry);
  if (failed != 0) return Return(failed);
  entry.socket = tcp_.NewSocket(entry.of_peer);
  return Return(Add(std::move(entry)));
}

int FakeKernel::Bind(int fd, const sockaddr* address) {
  const int failed = Fail(SystemCall::kBind, At(fd));
  return Return(failed != 0 ? failed : tcp_.Bind(SocketAt(fd), ToTransportAddress(address)));
}

int FakeKernel::Listen(int fd, int backlog) {
  const int failed = Fail(SystemCall::kListen, At(fd));
  return Return(failed != 0 ? failed : tcp_.Listen(SocketAt(fd), static_cast<size_t>(backlog)));
}

int FakeKernel::Connect(int fd, const sockaddr* address) {
  const int failed = Fail(SystemCall::kConnect, At(fd));
  return Return(failed != 0 ? failed : tcp_.Connect(SocketAt(fd), ToTransportAddress(address)));
}

int FakeKernel::Accept(int fd, sockaddr* address, unsigned* size) {
  FakeSocket& listener = SocketAt(fd);
  if (listener.accept_queue.empty()) return Return(-EAGAIN);
  const int failed = Fail(SystemCall::kAccept, At(fd));
  if (failed != 0) {
    // Of the next connection, which is thereby gone.
    if (failed == -ECONNABORTED) {
      const std::shared_ptr<FakeSocket> aborted = tcp_.Accept(listener);
      tcp_.Break(*aborted, 0);
    }
    return Return(failed);
  }
  Entry entry;
  entry.of_peer = listener.of_peer;
  entry.socket = listener.accept_queue.front();
  const TransportAddress remote = entry.socket->remote;
  const int accepted = Add(std::move(entry));
  if (accepted < 0) return Return(accepted);
  tcp_.Accept(listener);
  ToSocketAddress(remote, address, size);
  return accepted;
}

ssize_t FakeKernel::Recv(int fd, void* buffer, size_t size) {
  Entry& entry = At(fd);
  if (entry.event_count != nullptr) {
    if (*entry.event_count == 0) return Return<ssize_t>(-EAGAIN);
    const uint64_t count = std::exchange(*entry.event_count, 0);
    std::memcpy(buffer, &count, sizeof(count));
    return sizeof(count);
  }
  const int failed = Fail(SystemCall::kRecv, entry);
  if (failed != 0) return Return<ssize_t>(failed);
  if (!entry.of_peer) size = std::min(size, segment_size_);
  return Return(tcp_.Receive(SocketAt(fd), {static_cast<char*>(buffer), size}));
}

ssize_t FakeKernel::Send(int fd, const void* bytes, size_t size) {
  Entry& entry = At(fd);
  if (entry.event_count != nullptr) {
    *entry.event_count += Read<uint64_t>(bytes, size);
    return static_cast<ssize_t>(size);
  }
  const int failed = Fail(SystemCall::kSend, entry);
  if (failed != 0) return Return<ssize_t>(failed);
  return Return(tcp_.Send(SocketAt(fd), {static_cast<const char*>(bytes), size}));
}

int FakeKernel::Shutdown(int fd, int how) {
  CHECK(how == SHUT_WR);
  const int failed = Fail(SystemCall::kShutdown, At(fd));
  return Return(failed != 0 ? failed : tcp_.ShutdownWrite(SocketAt(fd)));
}

bool FakeKernel::IsWatched(int fd) const {
  return std::any_of(entries_.begin(), entries_.end(), [fd](const auto& entry) {
    return entry.second.epoll != nullptr && entry.second.epoll->count(fd) > 0;
  });
}

int FakeKernel::Close(int fd) {
  Entry& entry = At(fd);
  // An epoll goes with its loop.
  CHECK(entry.event_count != nullptr || !IsWatched(fd));
  const Entry closed = std::move(entry);
  entries_.erase(fd);
  if (!closed.of_peer) --descriptor_count_;
  if (closed.socket != nullptr) tcp_.Close(closed.socket);
  return 0;
}

int FakeKernel::SetOption(int fd, int level, int name, const void* value, unsigned size) {
  FakeSocket& socket = SocketAt(fd);
  FakeSocketOptions& options = socket.options;
  const auto is = [&](int wanted_level, int wanted_name) {
    return level == wanted_level && name == wanted_name;
  };
  if (is(SOL_SOCKET, SO_ATTACH_FILTER)) {
    const int failed = Fail(SystemCall::kAttachFilter, At(fd));
    if (failed != 0) return Return(failed);
    const auto program = Read<sock_fprog>(value, size);
    options.filter.assign(program.filter, program.filter + program.len);
    tcp_.Retransmit(socket);
  } else if (is(SOL_SOCKET, SO_DETACH_FILTER)) {
    if (options.filter.empty()) return Return(-ENOENT);
    options.filter.clear();
    tcp_.Retransmit(socket);
  } else if (is(SOL_SOCKET, SO_LINGER)) {
    const auto choice = Read<linger>(value, size);
    options.reset_on_close = choice.l_onoff != 0 && choice.l_linger == 0;
  } else if (is(IPPROTO_IP, IP_MINTTL) || is(IPPROTO_IPV6, IPV6_MINHOPCOUNT)) {
    options.min_ttl = Read<int>(value, size);
    tcp_.Retransmit(socket);
  } else if (is(SOL_SOCKET, SO_KEEPALIVE)) {
    options.keep_alive = Read<int>(value, size) != 0;
  } else if (is(IPPROTO_TCP, TCP_USER_TIMEOUT)) {
    options.user_timeout = absl::Milliseconds(Read<int>(value, size));
  } else if (is(SOL_SOCKET, SO_RCVBUF)) {
    options.receive_buffer_size = static_cast<size_t>(Read<int>(value, size));
  } else if (is(SOL_SOCKET, SO_SNDBUF)) {
    options.send_buffer_size = static_cast<size_t>(Read<int>(value, size));
  } else {
    // Of no effect here.
    CHECK(is(SOL_SOCKET, SO_REUSEADDR) || is(IPPROTO_IPV6, IPV6_V6ONLY) || is(IPPROTO_IP, IP_TOS) ||
          is(IPPROTO_IPV6, IPV6_TCLASS) || is(IPPROTO_TCP, TCP_NODELAY) ||
          is(IPPROTO_TCP, TCP_KEEPIDLE) || is(IPPROTO_TCP, TCP_KEEPINTVL));
  }
  return 0;
}

int FakeKernel::GetOption(int fd, int level, int name, void* value, unsigned* size) {
  FakeSocket& socket = SocketAt(fd);
  if (level == SOL_SOCKET && name == SO_ERROR) return Write(socket.TakeError(), value, size);
  if (level == SOL_SOCKET && name == SO_DOMAIN) {
    return Write(socket.local.ip.is_ipv4() ? AF_INET : AF_INET6, value, size);
  }
  if (level == SOL_SOCKET && name == SO_MEMINFO) {
    uint32_t information[SK_MEMINFO_VARS] = {};
    information[SK_MEMINFO_DROPS] = static_cast<uint32_t>(socket.dropped_count);
    return Write(information, value, size);
  }
  CHECK(level == IPPROTO_TCP && name == TCP_INFO);
  tcp_info information{};
  information.tcpi_bytes_acked = socket.acknowledged_count;
  return Write(information, value, size);
}

int FakeKernel::GetName(int fd, sockaddr* address, unsigned* size, bool of_peer) {
  const FakeSocket& socket = SocketAt(fd);
  ToSocketAddress(of_peer ? socket.remote : socket.local, address, size);
  return 0;
}

int FakeKernel::Ioctl(int fd, unsigned long request, void* argument) {
  const FakeSocket& socket = SocketAt(fd);
  CHECK(request == SIOCINQ || request == SIOCOUTQ);
  const std::string& queue = request == SIOCINQ ? socket.receive_queue : socket.send_queue;
  *static_cast<int*>(argument) = static_cast<int>(queue.size());
  return 0;
}

int FakeKernel::EpollCreate() {
  Entry entry;
  entry.epoll = std::make_unique<std::map<int, Watch>>();
  return Return(Add(std::move(entry)));
}

int FakeKernel::EpollControl(int epoll, int operation, int fd, const epoll_event* event) {
  std::map<int, Watch>& watches = *At(epoll).epoll;
  CHECK(Owns(fd));
  const bool watched = watches.count(fd) > 0;
  switch (operation) {
    case EPOLL_CTL_ADD:
      if (watched) return Return(-EEXIST);
      if (const int failed = Fail(SystemCall::kWatch, At(fd))) return Return(failed);
      watches[fd] = {event->events, event->data.u64, /*news=*/true};
      return 0;
    case EPOLL_CTL_MOD:
      if (!watched) return Return(-ENOENT);
      watches[fd] = {event->events, event->data.u64, /*news=*/true};
      return 0;
    default:
      CHECK(operation == EPOLL_CTL_DEL);
      if (!watched) return Return(-ENOENT);
      watches.erase(fd);
      return 0;
  }
}

uint32_t FakeKernel::Poll(int fd) const {
  const Entry& entry = entries_.at(fd);
  if (entry.socket != nullptr) return entry.socket->Poll();
  return entry.event_count != nullptr && *entry.event_count > 0 ? POLLIN : 0u;
}

int FakeKernel::EpollWait(int epoll, epoll_event* events, int limit) {
  std::vector<epoll_event> ready;
  for (auto& [fd, watch] : *At(epoll).epoll) {
    if ((watch.events & EPOLLET) != 0 && !watch.news) continue;
    epoll_event event{};
    event.events = Poll(fd) & (watch.events | EPOLLERR | EPOLLHUP);
    event.data.u64 = watch.data;
    if (event.events == 0) continue;
    watch.news = false;
    ready.push_back(event);
  }
  if (!ready.empty()) {
    std::rotate(ready.begin(), ready.begin() + first_ready_ % ready.size(), ready.end());
  }
  const int count = std::min(limit, static_cast<int>(ready.size()));
  std::copy_n(ready.begin(), count, events);
  return count;
}

int FakeKernel::EventFd() {
  Entry entry;
  entry.event_count = std::make_unique<uint64_t>(0);
  return Return(Add(std::move(entry)));
}

bool FakeKernel::Admits(int fd, const TransportAddress& source) const {
  return FakeTcp::Passes(*entries_.at(fd).socket, source);
}

std::vector<ShownDescriptor> FakeKernel::Descriptors() const {
  std::vector<ShownDescriptor> shown;
  for (const auto& [fd, entry] : entries_) {
    if (entry.of_peer) continue;
    ShownDescriptor descriptor{
        fd, entry.epoll != nullptr ? Kind::kEpoll : Kind::kEventFd, {}, {}, IsWatched(fd)};
    if (entry.socket != nullptr) {
      descriptor.kind = KindOf(*entry.socket);
      descriptor.local = entry.socket->local;
      descriptor.remote = entry.socket->remote;
    }
    shown.push_back(descriptor);
  }
  return shown;
}

}  // namespace agw
