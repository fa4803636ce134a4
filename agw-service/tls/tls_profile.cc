#include "agw-service/tls/tls_profile.h"

#include <openssl/bio.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

#include "absl/strings/string_view.h"
#include "agw-service/tls/tls_bio.h"
#include "common/check.h"

namespace agw {
namespace {

// Of TLS 1.2; those of 1.3 are fixed.
constexpr char kCipherSuites[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

constexpr int kGroups[] = {NID_X25519, NID_X9_62_prime256v1, NID_secp384r1};

constexpr uint16_t kPeerSignatureAlgorithms[] = {
    SSL_SIGN_ECDSA_SECP256R1_SHA256, SSL_SIGN_ECDSA_SECP384R1_SHA384, SSL_SIGN_RSA_PSS_RSAE_SHA256,
    SSL_SIGN_RSA_PSS_RSAE_SHA384,    SSL_SIGN_RSA_PSS_RSAE_SHA512,    SSL_SIGN_RSA_PKCS1_SHA256,
    SSL_SIGN_RSA_PKCS1_SHA384,       SSL_SIGN_RSA_PKCS1_SHA512,
};

TlsBio& BioOf(const SSL* ssl) { return *static_cast<TlsBio*>(BIO_get_data(SSL_get_rbio(ssl))); }

// The decision behind this profile: the certificate is right if signalling says so, and the
// handshake waits for signalling. Neither names nor dates nor issuers matter (RFC 8122 clause 6.1).
ssl_verify_result_t VerifyFingerprint(SSL* ssl, uint8_t* alert) {
  TlsHandshake& handshake = *BioOf(ssl).handshake();
  if (handshake.remote_fingerprints.empty()) return ssl_verify_retry;
  const CRYPTO_BUFFER* certificate = sk_CRYPTO_BUFFER_value(SSL_get0_peer_certificates(ssl), 0);
  handshake.comparison = handshake.remote_fingerprints.Compare(
      absl::string_view(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(certificate)),
                        CRYPTO_BUFFER_len(certificate)));
  if (handshake.comparison->matches) return ssl_verify_ok;
  *alert = SSL_AD_BAD_CERTIFICATE;
  return ssl_verify_invalid;
}

// BoringSSL answers an empty Certificate with handshake_failure in TLS 1.2. RFC 8122 clause 6.2
// wants bad_certificate, so that goes first; what BoringSSL sends thereafter does not reach the
// wire.
void OnMessage(int is_write, int /*version*/, int content_type, const void* data, size_t size,
               SSL* ssl, void* /*argument*/) {
  constexpr absl::string_view kEmptyCertificate("\x0b\0\0\3\0\0\0", 7);
  if (is_write || content_type != SSL3_RT_HANDSHAKE || SSL_version(ssl) != TLS1_2_VERSION) return;
  if (absl::string_view(static_cast<const char*>(data), size) != kEmptyCertificate) return;
  SSL_send_fatal_alert(ssl, SSL_AD_BAD_CERTIFICATE);
}

// BoringSSL goes by the supported versions alone where a client sends them. RFC 8446 clause D.5 wants
// this alert for a client that says SSL 3 beside them; the one that BoringSSL sends thereafter does
// not reach the wire.
ssl_select_cert_result_t CheckLegacyVersion(const SSL_CLIENT_HELLO* client_hello) {
  if (client_hello->version > SSL3_VERSION) return ssl_select_cert_success;
  SSL_send_fatal_alert(client_hello->ssl, SSL_AD_PROTOCOL_VERSION);
  return ssl_select_cert_error;
}

BoringSslPtr<SSL_CTX> NewSslCtx(const TlsProfile::Options& options) {
  // "With buffers": certificates stay bytes, X.509 is not parsed beyond the key.
  BoringSslPtr<SSL_CTX> ssl_ctx(SSL_CTX_new(TLS_with_buffers_method()));
  CHECK(ssl_ctx != nullptr);
  CHECK(SSL_CTX_set_min_proto_version(ssl_ctx.get(), TLS1_2_VERSION));
  CHECK(SSL_CTX_set_max_proto_version(ssl_ctx.get(), TLS1_3_VERSION));
  CHECK(SSL_CTX_set_strict_cipher_list(ssl_ctx.get(), kCipherSuites));
  CHECK(SSL_CTX_set1_curves(ssl_ctx.get(), kGroups, sizeof(kGroups) / sizeof(kGroups[0])));
  CHECK(SSL_CTX_set_verify_algorithm_prefs(
      ssl_ctx.get(), kPeerSignatureAlgorithms,
      sizeof(kPeerSignatureAlgorithms) / sizeof(kPeerSignatureAlgorithms[0])));
  SSL_CTX_set_options(ssl_ctx.get(), SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(ssl_ctx.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_early_data_enabled(ssl_ctx.get(), 0);
  SSL_CTX_set_max_cert_list(ssl_ctx.get(), options.handshake_message_limit);
  return ssl_ctx;
}

BoringSslPtr<SSL_CTX> NewClientSslCtx(const TlsProfile::Options& options) {
  BoringSslPtr<SSL_CTX> ssl_ctx = NewSslCtx(options);
  SSL_CTX_set_custom_verify(ssl_ctx.get(), SSL_VERIFY_PEER, &VerifyFingerprint);
  return ssl_ctx;
}

BoringSslPtr<SSL_CTX> NewServerSslCtx(const TlsProfile::Options& options) {
  BoringSslPtr<SSL_CTX> ssl_ctx = NewSslCtx(options);
  SSL_CTX_set_custom_verify(ssl_ctx.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                            &VerifyFingerprint);
  SSL_CTX_set_msg_callback(ssl_ctx.get(), &OnMessage);
  SSL_CTX_set_select_certificate_cb(ssl_ctx.get(), &CheckLegacyVersion);
  // The certificate itself is not needed once it was compared.
  SSL_CTX_set_retain_only_sha256_of_client_certs(ssl_ctx.get(), 1);
  return ssl_ctx;
}

}  // namespace

TlsProfile::TlsProfile(Scratch& scratch, const Options& options)
    : scratch_(scratch),
      bio_(std::make_unique<TlsBio>(scratch)),
      client_(NewClientSslCtx(options)),
      server_(NewServerSslCtx(options)) {
  CHECK(options.handshake_message_limit >= 16 * 1024);
}

TlsProfile::~TlsProfile() = default;

BoringSslPtr<ssl_st> TlsProfile::NewSsl(TlsRole role) {
  BoringSslPtr<SSL> ssl(SSL_new(role == TlsRole::kClient ? client_.get() : server_.get()));
  CHECK(ssl != nullptr);
  BIO_up_ref(bio_->bio());
  SSL_set_bio(ssl.get(), bio_->bio(), bio_->bio());
  SSL_set_shed_handshake_config(ssl.get(), 1);
  if (role == TlsRole::kClient) {
    SSL_set_connect_state(ssl.get());
  } else {
    SSL_set_accept_state(ssl.get());
  }
  return ssl;
}

}  // namespace agw
