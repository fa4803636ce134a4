// Whether anybody listens at an address. gRPC says of a connection only that it failed; that nobody
// listens is another thing than that nobody answers, because then no process has the contexts that
// were there.

#ifndef ALG_SERVICE_GATEWAY_CONNECTION_PROBE_H_
#define ALG_SERVICE_GATEWAY_CONNECTION_PROBE_H_

#include "common/ip_address.h"

namespace alg {

// One attempt to connect by TCP, which is closed at once if it succeeds. Does not block. Not
// thread-safe.
class ConnectionProbe {
 public:
  enum class Result {
    kPending,
    kAccepted,
    kRefused,  // RST, or ICMP port unreachable, came back: the host is there and nobody listens.
    kFailed,   // Anything else: no route, no answer, no descriptor left.
  };

  // Sends the SYN.
  explicit ConnectionProbe(const common::TransportAddress& address);
  ~ConnectionProbe();

  ConnectionProbe(const ConnectionProbe&) = delete;
  ConnectionProbe& operator=(const ConnectionProbe&) = delete;

  // What is known by now. Once it is not `kPending` it stays.
  Result Poll();

 private:
  void End(int error);

  int fd_ = -1;
  Result result_ = Result::kPending;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_CONNECTION_PROBE_H_
