// A kernel in memory, for tests: TCP sockets with SYN gates, epoll, eventfd, a network on which
// every segment arrives at once unless a test wants it otherwise, and a clock that only tests move.
// Nothing is left to chance, nothing waits, and everything can be made to fail.
//
// Programs that link this library call its functions in place of those of libc. While a
// `FakeKernel` lives, the thread that made it gets sockets, epolls and eventfds from it; other
// descriptors, and other threads, still have the real kernel.
//
// The far ends of connections are sockets of this kernel, too. So that they are not mistaken for
// what is tested, make them within a `PeerScope`.

#ifndef AGW_SERVICE_NET_TESTING_FAKE_KERNEL_H_
#define AGW_SERVICE_NET_TESTING_FAKE_KERNEL_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "agw-service/net/testing/fake_tcp.h"
#include "common/ip_address.h"
#include "common/monotonic_time.h"

struct epoll_event;
struct sockaddr;

namespace agw {

// Calls that may fail though they are made as they should be.
enum class SystemCall {
  kSocket,
  kBind,
  kListen,
  kConnect,
  kAccept,
  kRecv,
  kSend,
  kShutdown,
  kAttachFilter,
  kWatch,  // epoll_ctl(EPOLL_CTL_ADD)
};
inline constexpr size_t kSystemCallCount = 10;

// With which errno they may.
absl::Span<const int> PlausibleErrors(SystemCall call);

// What the kernel shows of a descriptor.
struct ShownDescriptor {
  enum class Kind { kBound, kListening, kConnecting, kConnected, kEnded, kEpoll, kEventFd };

  std::string ToString() const;

  friend bool operator==(const ShownDescriptor& a, const ShownDescriptor& b) {
    return a.fd == b.fd && a.kind == b.kind && a.local == b.local && a.remote == b.remote &&
           a.watched == b.watched;
  }

  int fd;
  Kind kind;
  common::TransportAddress local;
  common::TransportAddress remote;
  bool watched;  // By an epoll.
};

// Lives on one thread, one at a time. Calls that no correct program makes end the process: a
// descriptor that is closed twice, or while an epoll watches it.
class FakeKernel {
 public:
  FakeKernel();
  ~FakeKernel();

  FakeKernel(const FakeKernel&) = delete;
  FakeKernel& operator=(const FakeKernel&) = delete;

  // That of this thread; nullptr if there is none.
  static FakeKernel* Current();

  common::MonotonicTime Now() const { return tcp_.now(); }

  // Time goes by. What was lost meanwhile is sent again; `EventLoop`s see it in their next turn.
  void Advance(absl::Duration time) { tcp_.Advance(time); }

  // Is asked before each call of what is tested, and returns the errno it fails with, or 0.
  // ECONNRESET, ETIMEDOUT and EPIPE also break the connection, as they do.
  void set_failure(std::function<int(SystemCall)> failure) { failure_ = std::move(failure); }

  // No more than so many descriptors for what is tested: EMFILE. Default: no limit.
  void set_descriptor_limit(size_t limit) { descriptor_limit_ = limit; }

  // A recv() returns so many octets at most, as if that were a segment. Default: no limit.
  void set_segment_size(size_t byte_count) { segment_size_ = byte_count; }

  // epoll_wait() begins with this one of the ready descriptors. Default: the oldest.
  void set_first_ready(size_t index) { first_ready_ = index; }

  // Send and receive buffers of new sockets. Default: 64 KiB.
  void set_buffer_size(size_t byte_count) { tcp_.set_default_buffer_size(byte_count); }

  // What is sent from and to this address is lost, or not any more.
  void SetLost(const common::IpAddress& ip, bool lost) { tcp_.SetLost(ip, lost); }

  // What is tested has open, by descriptor.
  std::vector<ShownDescriptor> Descriptors() const;

  // Whether the gates of the listener `fd` let a SYN from `source` in.
  bool Admits(int fd, const common::TransportAddress& source) const;

  // Without those of peers, or of peers only.
  size_t descriptor_count() const { return descriptor_count_; }
  size_t peer_descriptor_count() const { return entries_.size() - descriptor_count_; }

  // Calls made so far by what is tested, of the kinds that can fail.
  uint64_t call_count() const { return call_count_; }

  // Whether `fd` is one of its descriptors.
  bool Owns(int fd) const { return entries_.count(fd) > 0; }

  // The system calls. They return what libc's functions return, and set errno.
  int Socket();
  int Bind(int fd, const sockaddr* address);
  int Listen(int fd, int backlog);
  int Connect(int fd, const sockaddr* address);
  int Accept(int fd, sockaddr* address, unsigned* size);
  ssize_t Recv(int fd, void* buffer, size_t size);
  ssize_t Send(int fd, const void* bytes, size_t size);
  int Shutdown(int fd, int how);
  int Close(int fd);
  int SetOption(int fd, int level, int name, const void* value, unsigned size);
  int GetOption(int fd, int level, int name, void* value, unsigned* size);
  int GetName(int fd, sockaddr* address, unsigned* size, bool of_peer);
  int Ioctl(int fd, unsigned long request, void* argument);
  int EpollCreate();
  int EpollControl(int epoll, int operation, int fd, const epoll_event* event);
  int EpollWait(int epoll, epoll_event* events, int limit);
  int EventFd();
  uint32_t Poll(int fd) const;

 private:
  friend class PeerScope;

  struct Watch {
    uint32_t events;
    uint64_t data;
    bool news;  // With EPOLLET: not reported yet.
  };
  // One of the three.
  struct Entry {
    bool of_peer = false;
    std::shared_ptr<FakeSocket> socket;
    std::unique_ptr<std::map<int, Watch>> epoll;
    std::unique_ptr<uint64_t> event_count;
  };

  Entry& At(int fd);
  FakeSocket& SocketAt(int fd);
  int Add(Entry entry);
  bool IsWatched(int fd) const;

  // 0, or -errno.
  int Fail(SystemCall call, const Entry& entry);

  FakeTcp tcp_;
  std::map<int, Entry> entries_;  // Before it goes, so do its sockets.
  size_t descriptor_count_ = 0;
  size_t descriptor_limit_ = SIZE_MAX;
  size_t segment_size_ = SIZE_MAX;
  size_t first_ready_ = 0;
  uint64_t call_count_ = 0;
  bool in_peer_scope_ = false;
  std::function<int(SystemCall)> failure_;
};

// While it lives, new sockets are those of peers.
class PeerScope {
 public:
  PeerScope() : kernel_(*FakeKernel::Current()), before_(kernel_.in_peer_scope_) {
    kernel_.in_peer_scope_ = true;
  }
  ~PeerScope() { kernel_.in_peer_scope_ = before_; }

  PeerScope(const PeerScope&) = delete;
  PeerScope& operator=(const PeerScope&) = delete;

 private:
  FakeKernel& kernel_;
  const bool before_;
};

}  // namespace agw

#endif  // AGW_SERVICE_NET_TESTING_FAKE_KERNEL_H_
