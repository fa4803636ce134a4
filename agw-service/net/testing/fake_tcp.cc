#include "agw-service/net/testing/fake_tcp.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "agw-service/net/testing/packet_filter.h"
#include "common/check.h"

namespace agw {
namespace {

using common::IpAddress;
using common::MonotonicTime;
using common::TransportAddress;
using State = FakeSocket::State;

constexpr int kTtl = 64;
constexpr int kSynLimit = 7;
constexpr absl::Duration kFirstSynInterval = absl::Seconds(1);
constexpr absl::Duration kTimeWait = absl::Seconds(60);

// How long an end without a descriptor waits for the other one (tcp_fin_timeout).
constexpr absl::Duration kOrphanTime = absl::Seconds(60);

}  // namespace

uint32_t FakeSocket::Poll() const {
  if (state == State::kListening) return accept_queue.empty() ? 0u : POLLIN;
  uint32_t events = error != 0 ? POLLERR : 0u;
  const bool closed = state == State::kClosed;
  if (closed || (send_shutdown && receive_shutdown)) events |= POLLHUP;
  if (receive_shutdown || !receive_queue.empty()) events |= POLLIN;
  if (state == State::kConnecting) return events;
  // So much must be free that it is worth it.
  const size_t free =
      options.send_buffer_size - std::min(options.send_buffer_size, send_queue.size());
  if (send_shutdown || closed || (free > 0 && free >= send_queue.size() / 2)) events |= POLLOUT;
  return events;
}

std::shared_ptr<FakeSocket> FakeTcp::NewSocket(bool of_peer) {
  std::shared_ptr<FakeSocket> socket(new FakeSocket(), [this](FakeSocket* old) {
    Forget(*old);
    delete old;
  });
  socket->id = next_id_++;
  socket->of_peer = of_peer;
  socket->options.send_buffer_size = buffer_size_;
  socket->options.receive_buffer_size = buffer_size_;
  sockets_.emplace(socket->id, socket);
  return socket;
}

void FakeTcp::Forget(FakeSocket& socket) {
  if (socket.other != nullptr) socket.other->other = nullptr;
  const auto neighbours = by_local_.find(socket.local);
  if (neighbours != by_local_.end()) {
    std::vector<FakeSocket*>& list = neighbours->second;
    list.erase(std::remove(list.begin(), list.end(), &socket), list.end());
    if (list.empty()) by_local_.erase(neighbours);
  }
  sockets_.erase(socket.id);
}

void FakeTcp::SetLocal(FakeSocket& socket, const TransportAddress& address) {
  socket.bound = true;
  socket.local = address;
  by_local_[address].push_back(&socket);
}

int FakeTcp::Bind(FakeSocket& socket, const TransportAddress& address) {
  TransportAddress local = address;
  while (local.port == 0) {
    local.port = next_port_;
    next_port_ = next_port_ == 65535 ? 40000 : next_port_ + 1;
    if (by_local_.contains(local)) local.port = 0;
  }
  // Everybody sets SO_REUSEADDR, so only who listens is in the way.
  if (FindListener(local) != nullptr) return -EADDRINUSE;
  SetLocal(socket, local);
  return 0;
}

int FakeTcp::Listen(FakeSocket& socket, size_t backlog) {
  if (socket.state == State::kConnected || socket.state == State::kConnecting) return -EINVAL;
  FakeSocket* const listener = FindListener(socket.local);
  if (listener != nullptr && listener != &socket) return -EADDRINUSE;
  socket.state = State::kListening;
  socket.backlog = backlog;
  return 0;
}

FakeSocket* FakeTcp::FindListener(const TransportAddress& address) const {
  const auto sockets = by_local_.find(address);
  if (sockets == by_local_.end()) return nullptr;
  for (FakeSocket* socket : sockets->second) {
    if (socket->state == State::kListening) return socket;
  }
  return nullptr;
}

bool FakeTcp::HasConnection(const Pair& pair) const {
  const auto sockets = by_local_.find(pair.first);
  if (sockets == by_local_.end()) return false;
  return std::any_of(sockets->second.begin(), sockets->second.end(), [&](const FakeSocket* socket) {
    return (socket->state == State::kConnected || socket->state == State::kConnecting) &&
           socket->remote == pair.second;
  });
}

int FakeTcp::Connect(FakeSocket& socket, const TransportAddress& remote) {
  if (socket.state != State::kClosed)
    return socket.state == State::kConnecting ? -EALREADY : -EISCONN;
  const auto unreachable = unreachable_.find(remote.ip);
  if (unreachable != unreachable_.end()) return -unreachable->second;
  const Pair pair{socket.local, remote};
  const auto time_wait = time_wait_.find(pair);
  if (HasConnection(pair) || (time_wait != time_wait_.end() && time_wait->second > now_)) {
    return -EADDRNOTAVAIL;
  }
  socket.state = State::kConnecting;
  socket.remote = remote;
  SendSyn(socket);
  return -EINPROGRESS;
}

void FakeTcp::SendSyn(FakeSocket& socket) {
  socket.next_syn = now_ + kFirstSynInterval * (1 << socket.syn_count);
  ++socket.syn_count;
  if (IsLost(socket)) return;
  FakeSocket* const listener = FindListener(socket.remote);
  if (listener == nullptr) {
    // Somebody who was bound there but does not listen refuses, too.
    return End(socket, ECONNREFUSED);
  }
  if (!Passes(*listener, socket.local) || listener->accept_queue.size() > listener->backlog ||
      HasConnection({socket.remote, socket.local})) {
    ++listener->dropped_count;
    return;
  }
  std::shared_ptr<FakeSocket> accepted = NewSocket(listener->of_peer);
  accepted->state = State::kConnected;
  accepted->options = listener->options;
  SetLocal(*accepted, socket.remote);
  accepted->remote = socket.local;
  accepted->other = &socket;
  socket.other = accepted.get();
  socket.state = State::kConnected;
  socket.next_syn = MonotonicTime::InfiniteFuture();
  accepted->last_heard = socket.last_heard = now_;
  time_wait_.erase({accepted->local, accepted->remote});
  listener->accept_queue.push_back(std::move(accepted));
}

std::shared_ptr<FakeSocket> FakeTcp::Accept(FakeSocket& listener) {
  if (listener.accept_queue.empty()) return nullptr;
  std::shared_ptr<FakeSocket> accepted = std::move(listener.accept_queue.front());
  listener.accept_queue.pop_front();
  return accepted;
}

ssize_t FakeTcp::Receive(FakeSocket& socket, absl::Span<char> buffer) {
  if (!socket.receive_queue.empty()) {
    const size_t size = std::min(buffer.size(), socket.receive_queue.size());
    std::copy_n(socket.receive_queue.begin(), size, buffer.begin());
    socket.receive_queue.erase(0, size);
    if (socket.other != nullptr) Deliver(*socket.other);
    return static_cast<ssize_t>(size);
  }
  if (socket.fin_received) return 0;
  if (socket.error != 0) return -socket.TakeError();
  if (socket.receive_shutdown) return 0;
  return socket.state == State::kConnected || socket.state == State::kConnecting ? -EAGAIN
                                                                                 : -ENOTCONN;
}

ssize_t FakeTcp::Send(FakeSocket& socket, absl::Span<const char> bytes) {
  if (socket.error != 0) return -socket.TakeError();
  if (socket.send_shutdown) return -EPIPE;
  if (socket.state == State::kConnecting) return -EAGAIN;
  if (socket.state != State::kConnected) return -EPIPE;
  const size_t limit = socket.options.send_buffer_size;
  const size_t size = std::min(bytes.size(), limit - std::min(limit, socket.send_queue.size()));
  if (size == 0 && !bytes.empty()) return -EAGAIN;
  socket.send_queue.append(bytes.data(), size);
  Deliver(socket);
  return static_cast<ssize_t>(size);
}

int FakeTcp::ShutdownWrite(FakeSocket& socket) {
  if (socket.state != State::kConnected) return -ENOTCONN;
  socket.send_shutdown = true;
  Deliver(socket);
  return 0;
}

void FakeTcp::Deliver(FakeSocket& from) {
  if (from.state != State::kConnected || IsLost(from)) return;
  FakeSocket* const to = from.other;
  const bool has_something = !from.send_queue.empty() || (from.send_shutdown && !from.fin_sent);
  if (to == nullptr) {
    // Nobody there knows of a connection.
    if (has_something) Reset(from);
    return;
  }
  if (!has_something || !Passes(*to, from.local)) return;
  if (to->orphan && !from.send_queue.empty()) {
    End(*to, 0);
    return Reset(from);
  }
  const size_t limit = to->options.receive_buffer_size;
  const size_t size =
      std::min(from.send_queue.size(), limit - std::min(limit, to->receive_queue.size()));
  to->receive_queue.append(from.send_queue, 0, size);
  from.send_queue.erase(0, size);
  from.acknowledged_count += size;
  from.last_heard = to->last_heard = now_;
  if (!from.send_queue.empty() || !from.send_shutdown || from.fin_sent) return;
  from.fin_sent = true;
  to->fin_received = to->receive_shutdown = true;
  if (!to->fin_sent) {
    if (from.orphan) from.orphan_until = now_ + kOrphanTime;
    return;
  }
  // Who ended first waits; `to` may be an orphan and go.
  time_wait_[{to->local, to->remote}] = now_ + kTimeWait;
  from.other = to->other = nullptr;
  from.receive_shutdown = to->receive_shutdown = true;
  from.state = to->state = State::kClosed;
  orphans_.erase(to->id);
  orphans_.erase(from.id);
}

void FakeTcp::Close(const std::shared_ptr<FakeSocket>& socket) {
  socket->orphan = true;
  switch (socket->state) {
    case State::kClosed:
    case State::kConnecting:
      return;
    case State::kListening:
      for (const std::shared_ptr<FakeSocket>& waiting : socket->accept_queue) Break(*waiting, 0);
      socket->state = State::kClosed;
      socket->accept_queue.clear();
      return;
    case State::kConnected:
      break;
  }
  if (socket->options.reset_on_close || !socket->receive_queue.empty()) return Break(*socket, 0);
  socket->send_shutdown = true;
  orphans_.emplace(socket->id, socket);
  if (socket->fin_sent) socket->orphan_until = now_ + kOrphanTime;
  Deliver(*socket);
}

void FakeTcp::Break(FakeSocket& socket, int error) {
  FakeSocket* const other = socket.other;
  const bool lost = IsLost(socket) || (other != nullptr && !Passes(*other, socket.local));
  End(socket, error);
  if (other != nullptr && !lost) Reset(*other);
}

void FakeTcp::Reset(FakeSocket& socket) {
  End(socket, socket.state == State::kConnecting ? ECONNREFUSED
              : socket.fin_received              ? EPIPE
                                                 : ECONNRESET);
}

// `socket` may be gone when it returns, if it has no descriptor.
void FakeTcp::End(FakeSocket& socket, int error) {
  if (socket.other != nullptr) socket.other->other = nullptr;
  socket.other = nullptr;
  socket.state = State::kClosed;
  socket.error = error;
  socket.send_queue.clear();
  socket.send_shutdown = socket.receive_shutdown = true;
  socket.next_syn = MonotonicTime::InfiniteFuture();
  orphans_.erase(socket.id);
}

bool FakeTcp::IsLost(const FakeSocket& socket) const {
  return lost_.contains(socket.local.ip) || lost_.contains(socket.remote.ip);
}

bool FakeTcp::Passes(const FakeSocket& receiver, const TransportAddress& source) {
  return receiver.options.min_ttl <= kTtl &&
         (receiver.options.filter.empty() ||
          PassesFilter(receiver.options.filter, source, receiver.local));
}

void FakeTcp::Retransmit(FakeSocket& socket) {
  if (socket.other != nullptr) Deliver(*socket.other);
}

void FakeTcp::SetLost(const IpAddress& ip, bool lost) {
  if (lost) {
    lost_.insert(ip);
  } else {
    lost_.erase(ip);
  }
}

void FakeTcp::SetUnreachable(const IpAddress& ip, int error) {
  if (error != 0) {
    unreachable_[ip] = error;
  } else {
    unreachable_.erase(ip);
  }
}

MonotonicTime FakeTcp::NextTimer(const FakeSocket& socket) const {
  MonotonicTime next = std::min(socket.next_syn, socket.orphan_until);
  const bool awaits_answer = socket.options.keep_alive || !socket.send_queue.empty();
  if (socket.state == State::kConnected && awaits_answer && IsLost(socket) &&
      socket.options.user_timeout > absl::ZeroDuration()) {
    next = std::min(next, socket.last_heard + socket.options.user_timeout);
  }
  return next;
}

void FakeTcp::FireTimers(FakeSocket& socket) {
  if (socket.orphan_until <= now_) return End(socket, 0);
  if (socket.state == State::kConnecting) {
    return socket.syn_count < kSynLimit ? SendSyn(socket) : End(socket, ETIMEDOUT);
  }
  End(socket, ETIMEDOUT);  // RST is lost with everything else.
}

void FakeTcp::Advance(absl::Duration time) {
  const MonotonicTime end = now_ + time;
  for (;;) {
    std::shared_ptr<FakeSocket> next;
    for (const auto& [id, weak] : sockets_) {
      std::shared_ptr<FakeSocket> socket = weak.lock();
      if (NextTimer(*socket) <= end && (next == nullptr || NextTimer(*socket) < NextTimer(*next))) {
        next = std::move(socket);
      }
    }
    if (next == nullptr) break;
    now_ = std::max(now_, NextTimer(*next));
    FireTimers(*next);
  }
  now_ = end;
  std::vector<std::shared_ptr<FakeSocket>> all;
  for (const auto& [id, weak] : sockets_) all.push_back(weak.lock());
  for (const std::shared_ptr<FakeSocket>& socket : all) Deliver(*socket);
  for (auto entry = time_wait_.begin(); entry != time_wait_.end();) {
    if (entry->second <= now_) {
      time_wait_.erase(entry++);
    } else {
      ++entry;
    }
  }
}

}  // namespace agw
