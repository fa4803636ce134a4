// Bounds the octets that a worker keeps for peers which take them slowly.

#ifndef AGW_SERVICE_CONTEXT_BUFFERED_BYTES_H_
#define AGW_SERVICE_CONTEXT_BUFFERED_BYTES_H_

#include <cstddef>
#include <functional>
#include <list>
#include <utility>

#include "agw-service/net/event_loop.h"
#include "agw-service/net/timer.h"

namespace agw {

// One connection keeps what was read at once and no more, but thousands of them may stand still. Beyond
// the bound those that have taken nothing for longest are ended, so that peers which do take what they
// are sent are not affected. Lives on one worker.
class BufferedBytes {
 public:
  // What is kept for one connection, as long as anything is.
  class Account {
   public:
    // `end` is called from the event loop, once, if the connection has to be ended; it may destroy the account. `bytes`
    // outlives it.
    Account(BufferedBytes& bytes, std::function<void()> end);
    ~Account();

    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    // So much is kept now; another number than before means that the peer has taken some of it.
    void Set(size_t byte_count);

   private:
    friend class BufferedBytes;

    BufferedBytes& bytes_;
    const std::function<void()> end_;
    size_t byte_count_ = 0;
    std::list<Account*>::iterator place_;
  };

  // `loop` outlives this.
  BufferedBytes(EventLoop& loop, size_t limit) : limit_(limit), end_some_(loop) {}

  BufferedBytes(const BufferedBytes&) = delete;
  BufferedBytes& operator=(const BufferedBytes&) = delete;

  size_t total() const { return total_; }

 private:
  void EndSome();

  const size_t limit_;
  size_t total_ = 0;
  std::list<Account*> accounts_;  // The first has stood still for longest.
  Timer end_some_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_BUFFERED_BYTES_H_
