// Peers that mean ill, or are ill.

#ifndef TESTS_BENCH_ABUSE_H_
#define TESTS_BENCH_ABUSE_H_

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/ip_address.h"

namespace bench {

// Calls `step` every `interval`, or as fast as it can, on a thread that gives way to all others.
// Until it is destroyed.
class Abuse {
 public:
  Abuse(absl::Duration interval, std::function<void()> step);
  ~Abuse();

 private:
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

// The steps. Each connects to the next one of `targets`, from `source`, and fails in silence.

// Begins a TLS handshake and leaves it there; `kHeldConnections` later it closes.
inline constexpr size_t kHeldConnections = 400;
std::function<void()> SlowHandshake(absl::Span<const common::TransportAddress> targets,
                                    const common::IpAddress& source);

// Sends SIP where TLS is expected.
std::function<void()> Plaintext(absl::Span<const common::TransportAddress> targets,
                                const common::IpAddress& source);

// Resets what was established.
std::function<void()> Reset(absl::Span<const common::TransportAddress> targets,
                            const common::IpAddress& source);

// Sends `kSynsAtOnce` SYNs from any port of `source`, IPv4, past the kernel's TCP, to one target
// each. Needs CAP_NET_RAW.
inline constexpr int kSynsAtOnce = 20;
std::function<void()> SynFlood(absl::Span<const common::TransportAddress> targets,
                               const common::IpAddress& source);

}  // namespace bench

#endif  // TESTS_BENCH_ABUSE_H_
