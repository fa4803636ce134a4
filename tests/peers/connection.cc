#include "tests/peers/connection.h"

#include <errno.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/check.h"
#include "openssl/err.h"
#include "openssl/pool.h"

namespace peers {

struct Connection::Tls {
  bssl::UniquePtr<SSL_CTX> context;
  bssl::UniquePtr<SSL> ssl;
  std::string expected_digest;
  std::string peer_digest;
  absl::optional<int> received_alert;
  int ticket_count = 0;
  bssl::UniquePtr<SSL_SESSION> session;

  static Tls& Of(const SSL* ssl) { return *static_cast<Tls*>(SSL_get_app_data(ssl)); }

  static ssl_verify_result_t Verify(SSL* ssl, uint8_t* alert) {
    Tls& tls = Of(ssl);
    const STACK_OF(CRYPTO_BUFFER)* chain = SSL_get0_peer_certificates(ssl);
    CHECK(chain != nullptr && sk_CRYPTO_BUFFER_num(chain) > 0);
    const CRYPTO_BUFFER* leaf = sk_CRYPTO_BUFFER_value(chain, 0);
    tls.peer_digest =
        Sha256({reinterpret_cast<const char*>(CRYPTO_BUFFER_data(leaf)), CRYPTO_BUFFER_len(leaf)});
    if (tls.expected_digest.empty() || tls.peer_digest == tls.expected_digest) return ssl_verify_ok;
    *alert = SSL_AD_BAD_CERTIFICATE;
    return ssl_verify_invalid;
  }

  static void OnInfo(const SSL* ssl, int type, int value) {
    if (type == SSL_CB_READ_ALERT) Of(ssl).received_alert = value & 0xff;
  }

  static int OnNewSession(SSL* ssl, SSL_SESSION* session) {
    ++Of(ssl).ticket_count;
    Of(ssl).session.reset(session);
    return 1;
  }
};

bssl::UniquePtr<SSL_CTX> NewResumption(Resumption kind) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_SERVER);
  const uint8_t any_application = 1;
  CHECK(SSL_CTX_set_session_id_context(context.get(), &any_application, 1));
  if (kind == Resumption::kSessionId) SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  return context;
}

Connection::Connection(Socket socket) : socket_(std::move(socket)) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

absl::Status Connection::StartTls(const TlsOptions& options, absl::Duration timeout) {
  signal(SIGPIPE, SIG_IGN);  // BoringSSL writes with write().
  tls_ = std::make_unique<Tls>();
  tls_->expected_digest = options.expected_digest;
  tls_->context = options.resumption != nullptr
                      ? bssl::UpRef(options.resumption)
                      : bssl::UniquePtr<SSL_CTX>(SSL_CTX_new(TLS_method()));
  SSL_CTX* context = tls_->context.get();
  CHECK(SSL_CTX_set_min_proto_version(context, options.min_version));
  CHECK(SSL_CTX_set_max_proto_version(context, options.max_version));
  SSL_CTX_set_custom_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                            &Tls::Verify);
  SSL_CTX_set_info_callback(context, &Tls::OnInfo);
  if (!options.is_server) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(context, &Tls::OnNewSession);
  }
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (options.certificate != nullptr) {
    CHECK(SSL_CTX_use_certificate(context, options.certificate->x509()));
    CHECK(SSL_CTX_use_PrivateKey(context, options.certificate->key()));
  }
  tls_->ssl.reset(SSL_new(context));
  SSL* ssl = tls_->ssl.get();
  SSL_set_app_data(ssl, tls_.get());
  CHECK(SSL_set_fd(ssl, socket_.fd()));
  if (options.session != nullptr) SSL_set_session(ssl, options.session);
  if (options.is_server) {
    SSL_set_accept_state(ssl);
  } else {
    SSL_set_connect_state(ssl);
  }
  return ContinueTls(timeout);
}

absl::Status Connection::ContinueTls(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (true) {
    ERR_clear_error();
    const int result = SSL_do_handshake(tls_->ssl.get());
    if (result == 1) return absl::OkStatus();
    const int error = SSL_get_error(tls_->ssl.get(), result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      char text[256];
      ERR_error_string_n(ERR_peek_error(), text, sizeof(text));
      return absl::UnavailableError(absl::StrCat("TLS handshake: ", text));
    }
    if (!WaitForSsl(error, deadline)) return absl::DeadlineExceededError("TLS handshake");
  }
}

bool Connection::WaitForSsl(int error, absl::Time deadline) {
  const absl::Duration left = deadline - absl::Now();
  return error == SSL_ERROR_WANT_READ ? socket_.WaitReadable(left) : socket_.WaitWritable(left);
}

absl::StatusOr<size_t> Connection::SendSome(absl::string_view bytes) {
  long count;
  if (tls_ == nullptr) {
    count = socket_.Write(bytes);
  } else {
    ERR_clear_error();
    count = SSL_write(tls_->ssl.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (count <= 0) {
      const int error = SSL_get_error(tls_->ssl.get(), static_cast<int>(count));
      count = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
    }
  }
  if (count < 0) return absl::UnavailableError("the connection is broken");
  sent_byte_count_ += static_cast<uint64_t>(count);
  return static_cast<size_t>(count);
}

absl::Status Connection::Send(absl::string_view bytes, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!bytes.empty()) {
    absl::StatusOr<size_t> count = SendSome(bytes);
    if (!count.ok()) return count.status();
    bytes.remove_prefix(*count);
    if (*count == 0 && !socket_.WaitWritable(deadline - absl::Now())) {
      return absl::DeadlineExceededError("the far end does not read");
    }
  }
  return absl::OkStatus();
}

Ending Connection::ReceiveSome(std::string* bytes, size_t limit) {
  char buffer[64 * 1024];
  const size_t enough = bytes->size() + limit;
  while (ending_ == Ending::kNone && bytes->size() < enough) {
    if (tls_ == nullptr) {
      const Socket::ReadResult result = socket_.Read(buffer, sizeof(buffer));
      ending_ = result.ending;
      if (result.byte_count == 0) break;
      bytes->append(buffer, result.byte_count);
      received_byte_count_ += result.byte_count;
      continue;
    }
    ERR_clear_error();
    errno = 0;
    const int count = SSL_read(tls_->ssl.get(), buffer, sizeof(buffer));
    if (count > 0) {
      bytes->append(buffer, static_cast<size_t>(count));
      received_byte_count_ += static_cast<uint64_t>(count);
      continue;
    }
    const int system_error = errno;
    switch (SSL_get_error(tls_->ssl.get(), count)) {
      case SSL_ERROR_WANT_READ:
      case SSL_ERROR_WANT_WRITE:
        return Ending::kNone;
      case SSL_ERROR_ZERO_RETURN:
        ending_ = Ending::kCloseNotify;
        break;
      case SSL_ERROR_SYSCALL:
        ending_ = system_error == 0 ? Ending::kFin : Ending::kReset;
        break;
      default:
        ending_ = Ending::kTlsError;
    }
  }
  return ending_;
}

bool Connection::ReceiveMore(std::string* bytes, absl::Time deadline) {
  const size_t size_before = bytes->size();
  // What TLS has decrypted already does not make the socket readable.
  return ReceiveSome(bytes) != Ending::kNone || bytes->size() > size_before ||
         socket_.WaitReadable(deadline - absl::Now());
}

absl::StatusOr<std::string> Connection::Receive(size_t size, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  std::string bytes;
  while (bytes.size() < size) {
    const bool in_time = ReceiveMore(&bytes, deadline);
    if (bytes.size() >= size) break;
    if (ending_ != Ending::kNone) {
      return absl::UnavailableError(
          absl::StrCat(ToString(ending_), " after ", bytes.size(), " of ", size, " bytes"));
    }
    if (!in_time) {
      return absl::DeadlineExceededError(
          absl::StrCat(bytes.size(), " of ", size, " bytes came in time"));
    }
  }
  if (bytes.size() > size) return absl::InternalError("more bytes than expected");
  return bytes;
}

absl::StatusOr<std::string> Connection::ReceiveToEnd(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  std::string bytes;
  while (ending_ == Ending::kNone) {
    if (!ReceiveMore(&bytes, deadline)) {
      return absl::DeadlineExceededError(absl::StrCat("no end after ", bytes.size(), " bytes"));
    }
  }
  return bytes;
}

Ending Connection::WaitForEnd(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  std::string ignored;
  while (ending_ == Ending::kNone && ReceiveMore(&ignored, deadline)) ignored.clear();
  return ending_;
}

bool Connection::WaitForFinBelowTls(absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  char byte;
  while (true) {
    const Socket::ReadResult result = socket_.Read(&byte, 1);
    if (result.ending != Ending::kNone) return result.ending == Ending::kFin;
    if (result.byte_count == 0 && !socket_.WaitReadable(deadline - absl::Now())) return false;
  }
}

void Connection::CloseWrite() {
  if (tls_ != nullptr) SSL_shutdown(tls_->ssl.get());
  socket_.CloseWrite();
}

std::string Connection::tls_version() const { return SSL_get_version(tls_->ssl.get()); }

std::string Connection::cipher_suite() const {
  return SSL_CIPHER_standard_name(SSL_get_current_cipher(tls_->ssl.get()));
}

bool Connection::resumed() const { return SSL_session_reused(tls_->ssl.get()) != 0; }

int Connection::ticket_count() const { return tls_->ticket_count; }

absl::optional<int> Connection::received_alert() const { return tls_->received_alert; }

std::string Connection::peer_digest() const { return tls_->peer_digest; }

bssl::UniquePtr<SSL_SESSION> Connection::session() const {
  if (tls_->session != nullptr) return bssl::UpRef(tls_->session);
  return bssl::UniquePtr<SSL_SESSION>(SSL_get1_session(tls_->ssl.get()));
}

}  // namespace peers
