// Tells how many SYNs the gates of one worker have dropped.

#ifndef AGW_SERVICE_CONTEXT_SYN_DROP_WATCH_H_
#define AGW_SERVICE_CONTEXT_SYN_DROP_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>

#include "absl/types/optional.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/timer.h"

namespace agw {

class ConnectionPoint;

// The kernel counts what a gate drops but does not tell, so it must be asked, at the price of a
// system call. Many thousand gates may wait for their phones while somebody scans all their ports;
// so once a second the watch goes on round those that wait, with a bound for the looks and a bound
// for the reports, whatever their number. Gates with something to report queue for it; what comes
// in until it is their turn is in the same report. Lives on one worker.
class SynDropWatch {
 public:
  struct Limits {
    // Gates asked in one second. With more of them each is asked less often.
    size_t looks_per_second = 500;

    // Reports in one second, but for those of `Stop()`, which are bounded by the connections and
    // calls that end a wait.
    size_t reports_per_second = 10;
  };

  // The gate of one termination.
  class Gate {
   public:
    // `report` gets what was dropped since it was called last, never zero. `watch` outlives the
    // gate.
    Gate(SynDropWatch& watch, std::function<void(uint64_t)> report);

    // Counts what was dropped since the last look, if it waits; nobody is told.
    ~Gate();

    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    // From now on it is one of the gates that wait, until `Stop()`. `point` must live until then,
    // and listen. Again without effect.
    void Start(const ConnectionPoint& point);

    // Looks a last time, and reports at once.
    void Stop(const ConnectionPoint& point);

   private:
    friend class SynDropWatch;

    // Asks the kernel.
    void Look(const ConnectionPoint& point);
    void ReportUnreported();
    void Leave();

    SynDropWatch& watch_;
    const std::function<void(uint64_t)> report_;
    const ConnectionPoint* point_ = nullptr;                   // While it waits.
    std::list<Gate*>::iterator place_;                         // In `gates_`, while it waits.
    absl::optional<std::list<Gate*>::iterator> report_place_;  // In `to_report_`, if it is there.
    uint64_t seen_ = 0;
    uint64_t reported_ = 0;
  };

  // `loop` outlives the watch. `count` gets all that is seen, whether it is reported or not.
  SynDropWatch(EventLoop& loop, std::function<void(uint64_t)> count)
      : SynDropWatch(loop, std::move(count), Limits()) {}
  SynDropWatch(EventLoop& loop, std::function<void(uint64_t)> count, const Limits& limits)
      : count_(std::move(count)), limits_(limits), timer_(loop) {}

  SynDropWatch(const SynDropWatch&) = delete;
  SynDropWatch& operator=(const SynDropWatch&) = delete;

 private:
  void GoRound();

  const std::function<void(uint64_t)> count_;
  const Limits limits_;
  std::list<Gate*> gates_;                          // Those that wait.
  std::list<Gate*>::iterator next_ = gates_.end();  // Where the next round begins.
  std::list<Gate*> to_report_;                      // Of these, the first has its turn first.
  Timer timer_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_SYN_DROP_WATCH_H_
