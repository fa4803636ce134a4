// One end of a TCP or TLS connection, as a phone or a core peer has it.

#ifndef TESTS_PEERS_CONNECTION_H_
#define TESTS_PEERS_CONNECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "openssl/ssl.h"
#include "tests/peers/certificate.h"
#include "tests/peers/socket.h"

namespace peers {

struct TlsOptions {
  bool is_server = false;

  // What to present; none if null. Must live during the handshake.
  const Certificate* certificate = nullptr;

  // The handshake fails for another certificate than this SHA-256 digest's. Empty: takes any.
  std::string expected_digest = {};

  uint16_t min_version = TLS1_2_VERSION;
  uint16_t max_version = TLS1_3_VERSION;

  // A session to offer for resumption.
  SSL_SESSION* session = nullptr;

  // Of a server that knows its clients again: what it remembers them by. Must live as long as they
  // are to be known.
  SSL_CTX* resumption = nullptr;
};

// How a server knows a client again: by a ticket (with TLS 1.3: a pre-shared key) that the client
// keeps, or by an id of TLS 1.2.
enum class Resumption { kTicket, kSessionId };
bssl::UniquePtr<SSL_CTX> NewResumption(Resumption kind);

// Waits with time limits. Lives on one thread.
class Connection {
 public:
  explicit Connection(Socket socket);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // Does the TLS handshake. `kDeadlineExceeded` if the far end keeps it waiting: then it may be
  // continued with `ContinueTls`.
  absl::Status StartTls(const TlsOptions& options, absl::Duration timeout = kPatience);
  absl::Status ContinueTls(absl::Duration timeout = kPatience);

  // Sends all of it.
  absl::Status Send(absl::string_view bytes, absl::Duration timeout = kPatience);

  // Sends what is taken now, without waiting; returns how much that was.
  absl::StatusOr<size_t> SendSome(absl::string_view bytes);

  // Appends what is there to `bytes`, about `limit` at most, without waiting. Returns how the far
  // end's direction stands.
  Ending ReceiveSome(std::string* bytes, size_t limit = 1 << 20);

  // Waits for exactly `size` bytes, for all bytes to the end, for the end alone.
  absl::StatusOr<std::string> Receive(size_t size, absl::Duration timeout = kPatience);
  absl::StatusOr<std::string> ReceiveToEnd(absl::Duration timeout = kPatience);
  Ending WaitForEnd(absl::Duration timeout = kPatience);

  // True if FIN comes, after a close_notify where there is TLS.
  bool WaitForFinBelowTls(absl::Duration timeout = kPatience);

  // Ends our direction: close_notify where there is TLS, then FIN.
  void CloseWrite();
  // RST.
  void Reset() { socket_.Reset(); }

  Socket& socket() { return socket_; }
  Ending ending() const { return ending_; }
  uint64_t sent_byte_count() const { return sent_byte_count_; }
  uint64_t received_byte_count() const { return received_byte_count_; }

  // Of TLS: "TLSv1.3", the cipher suite's IANA name, whether a session was resumed, how many
  // tickets came, the last alert received, the far end's digest.
  std::string tls_version() const;
  std::string cipher_suite() const;
  bool resumed() const;
  int ticket_count() const;
  absl::optional<int> received_alert() const;
  std::string peer_digest() const;
  bssl::UniquePtr<SSL_SESSION> session() const;

 private:
  struct Tls;

  // Receives, or waits until there is something to receive; false if the time is over.
  bool ReceiveMore(std::string* bytes, absl::Time deadline);

  bool WaitForSsl(int result, absl::Time deadline);

  Socket socket_;
  std::unique_ptr<Tls> tls_;  // Null: plain TCP.
  Ending ending_ = Ending::kNone;
  uint64_t sent_byte_count_ = 0;
  uint64_t received_byte_count_ = 0;
};

}  // namespace peers

#endif  // TESTS_PEERS_CONNECTION_H_
