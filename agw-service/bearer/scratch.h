// The memory a worker moves bytes through, shared by all streams of the worker.

#ifndef AGW_SERVICE_BEARER_SCRATCH_H_
#define AGW_SERVICE_BEARER_SCRATCH_H_

#include <array>
#include <cstddef>

#include "absl/types/span.h"

namespace agw {

// One turn: what is received at once.
inline constexpr size_t kTurnSize = 64 * 1024;

// A turn of a stream whose last turn was full and which nobody refused anything. What a turn costs
// beside its octets (two system calls, and waking both peers) is then paid less often.
inline constexpr size_t kBusyTurnSize = 256 * 1024;

// Room for what TLS adds to one turn: 17 records of 16 KiB at most, each with a header of 5 octets,
// a tag of 16 and, in TLS 1.2, a nonce of 8; and an alert or key update.
inline constexpr size_t kTlsOverhead = 1024;

// More than a record of TLS has on the wire: 16 KiB, a header of 5 octets, and what protects it.
inline constexpr size_t kRecordLimit = 17 * 1024;

// One piece of memory, in which octets move towards its beginning as they are worked upon, so that
// as little as possible goes through the CPU's caches:
//
//   ├─ kTlsOverhead ─┼─ kRecordLimit ─┼─ kBusyTurnSize ───────────┤
//                                     received  from the socket
//                    plaintext  after decryption: no longer than what was received and the part of
//                               a record that came before
//   sealed  after encryption of either: longer than these by `kTlsOverhead` at most
//
// So what is written never reaches what is still to be read, as long as it goes from front to end.
//
// Lives on one worker; outlives the worker's streams.
class Scratch {
 public:
  absl::Span<char> received() { return plaintext().subspan(kRecordLimit); }
  absl::Span<char> plaintext() { return sealed().subspan(kTlsOverhead); }
  absl::Span<char> sealed() { return absl::MakeSpan(memory_); }

 private:
  std::array<char, kTlsOverhead + kRecordLimit + kBusyTurnSize> memory_;
};

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_SCRATCH_H_
