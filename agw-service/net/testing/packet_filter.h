// Runs classic BPF programs as the kernel runs those attached to a TCP socket.

#ifndef AGW_SERVICE_NET_TESTING_PACKET_FILTER_H_
#define AGW_SERVICE_NET_TESTING_PACKET_FILTER_H_

#include <linux/filter.h>

#include "absl/types/span.h"
#include "common/ip_address.h"

namespace agw {

// Whether a segment from `source` to `destination` passes the program. Understands loads from the
// IP and the TCP header, AND, comparisons and returns; ends the process at anything else, and at a
// program that the kernel would refuse.
bool PassesFilter(absl::Span<const sock_filter> program, const common::TransportAddress& source,
                  const common::TransportAddress& destination);

}  // namespace agw

#endif  // AGW_SERVICE_NET_TESTING_PACKET_FILTER_H_
