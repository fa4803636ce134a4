// The end of a session that has TLS: a phone that asks little of the core it runs on, so that the
// proxy is what a benchmark waits for. tests/peers has one for tests, which waits and tells more.

#ifndef TESTS_BENCH_PHONE_H_
#define TESTS_BENCH_PHONE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "openssl/ssl.h"
#include "tests/peers/socket.h"

namespace bench {

// The ciphertext received in one turn, octets, and room for what it holds.
inline constexpr size_t kReceiveSize = 256 * 1024;
inline constexpr size_t kReadSize = kReceiveSize + 32 * 1024;

// What all phones have in common: TLS 1.3 with TLS_AES_128_GCM_SHA256, one certificate, and
// buffers, which is why all of them live on one thread.
class PhoneProfile {
 public:
  // From PEM files.
  static absl::StatusOr<std::unique_ptr<PhoneProfile>> Load(const std::string& certificate_file,
                                                            const std::string& key_file);

  // SHA-256 of the certificate: 32 octets.
  const std::string& digest() const { return digest_; }

 private:
  friend class Phone;

  PhoneProfile();

  static int OnRead(BIO* bio, char* buffer, int size);
  static int OnWrite(BIO* bio, const char* bytes, int size);
  static long OnControl(BIO* bio, int command, long number, void* pointer);

  bssl::UniquePtr<SSL_CTX> context_;
  bssl::UniquePtr<BIO> bio_;
  std::string digest_;
  std::string received_;           // A turn of ciphertext,
  absl::Span<const char> unread_;  // and what of it is still to be read.
  std::string sealed_;             // What is to be sent.
};

// One connection. Never waits. Every error is the end of it. Without a profile it has no TLS: then
// handshake and close_notify are nothing, and bytes go as they are.
class Phone {
 public:
  // `socket` may be on its way still. `profile` may be null, and must outlive it.
  Phone(PhoneProfile* profile, peers::Socket socket);

  // Goes on with the handshake; true once it is done.
  absl::StatusOr<bool> Handshake();

  // What was received, nothing if there is nothing now. `buffer` has `kReadSize`.
  struct ReadResult {
    size_t byte_count = 0;
    bool ended = false;  // close_notify or FIN.
  };
  absl::StatusOr<ReadResult> Read(absl::Span<char> buffer);

  // Counts what was received without decrypting it, which costs little; nothing can be read
  // afterwards. What is no octet of the application counts as well, but comes only at the end.
  absl::StatusOr<ReadResult> Count();

  // Seals and sends. What the kernel does not take is kept for `Flush`.
  absl::Status Write(absl::string_view bytes);
  absl::Status Flush();
  bool has_unsent() const { return !unsent_.empty(); }

  // close_notify and FIN.
  absl::Status CloseWrite();

  int fd() const { return socket_.fd(); }

 private:
  // Receives a turn, unless something of this connection is kept. False if there is nothing now.
  absl::StatusOr<bool> Receive();
  absl::Status SendSealed();
  absl::Status Send(absl::string_view bytes);
  absl::Status TlsError(absl::string_view what, int result) const;

  PhoneProfile* const profile_;
  peers::Socket socket_;
  bssl::UniquePtr<SSL> ssl_;
  std::string unsent_;
  std::string partial_record_;  // Ciphertext of which the rest has not come.
  std::string record_header_;  // What has come of the next one, and how much of the record has not.
  size_t rest_of_record_ = 0;
  bool handshake_done_ = false;
  bool ended_ = false;
};

}  // namespace bench

#endif  // TESTS_BENCH_PHONE_H_
