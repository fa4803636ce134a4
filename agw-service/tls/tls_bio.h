// What BoringSSL reads from and writes to. One BIO serves all streams of a worker: each points it
// at what it needs before it calls BoringSSL.

#ifndef AGW_SERVICE_TLS_TLS_BIO_H_
#define AGW_SERVICE_TLS_TLS_BIO_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/tls/boringssl_ptr.h"
#include "agw-service/tls/fingerprint.h"

namespace agw {

// What BoringSSL's callbacks have to know of a handshake, and what they found out.
struct TlsHandshake {
  int fd = -1;
  FingerprintSet remote_fingerprints;

  bool received_anything = false;
  bool starts_like_tls = false;  // The first octets received could be the header of a record.
  bool ended_by_peer = false;    // FIN.
  absl::Status socket_status;    // Why the socket failed.
  absl::optional<FingerprintSet::Comparison> comparison;
};

// Lives on one worker.
class TlsBio {
 public:
  explicit TlsBio(Scratch& scratch);

  TlsBio(const TlsBio&) = delete;
  TlsBio& operator=(const TlsBio&) = delete;

  // During a handshake: receives and sends at once, just what BoringSSL asks for, so that nothing
  // behind the peer's last handshake record leaves the kernel. `handshake` must outlive the calls
  // of BoringSSL that follow.
  void UseSocket(TlsHandshake& handshake);

  // Thereafter: reads from `received` and writes to the scratch memory's `sealed`, from its start.
  // What is written may take the place of what BoringSSL has read already (see scratch.h).
  // `partial_record_size` is what the same method returned after the stream's previous reading.
  void UseMemory(absl::Span<const char> received, size_t partial_record_size);

  // Octets BoringSSL has read of a record whose end has not come yet. It keeps them, so what it
  // returns for the next turn can be longer than the turn by as much.
  size_t partial_record_size() const { return partial_record_size_; }

  // The rest of what was received.
  absl::Span<const char> unread() const { return received_; }

  // What BoringSSL has written to memory. Valid until the next `UseMemory()`.
  absl::Span<const char> sealed() const { return scratch_.sealed().first(sealed_size_); }

  // The handshake under way.
  TlsHandshake* handshake() { return handshake_; }

  bio_st* bio() { return bio_.get(); }

 private:
  static int OnRead(bio_st* bio, char* buffer, int size);
  static int OnWrite(bio_st* bio, const char* bytes, int size);
  static long OnControl(bio_st* bio, int command, long number, void* pointer);

  int ReadSocket(absl::Span<char> buffer);
  int ReadMemory(absl::Span<char> buffer);
  int WriteSocket(absl::Span<const char> bytes);
  int WriteMemory(absl::Span<const char> bytes);

  Scratch& scratch_;
  const BoringSslPtr<bio_method_st> method_;
  const BoringSslPtr<bio_st> bio_;

  TlsHandshake* handshake_ = nullptr;  // Null: memory.
  absl::Span<const char> received_;    // Not yet read.
  size_t partial_record_size_ = 0;
  size_t sealed_size_ = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TLS_BIO_H_
