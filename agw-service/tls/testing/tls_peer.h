// The far end of a `TlsStream` in tests: BoringSSL by itself, with a hand on every octet it sends.

#ifndef AGW_SERVICE_TLS_TESTING_TLS_PEER_H_
#define AGW_SERVICE_TLS_TESTING_TLS_PEER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "agw-service/net/owned_fd.h"
#include "agw-service/tls/boringssl_ptr.h"
#include "agw-service/tls/testing/certificates.h"
#include "agw-service/tls/tls_profile.h"

namespace agw {

// Takes any certificate. Non-blocking; what BoringSSL writes lies in memory until `Send()`.
class TlsPeer {
 public:
  struct Options {
    TlsRole role = TlsRole::kClient;
    uint16_t min_version = 0x0303;
    uint16_t max_version = 0x0304;
    const TestCertificate* certificate = nullptr;
    evp_pkey_st* signing_key = nullptr;  // Not that of the certificate: P-256.
    std::string cipher_suites;           // Of TLS 1.2; empty: the default.
    int group = 0;                       // The only one; 0: the default.
    bool asks_for_certificate = true;    // As a server.
  };

  TlsPeer(OwnedFd fd, const Options& options);
  ~TlsPeer();

  int fd() const { return fd_.get(); }
  ssl_st* ssl() { return ssl_.get(); }
  evp_pkey_st* signing_key() const { return signing_key_; }

  // Takes what has arrived, goes on with the handshake or with reading, and sends. False: it
  // failed.
  bool Step(bool sends = true);

  bool handshake_done() const;

  // Encrypts. Sent by `Step()` or `Send()`.
  void Write(absl::string_view bytes);
  void CloseNotify();

  // Sends raw octets, or at most `limit` of what BoringSSL wrote.
  void SendRaw(absl::string_view bytes);
  void Send(size_t limit = SIZE_MAX);
  size_t unsent_byte_count() const;
  std::string TakeUnsent();

  void ShutdownWrite();
  void Close(bool reset = false);

  // While off, nothing is taken from the socket.
  void set_reading(bool reading) { reading_ = reading; }

  const std::string& received() const { return received_; }
  bool saw_close_notify() const { return saw_close_notify_; }
  bool saw_end() const { return saw_end_; }
  int alert() const { return alert_; }  // The fatal alert received; -1: none.
  bool has_resumed() const;

 private:
  void Receive();

  OwnedFd fd_;
  TlsRole role_;
  evp_pkey_st* signing_key_;
  BoringSslPtr<ssl_ctx_st> ssl_ctx_;
  BoringSslPtr<ssl_st> ssl_;
  bool reading_ = true;
  std::string received_;
  bool saw_close_notify_ = false;
  bool saw_end_ = false;
  bool failed_ = false;
  int alert_ = -1;
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TESTING_TLS_PEER_H_
