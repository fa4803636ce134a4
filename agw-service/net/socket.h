// Socket calls as functions that return absl::Status; errno ends here.
//
// Codes: `kUnavailable` connection reset, refused or aborted by the other end; `kDeadlineExceeded`
// TCP gave up; `kNotFound` unreachable; `kAlreadyExists` address in use; `kResourceExhausted` no
// descriptor or memory; `kInternal` anything else. All sockets are TCP, non-blocking and
// close-on-exec. Thread-safe, as far as the descriptors are.

#ifndef AGW_SERVICE_NET_SOCKET_H_
#define AGW_SERVICE_NET_SOCKET_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "agw-service/net/owned_fd.h"
#include "common/ip_address.h"

namespace agw {

// What a socket is to be like, whether it connects or listens; accepted sockets take after their
// listener.
struct SocketOptions {
  // The differentiated services code point of packets that are sent (RFC 2474), 0 to 63. Absent:
  // the system's default.
  absl::optional<uint8_t> dscp;
};

// A socket bound to `local`; port 0 takes any. Neither listens nor connects.
absl::StatusOr<OwnedFd> BindTcp(const common::TransportAddress& local,
                                const SocketOptions& options = {});

// Of packets that are sent from now on; for a socket bound to `local_ip`. 0 to 63.
void SetDscp(int fd, const common::IpAddress& local_ip, uint8_t dscp);

// From here on the kernel answers SYNs (unless a filter drops them) and queues `backlog`
// connections.
absl::Status Listen(int fd, int backlog);

struct Accepted {
  OwnedFd fd;
  common::TransportAddress remote;
};

// The next connection of a listening socket; nullopt if there is none.
absl::StatusOr<absl::optional<Accepted>> Accept(int fd);

// Sends the SYN from a bound socket. The outcome shows when the socket becomes writable: see
// `TakeSocketError()`. Fails at once where there is no route.
absl::Status StartConnect(int fd, const common::TransportAddress& remote);

// The pending error of the socket, which is thereby forgotten; OK if there is none.
absl::Status TakeSocketError(int fd);

struct RecvResult {
  size_t byte_count = 0;
  bool end_of_stream = false;
  bool would_block = false;
};

// Receives what there is, up to the size of `buffer`, which is not empty.
absl::StatusOr<RecvResult> Recv(int fd, absl::Span<char> buffer);

// Sends what fits, from the front of `bytes`, and returns how many bytes that was; 0: none fits
// now.
absl::StatusOr<size_t> Send(int fd, absl::Span<const char> bytes);

// FIN after what was sent.
absl::Status ShutdownWrite(int fd);

// Closing the descriptor sends RST.
void SetResetOnClose(int fd);

// Small messages leave at once (TCP_NODELAY): what is written is a whole turn already.
void SetNoDelay(int fd);

// When a peer that has gone without a word is given up; the connection then fails with
// `kDeadlineExceeded`, or `kNotFound` where the network said that it cannot be reached.
struct PeerLossTimes {
  // Silence before the first keep-alive, and the time between two. Whole seconds, at least 1 s.
  absl::Duration keep_alive_idle = absl::Minutes(10);
  absl::Duration keep_alive_interval = absl::Minutes(1);

  // How long what was sent may go unacknowledged, and how long a peer may take nothing at all
  // (window zero); from the last octet that came in, so the keep-alives lie within it.
  absl::Duration loss_time = absl::Minutes(15);
};

// For a connected socket: SO_KEEPALIVE and TCP_USER_TIMEOUT (RFC 9293 clause 3.8.4, RFC 5482).
void SetPeerLossTimes(int fd, const PeerLossTimes& times);

// Octets the peer has acknowledged since the connection began. Grows as long as a peer, however
// slow, takes what it is sent.
uint64_t AcknowledgedByteCount(int fd);

absl::StatusOr<common::TransportAddress> LocalAddress(int fd);

// Whether the peer or we have octets on their way: unread in our receive queue, or not yet
// acknowledged in our send queue.
bool HasBytesInFlight(int fd);

}  // namespace agw

#endif  // AGW_SERVICE_NET_SOCKET_H_
