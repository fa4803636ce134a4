#include "agw-service/tls/testing/tls_peer.h"

#include <openssl/bio.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <utility>

#include "agw-service/net/socket.h"
#include "common/check.h"

namespace agw {
namespace {

ssl_private_key_result_t SignWithAnotherKey(SSL* ssl, uint8_t* out, size_t* out_size,
                                            size_t max_size, uint16_t /*algorithm*/,
                                            const uint8_t* in, size_t in_size) {
  EVP_PKEY* key = static_cast<TlsPeer*>(SSL_get_app_data(ssl))->signing_key();
  bssl::ScopedEVP_MD_CTX context;
  *out_size = max_size;
  CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key));
  CHECK(EVP_DigestSign(context.get(), out, out_size, in, in_size));
  return ssl_private_key_success;
}

}  // namespace

TlsPeer::TlsPeer(OwnedFd fd, const Options& options)
    : fd_(std::move(fd)), role_(options.role), signing_key_(options.signing_key) {
  ssl_ctx_.reset(SSL_CTX_new(TLS_with_buffers_method()));
  CHECK(SSL_CTX_set_min_proto_version(ssl_ctx_.get(), options.min_version));
  CHECK(SSL_CTX_set_max_proto_version(ssl_ctx_.get(), options.max_version));
  SSL_CTX_set_session_cache_mode(ssl_ctx_.get(), SSL_SESS_CACHE_BOTH);
  const int mode = role_ == TlsRole::kServer && !options.asks_for_certificate ? SSL_VERIFY_NONE
                                                                              : SSL_VERIFY_PEER;
  SSL_CTX_set_custom_verify(ssl_ctx_.get(), mode, [](SSL*, uint8_t*) { return ssl_verify_ok; });
  SSL_CTX_set_max_cert_list(ssl_ctx_.get(), 1 << 20);
  if (!options.cipher_suites.empty()) {
    CHECK(SSL_CTX_set_strict_cipher_list(ssl_ctx_.get(), options.cipher_suites.c_str()));
  }
  if (options.group != 0) CHECK(SSL_CTX_set1_curves(ssl_ctx_.get(), &options.group, 1));
  const uint16_t kSign[] = {SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ECDSA_SECP384R1_SHA384,
                            SSL_SIGN_RSA_PSS_RSAE_SHA256, SSL_SIGN_RSA_PKCS1_SHA256,
                            SSL_SIGN_ED25519};
  CHECK(SSL_CTX_set_signing_algorithm_prefs(ssl_ctx_.get(), kSign, 5));

  ssl_.reset(SSL_new(ssl_ctx_.get()));
  SSL_set_app_data(ssl_.get(), this);
  SSL_set_info_callback(ssl_.get(), [](const SSL* ssl, int type, int value) {
    // The level of the alert is in the upper octet.
    if (type == SSL_CB_READ_ALERT && (value >> 8) == SSL3_AL_FATAL) {
      static_cast<TlsPeer*>(SSL_get_app_data(ssl))->alert_ = value & 0xff;
    }
  });
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_renegotiate_mode(ssl_.get(), ssl_renegotiate_never);
  BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), -1);
  if (options.certificate != nullptr) {
    CRYPTO_BUFFER* const chain[] = {options.certificate->buffer.get()};
    static const SSL_PRIVATE_KEY_METHOD kSignsWithAnotherKey = {
        .sign = &SignWithAnotherKey, .decrypt = nullptr, .complete = nullptr};
    const bool owns_key = options.signing_key == nullptr;
    CHECK(SSL_set_chain_and_key(ssl_.get(), chain, 1,
                                owns_key ? options.certificate->key.get() : nullptr,
                                owns_key ? nullptr : &kSignsWithAnotherKey));
  }
  if (role_ == TlsRole::kClient) {
    SSL_set_connect_state(ssl_.get());
  } else {
    SSL_set_accept_state(ssl_.get());
  }
}

TlsPeer::~TlsPeer() = default;

void TlsPeer::Receive() {
  char buffer[64 * 1024];
  while (reading_ && !saw_end_) {
    const absl::StatusOr<RecvResult> result = Recv(fd_.get(), absl::MakeSpan(buffer));
    if (!result.ok() || result->end_of_stream) {
      saw_end_ = true;
    } else if (result->would_block) {
      return;
    } else {
      CHECK(BIO_write(SSL_get_rbio(ssl_.get()), buffer, static_cast<int>(result->byte_count)) > 0);
    }
  }
}

bool TlsPeer::Step(bool sends) {
  Receive();
  ERR_clear_error();
  if (!failed_ && !SSL_is_init_finished(ssl_.get())) {
    const int result = SSL_do_handshake(ssl_.get());
    const int error = SSL_get_error(ssl_.get(), result);
    if (result != 1 && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      failed_ = true;
    }
  }
  while (!failed_ && SSL_is_init_finished(ssl_.get())) {
    char buffer[16 * 1024];
    const int result = SSL_read(ssl_.get(), buffer, sizeof(buffer));
    if (result > 0) {
      received_.append(buffer, result);
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), result);
    if (error == SSL_ERROR_ZERO_RETURN) saw_close_notify_ = true;
    if (error == SSL_ERROR_SSL) failed_ = true;
    break;
  }
  if (sends) Send();
  return !failed_;
}

bool TlsPeer::handshake_done() const { return SSL_is_init_finished(ssl_.get()); }

void TlsPeer::Write(absl::string_view bytes) {
  CHECK(SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
        static_cast<int>(bytes.size()));
}

void TlsPeer::CloseNotify() { CHECK(SSL_shutdown(ssl_.get()) >= 0); }

void TlsPeer::SendRaw(absl::string_view bytes) {
  while (!bytes.empty()) {
    const absl::StatusOr<size_t> sent = agw::Send(fd_.get(), bytes);
    if (!sent.ok() || *sent == 0) return;
    bytes.remove_prefix(*sent);
  }
}

void TlsPeer::Send(size_t limit) {
  BIO* bio = SSL_get_wbio(ssl_.get());
  const uint8_t* data = nullptr;
  size_t size = 0;
  CHECK(BIO_mem_contents(bio, &data, &size));
  size = std::min(size, limit);
  if (size == 0) return;
  const absl::StatusOr<size_t> sent =
      agw::Send(fd_.get(), absl::MakeConstSpan(reinterpret_cast<const char*>(data), size));
  if (!sent.ok()) return;
  std::string gone(*sent, '\0');
  if (*sent > 0) CHECK(BIO_read(bio, gone.data(), static_cast<int>(*sent)) > 0);
}

size_t TlsPeer::unsent_byte_count() const {
  const uint8_t* data = nullptr;
  size_t size = 0;
  CHECK(BIO_mem_contents(SSL_get_wbio(ssl_.get()), &data, &size));
  return size;
}

std::string TlsPeer::TakeUnsent() {
  std::string bytes(unsent_byte_count(), '\0');
  if (!bytes.empty()) {
    CHECK(BIO_read(SSL_get_wbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size())) > 0);
  }
  return bytes;
}

void TlsPeer::ShutdownWrite() { CHECK(agw::ShutdownWrite(fd_.get()).ok()); }

void TlsPeer::Close(bool reset) {
  if (reset) SetResetOnClose(fd_.get());
  fd_.reset();
}

bool TlsPeer::has_resumed() const { return SSL_session_reused(ssl_.get()); }

}  // namespace agw
