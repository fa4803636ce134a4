// TCP for `FakeKernel`: sockets that are connected to each other in memory.

#ifndef AGW_SERVICE_NET_TESTING_FAKE_TCP_H_
#define AGW_SERVICE_NET_TESTING_FAKE_TCP_H_

#include <linux/filter.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/ip_address.h"
#include "common/monotonic_time.h"

namespace agw {

// What the options of a socket say.
struct FakeSocketOptions {
  bool reset_on_close = false;  // SO_LINGER, 0 s.
  bool keep_alive = false;
  int min_ttl = 0;
  absl::Duration user_timeout = absl::ZeroDuration();  // Zero: none.
  std::vector<sock_filter> filter;
  size_t send_buffer_size = 64 * 1024;
  size_t receive_buffer_size = 64 * 1024;
};

struct FakeSocket {
  enum class State { kClosed, kListening, kConnecting, kConnected };

  // Bits as in poll(2).
  uint32_t Poll() const;

  int TakeError() { return std::exchange(error, 0); }

  uint64_t id = 0;
  State state = State::kClosed;
  bool of_peer = false;  // Belongs to the test, not to what is tested.
  bool bound = false;
  common::TransportAddress local;
  common::TransportAddress remote;
  FakeSocketOptions options;

  // Listening.
  size_t backlog = 0;
  std::deque<std::shared_ptr<FakeSocket>> accept_queue;
  uint64_t dropped_count = 0;

  // Connecting.
  int syn_count = 0;
  common::MonotonicTime next_syn = common::MonotonicTime::InfiniteFuture();

  // Connected. The other end, unless it is gone without this one's having heard of it.
  FakeSocket* other = nullptr;
  std::string send_queue;     // Not acknowledged.
  std::string receive_queue;  // Not read.
  uint64_t acknowledged_count = 0;
  bool send_shutdown = false;
  bool receive_shutdown = false;
  bool fin_sent = false;  // And acknowledged.
  bool fin_received = false;
  bool orphan = false;  // No descriptor any more.
  common::MonotonicTime last_heard;
  common::MonotonicTime orphan_until = common::MonotonicTime::InfiniteFuture();
  int error = 0;
};

// Sockets of all addresses there are. Calls return what system calls return, or -errno. A segment
// arrives at once, unless a gate drops it, or the network; then it is sent again.
class FakeTcp {
 public:
  common::MonotonicTime now() const { return now_; }

  // What was lost is sent again, what is too old is given up.
  void Advance(absl::Duration time);

  std::shared_ptr<FakeSocket> NewSocket(bool of_peer);

  int Bind(FakeSocket& socket, const common::TransportAddress& address);
  int Listen(FakeSocket& socket, size_t backlog);
  int Connect(FakeSocket& socket, const common::TransportAddress& remote);

  // nullptr if none waits.
  std::shared_ptr<FakeSocket> Accept(FakeSocket& listener);

  ssize_t Receive(FakeSocket& socket, absl::Span<char> buffer);
  ssize_t Send(FakeSocket& socket, absl::Span<const char> bytes);
  int ShutdownWrite(FakeSocket& socket);

  // The last descriptor of the socket is gone.
  void Close(const std::shared_ptr<FakeSocket>& socket);

  // The connection breaks at this end with `error`; the other end gets RST.
  void Break(FakeSocket& socket, int error);

  // Whether the gates of the socket let in what comes from `source`.
  static bool Passes(const FakeSocket& receiver, const common::TransportAddress& source);

  // A gate of the socket has changed.
  void Retransmit(FakeSocket& socket);

  // Packets from and to this address are lost, or not any more.
  void SetLost(const common::IpAddress& ip, bool lost);

  // connect() to this address fails with `error` at once; 0: it does not.
  void SetUnreachable(const common::IpAddress& ip, int error);

  void set_default_buffer_size(size_t byte_count) { buffer_size_ = byte_count; }

  // No descriptor, but still sending, or waiting for the other end's FIN.
  size_t orphan_count() const { return orphans_.size(); }

 private:
  // The ends of a connection, this one first.
  using Pair = std::pair<common::TransportAddress, common::TransportAddress>;

  bool IsLost(const FakeSocket& socket) const;
  FakeSocket* FindListener(const common::TransportAddress& address) const;
  bool HasConnection(const Pair& pair) const;
  void SetLocal(FakeSocket& socket, const common::TransportAddress& address);
  void SendSyn(FakeSocket& socket);
  void Deliver(FakeSocket& from);
  void Reset(FakeSocket& socket);
  void End(FakeSocket& socket, int error);
  void Forget(FakeSocket& socket);
  void FireTimers(FakeSocket& socket);
  common::MonotonicTime NextTimer(const FakeSocket& socket) const;

  common::MonotonicTime now_ = common::MonotonicTime::Now();
  size_t buffer_size_ = 64 * 1024;
  uint16_t next_port_ = 40000;
  uint64_t next_id_ = 1;
  std::map<uint64_t, std::weak_ptr<FakeSocket>> sockets_;  // In the order they were made.
  absl::flat_hash_map<common::TransportAddress, std::vector<FakeSocket*>> by_local_;
  absl::flat_hash_map<Pair, common::MonotonicTime> time_wait_;  // Until when.
  absl::flat_hash_set<common::IpAddress> lost_;
  absl::flat_hash_map<common::IpAddress, int> unreachable_;
  std::map<uint64_t, std::shared_ptr<FakeSocket>> orphans_;
};

}  // namespace agw

#endif  // AGW_SERVICE_NET_TESTING_FAKE_TCP_H_
