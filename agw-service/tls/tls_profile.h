// What the IMS-AGW negotiates: the TLS profile of 3GPP TS 33.210 clause 6.2, narrowed for media
// whose certificates are bound by SDP fingerprints.

#ifndef AGW_SERVICE_TLS_TLS_PROFILE_H_
#define AGW_SERVICE_TLS_TLS_PROFILE_H_

#include <cstddef>
#include <memory>

#include "agw-service/bearer/scratch.h"
#include "agw-service/tls/boringssl_ptr.h"

namespace agw {

class TlsBio;

enum class TlsRole { kClient, kServer };

// TLS 1.2 and 1.3; in 1.2 ECDHE with AES-GCM or ChaCha20-Poly1305 only. Groups P-256, X25519,
// P-384. Both sides present a certificate (RSA, P-256 or P-384; no SHA-1 signatures). No
// resumption, tickets or early data: they would bypass the comparison of fingerprints. No
// renegotiation, no compression.
//
// One for each worker, so that workers share nothing that changes. Lives on one worker; outlives
// the streams made with it.
class TlsProfile {
 public:
  struct Options {
    // Longest handshake message a peer may send, in octets; a chain of certificates is one message.
    // 16,384 at least.
    size_t handshake_message_limit = 16 * 1024;
  };

  // `scratch` must outlive the profile.
  TlsProfile(Scratch& scratch, const Options& options);
  explicit TlsProfile(Scratch& scratch) : TlsProfile(scratch, Options()) {}
  ~TlsProfile();

  TlsProfile(const TlsProfile&) = delete;
  TlsProfile& operator=(const TlsProfile&) = delete;

  Scratch& scratch() { return scratch_; }

  // For `TlsStream`: a new SSL of the role, reading and writing through `bio()`.
  BoringSslPtr<ssl_st> NewSsl(TlsRole role);
  TlsBio& bio() { return *bio_; }

 private:
  Scratch& scratch_;
  const std::unique_ptr<TlsBio> bio_;
  const BoringSslPtr<ssl_ctx_st> client_;
  const BoringSslPtr<ssl_ctx_st> server_;
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TLS_PROFILE_H_
