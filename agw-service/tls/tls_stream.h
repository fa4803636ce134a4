// A `ByteStream` over TLS: one connected socket, encrypted.

#ifndef AGW_SERVICE_TLS_TLS_STREAM_H_
#define AGW_SERVICE_TLS_TLS_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "agw-service/bearer/byte_stream.h"
#include "agw-service/bearer/send_queue.h"
#include "agw-service/net/owned_fd.h"
#include "agw-service/tls/boringssl_ptr.h"
#include "agw-service/tls/fingerprint.h"
#include "agw-service/tls/tls_failure.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/tls/tls_profile.h"

namespace agw {

struct TlsHandshake;

// First the handshake: call `Handshake()` until it says `kDone`, and none of `ByteStream`'s methods
// but `fd()` and `ResetOnClose()` before. The peer's certificate must match a fingerprint that
// signalling has brought. If it is not known yet when the certificate comes, the handshake is held
// there and nothing is read from the socket: what the peer sends meanwhile stays with the kernel.
// So does application data behind a client's Finished, until the handshake is done.
//
// Lives on one worker. At rest it owns an SSL and nothing else.
class TlsStream final : public ByteStream {
 public:
  // What to do before `Handshake()` is called again.
  enum class HandshakeProgress {
    kWantsReadable,  // Wait until the socket is readable.
    kWantsWritable,  // Wait until it is writable.
    kHeld,           // Call `SetRemoteFingerprints()`. Do not wait for the socket to be readable.
    kDone,           // Nothing: the stream may be used, and may have bytes to read.
  };

  // The end of TLS that answers. `fd` is connected and non-blocking. `profile` must outlive the
  // stream.
  static std::unique_ptr<TlsStream> Server(TlsProfile& profile,
                                           const std::shared_ptr<const TlsIdentity>& identity,
                                           OwnedFd fd);

  // The end that begins. It names no server (SNI): signalling knows addresses only.
  static std::unique_ptr<TlsStream> Client(TlsProfile& profile,
                                           const std::shared_ptr<const TlsIdentity>& identity,
                                           OwnedFd fd);

  ~TlsStream() override;

  // What the peer's certificate is compared with. May be called before the handshake or while it is
  // held; has no effect once the certificate was compared. An empty set holds the handshake.
  void SetRemoteFingerprints(const FingerprintSet& fingerprints);

  // Takes the handshake as far as it goes. An error is the end: an alert has been sent where there
  // was a reason to, and `failure()` tells why. Codes: `kUnavailable` closed by the peer,
  // `kDeadlineExceeded` TCP gave up, `kDataLoss` otherwise.
  absl::StatusOr<HandshakeProgress> Handshake();

  bool handshake_done() const { return handshake_ == nullptr; }

  // Why `Handshake()` failed; nullopt if it did not. Never `kTimedOut`: how long it may take is
  // the owner's affair.
  absl::optional<TlsFailure> failure() const { return failure_; }

  // The certificate the peer presented, by the hash function that was compared; nullopt if nothing
  // was compared yet. Equal to one of the remote fingerprints once the handshake is done.
  const absl::optional<Fingerprint>& presented_fingerprint() const {
    return presented_fingerprint_;
  }

  // "TLSv1.2" or "TLSv1.3". Only after the handshake.
  absl::string_view protocol_version() const;

  // The IANA name, "TLS_AES_128_GCM_SHA256". Only after the handshake.
  absl::string_view cipher_suite() const;

  absl::StatusOr<ReadResult> Read(size_t limit) override;
  absl::Status Write(absl::Span<const char> bytes) override;
  absl::Status CloseWrite() override;
  absl::Status Flush() override { return send_queue_.Flush(); }
  size_t unsent_byte_count() const override { return send_queue_.unsent_byte_count(); }
  bool ended_cleanly() const override { return ended_cleanly_; }
  void ResetOnClose() override;
  int fd() const override { return fd_.get(); }

  // Also for the socket of a handshake that failed with `kDataLoss`: FIN has been sent behind the
  // alert, but what the peer sends is not read. Closing it at once may send RST, which can overtake
  // the alert.
  OwnedFd TakeFd() override { return std::move(fd_); }

 private:
  TlsStream(TlsProfile& profile, TlsRole role, const TlsIdentity& identity, OwnedFd fd);

  absl::StatusOr<HandshakeProgress> FinishHandshake();
  absl::Status FailHandshake(TlsFailure failure, absl::string_view detail);

  // Sends what BoringSSL has left in the scratch memory.
  absl::Status SendSealed();

  TlsProfile& profile_;
  OwnedFd fd_;
  SendQueue send_queue_;
  BoringSslPtr<ssl_st> ssl_;
  std::unique_ptr<TlsHandshake> handshake_;  // What only the handshake needs; null when it is done.
  absl::optional<TlsFailure> failure_;
  bool ended_cleanly_ = false;
  uint16_t partial_record_size_ = 0;  // See `TlsBio`.
  absl::optional<Fingerprint> presented_fingerprint_;
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TLS_STREAM_H_
