// Sockets on which an alert and FIN have been sent, and whose peers may be sending still.
//
// The kernel answers octets that nobody reads with RST as soon as the socket is closed. That makes
// the peer's next write fail, and a peer that stops there never reads the alert that says why. So
// what comes is read and dropped until the peer has ended, too.

#ifndef AGW_SERVICE_CONTEXT_DRAINING_SOCKETS_H_
#define AGW_SERVICE_CONTEXT_DRAINING_SOCKETS_H_

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/net/descriptor_budget.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/owned_fd.h"

namespace agw {

// Of one worker, on which it lives. Each socket is closed when its peer has ended, after a second,
// or after 256 KiB, whatever comes first.
class DrainingSockets {
 public:
  // All outlive this.
  DrainingSockets(EventLoop& loop, Scratch& scratch, DescriptorBudget& descriptors);
  ~DrainingSockets();

  DrainingSockets(const DrainingSockets&) = delete;
  DrainingSockets& operator=(const DrainingSockets&) = delete;

  // Takes a socket that no event loop knows. Closes it at once if there are 32 already, if the budget
  // has no descriptor left (its termination may want another one meanwhile), or if it cannot be
  // watched.
  void Add(OwnedFd fd);

 private:
  class Socket;

  EventLoop& loop_;
  Scratch& scratch_;
  DescriptorBudget& descriptors_;
  absl::flat_hash_map<int, std::unique_ptr<Socket>> sockets_;  // By descriptor.
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_DRAINING_SOCKETS_H_
