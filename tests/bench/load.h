// Phones and core peers of many sessions through one proxy, on one thread.

#ifndef TESTS_BENCH_LOAD_H_
#define TESTS_BENCH_LOAD_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/ip_address.h"
#include "tests/bench/phone.h"
#include "tests/peers/socket.h"

namespace bench {

// What an end sends, or what arrives there, again and again. It is given the proxy's address, as
// that end sees it. Of the same size at both ends, and at least one octet.
using Payload = std::function<std::string(const common::TransportAddress& proxy)>;

// Of one direction.
struct Payloads {
  Payload sent;
  Payload arriving;
};

// Between the functions nothing moves. Each returns an error if a connection breaks, a byte is
// wrong, or nothing happens for `peers::kPatience`.
class Load {
 public:
  // Phones connect from `phone_ip`, any port; the proxy connects to `core`, where it is met by a
  // peer that greets, so that who is greeted is connected from end to end. `profile`
  // must outlive it.
  static absl::StatusOr<std::unique_ptr<Load>> Start(PhoneProfile* profile,
                                                     const common::IpAddress& phone_ip,
                                                     const common::TransportAddress& core,
                                                     Payload greeting);

  // Sessions by way of these addresses of the proxy, until all are greeted; so many set-ups are
  // under way at the same time.
  absl::Status Connect(absl::Span<const common::TransportAddress> proxies, size_t at_once);

  // The same, and each ends in order as soon as it is greeted: the phone first.
  absl::Status ConnectAndClose(absl::Span<const common::TransportAddress> proxies, size_t at_once);

  // Ends all in order: the phone first.
  absl::Status Close();

  // `payloads`, again and again until `byte_count` octets have gone through each of the sessions
  // that were connected last, `session_count` of them. They are compared at their destination.
  absl::Status SendUp(const Payloads& payloads, size_t session_count, uint64_t byte_count);
  absl::Status SendDown(const Payloads& payloads, size_t session_count, uint64_t byte_count);

  // The same without looking, which costs less; then each session ends, the phone first. No more
  // than `kOnTheirWay` octets for each session are sent but not received yet: as on a path from a
  // phone, and so that they stay in the processor's caches. Else a proxy that once falls behind has
  // a long queue of octets that have left the caches, and stays behind: what an octet costs would
  // depend on chance.
  static constexpr int64_t kOnTheirWay = 64 * 1024;
  absl::Status PourUp(const Payloads& payloads, size_t session_count, uint64_t byte_count);
  absl::Status PourDown(const Payloads& payloads, size_t session_count, uint64_t byte_count);

  // Messages of `size` that the core returns, one at a time on each of the last `session_count`
  // sessions, `count` of them in all. How long each took.
  absl::StatusOr<std::vector<absl::Duration>> Ping(size_t size, size_t session_count, size_t count);

  // The same for `time`, on all sessions: each sends every `interval`, or as soon as its last
  // message is back if that takes longer; then it counts from when it should have been sent.
  absl::StatusOr<std::vector<absl::Duration>> PingEvery(size_t size, absl::Duration interval,
                                                        absl::Duration time);

  // One step of phones that hardly read: the core sends whatever is taken, and the next phone reads
  // a turn. Returns what was taken, octets. Nothing else is possible afterwards.
  size_t StepOfSlowReaders();

  size_t session_count() const { return phones_.size(); }

 private:
  enum class Work { kConnect, kConnectAndClose, kClose, kSend, kPour, kPing };
  enum class Direction { kUp, kDown };
  enum class Step { kHandshake, kGreeting, kReady, kClosing, kGone };

  struct PhoneEnd {
    Phone phone;
    common::TransportAddress proxy;
    Step step = Step::kHandshake;
    uint64_t byte_count = 0;   // Moved in this work.
    std::string payload = {};  // As often as it takes to fill a turn.
    absl::Time ping_start = {};
    bool ping_under_way = false;
  };
  struct CoreEnd {
    peers::Socket socket;
    bool gone = false;
    uint64_t byte_count = 0;
    std::string payload = {};
  };

  Load(PhoneProfile* profile, const common::IpAddress& phone_ip, peers::OwnedFd epoll,
       peers::Listener listener, Payload greeting);

  // Lets everything happen until `is_done`.
  absl::Status Run(Work work, const std::function<bool()>& is_done);

  // Waits for events, at most so long, and does what they are for. False if there were none.
  absl::StatusOr<bool> Step(absl::Duration timeout);

  absl::Status Establish(Work work, absl::Span<const common::TransportAddress> proxies,
                         size_t at_once);
  absl::Status Move(Work work, Direction direction, const Payloads& payloads, size_t session_count,
                    uint64_t byte_count);

  absl::Status StartNext();
  absl::Status Accept();
  absl::Status OnPhone(size_t index, uint32_t events);
  absl::Status OnCore(size_t index, uint32_t events);
  absl::Status GoOnWithHandshake(size_t index);
  absl::Status ReadPhone(size_t index);
  absl::Status SendFromPhone(size_t index);
  absl::Status ReadCore(size_t index);
  absl::Status SendFromCore(size_t index);
  absl::Status TakePong(PhoneEnd& end, size_t byte_count);
  absl::Status SendPing(PhoneEnd& end);
  absl::Status EndPhone(PhoneEnd& end);
  absl::Status Compare(absl::string_view bytes, absl::string_view payload, uint64_t before) const;

  // What is next of the payload after so many octets.
  absl::string_view Next(absl::string_view payload, uint64_t sent) const;

  // Lets those go on that wait until enough has arrived.
  void Arrived(size_t byte_count);

  void SetEvents(int fd, uint32_t events, uint64_t tag, bool is_new = false);
  void ForgetGone();

  PhoneProfile* const profile_;
  const common::IpAddress phone_ip_;
  const peers::OwnedFd epoll_;
  peers::Listener listener_;
  const Payload greeting_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<PhoneEnd>> phones_;
  std::vector<std::unique_ptr<CoreEnd>> cores_;

  // Of the work under way.
  Work work_ = Work::kConnect;
  Direction direction_ = Direction::kUp;
  absl::Span<const common::TransportAddress> proxies_;  // Still to be connected to,
  size_t under_way_ = 0;                                // are being connected to,
  size_t at_once_ = 0;                                  // at most so many.
  std::string ping_;
  size_t payload_size_ = 0;    // Of one payload.
  uint64_t byte_count_ = 0;    // For each session.
  size_t finished_count_ = 0;  // Sessions that are greeted, have all, or are gone.
  size_t gone_core_count_ = 0;
  int64_t on_their_way_ = 0;  // Octets sent and not received yet, of all sessions,
  int64_t on_their_way_limit_ = 0;
  std::deque<size_t> waiting_;  // and the ends that wait for that.
  size_t pings_left_ = 0;
  size_t next_slow_reader_ = 0;
  std::vector<absl::Duration> ping_times_;
};

}  // namespace bench

#endif  // TESTS_BENCH_LOAD_H_
