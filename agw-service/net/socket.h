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
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "agw-service/net/owned_fd.h"
#include "common/ip_address.h"

namespace agw {

// A socket bound to `local`; port 0 takes any. Neither listens nor connects.
absl::StatusOr<OwnedFd> BindTcp(const common::TransportAddress& local);

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

absl::StatusOr<common::TransportAddress> LocalAddress(int fd);

// Whether both the peer and we have octets on their way: unread in our receive queue, or not yet
// acknowledged in our send queue.
bool HasBytesInFlight(int fd);

}  // namespace agw

#endif  // AGW_SERVICE_NET_SOCKET_H_
