// The memory a worker moves bytes through, shared by all streams of the worker.

#ifndef AGW_SERVICE_BEARER_SCRATCH_H_
#define AGW_SERVICE_BEARER_SCRATCH_H_

#include <array>
#include <cstddef>

namespace agw {

// One turn: what is received at once.
inline constexpr size_t kTurnSize = 64 * 1024;

// A turn of a stream whose last turn was full and which nobody refused anything. What a turn costs
// beside its octets (two system calls, and waking both peers) is then paid less often.
inline constexpr size_t kBusyTurnSize = 256 * 1024;

// Room for what TLS adds to one turn: 17 records of 16 KiB at most, each with a header of 5 octets,
// a tag of 16 and, in TLS 1.2, a nonce of 8; and an alert or key update.
inline constexpr size_t kTlsOverhead = 1024;

// Lives on one worker; outlives the worker's streams.
struct Scratch {
  std::array<char, kBusyTurnSize> received;               // From the socket.
  std::array<char, kBusyTurnSize> plaintext;              // After decryption.
  std::array<char, kBusyTurnSize + kTlsOverhead> sealed;  // After encryption.
};

}  // namespace agw

#endif  // AGW_SERVICE_BEARER_SCRATCH_H_
