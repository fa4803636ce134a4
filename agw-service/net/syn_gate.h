// Decides which SYNs the kernel may see at a listening socket, with a classic BPF program attached
// to it. What is dropped is dropped in silence: no SYN/ACK, no RST, no ICMP; the peer's
// retransmission is judged anew. docs/decisions/0004-syn-gate.md has the reasons.

#ifndef AGW_SERVICE_NET_SYN_GATE_H_
#define AGW_SERVICE_NET_SYN_GATE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "common/ip_address.h"

namespace agw {

// Who may pass: an address, or all that share its first `prefix_length` bits.
struct SourceFilter {
  common::IpAddress ip;
  uint8_t prefix_length = 32;  // 1 to 32, or 1 to 128.
  uint16_t port = 0;           // 0: any.

  bool Matches(const common::TransportAddress& source) const;

  friend bool operator==(const SourceFilter& a, const SourceFilter& b) {
    return a.ip == b.ip && a.prefix_length == b.prefix_length && a.port == b.port;
  }
};

inline constexpr size_t kSourceFilterLimit = 16;

// Whether this thread, and those it makes later, may attach filters: recent kernels want CAP_NET_ADMIN
// for it on TCP sockets, which is put in effect where it is permitted only (capabilities(7)).
// `kPermissionDenied`, with the remedy.
absl::Status CheckSynGatePermission();

// Nothing passes. Before `Listen()` there is thus no moment at which a SYN is answered or refused.
absl::Status CloseSynGate(int fd);

// Packets from these sources pass: at least one, at most `kSourceFilterLimit`, all of the family of
// the socket.
absl::Status OpenSynGateFor(int fd, absl::Span<const SourceFilter> sources);

// Everything passes. Also for an accepted socket, which inherits the filter of its listener.
absl::Status OpenSynGate(int fd);

// While on, nothing passes that was sent with a hop limit (TTL) below 255, that is everything but
// packets of a neighbour on the same link who uses 255 on purpose (IP_MINTTL, IPV6_MINHOPCOUNT; the
// mechanism of RFC 5082). Independent of the filters above. Not as tight as a closed gate, but a
// hundred times cheaper: attaching a filter makes the kernel compile it, some 80 us of CPU.
void SetHopGate(int fd, bool on);

// Packets the gate has dropped since the socket was made.
uint64_t DroppedAtSynGate(int fd);

}  // namespace agw

#endif  // AGW_SERVICE_NET_SYN_GATE_H_
