#include "agw-service/tls/tls_stream.h"

#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "agw-service/net/socket.h"
#include "agw-service/tls/tls_bio.h"
#include "common/check.h"
#include "common/status_macros.h"

namespace agw {
namespace {

// What BoringSSL complained about. The parts of its library that do not know TLS complain before
// those that do.
struct BoringSslError {
  int reason = 0;         // Of the first complaint in terms of TLS.
  bool is_alert = false;  // An alert of the peer.
  bool is_key = false;    // A public key that BoringSSL does not understand.
  std::string text = "unknown TLS error";
};

BoringSslError TakeBoringSslError() {
  BoringSslError error;
  bool first = true;
  while (const uint32_t code = ERR_get_error()) {
    const char* text = ERR_reason_error_string(code);
    const bool is_tls = ERR_GET_LIB(code) == ERR_LIB_SSL;
    if (text != nullptr && (first || (is_tls && error.reason == 0))) error.text = text;
    if (is_tls && error.reason == 0) error.reason = ERR_GET_REASON(code);
    error.is_key |= ERR_GET_LIB(code) == ERR_LIB_EVP;
    first = false;
  }
  error.is_alert = error.reason >= SSL_AD_REASON_OFFSET;
  return error;
}

TlsFailure FailureOf(const BoringSslError& error) {
  if (error.is_alert) return TlsFailure::kAlertReceived;
  switch (error.reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return TlsFailure::kNotTls;
    case SSL_R_CONNECTION_REJECTED:  // By our own check of the legacy version.
    case SSL_R_INAPPROPRIATE_FALLBACK:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_WRONG_VERSION_NUMBER:
      return TlsFailure::kProtocolVersion;
    case SSL_R_NO_COMMON_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUP:
    case SSL_R_WRONG_CURVE:
      return TlsFailure::kNoCommonCipher;
    case SSL_R_BAD_ECC_CERT:
    case SSL_R_UNKNOWN_CERTIFICATE_TYPE:
    case SSL_R_WRONG_SIGNATURE_TYPE:
      return TlsFailure::kCertificateRefused;
    case SSL_R_BAD_SIGNATURE:
      return TlsFailure::kBadSignature;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return TlsFailure::kNoCertificate;
    case SSL_R_EXCESSIVE_MESSAGE_SIZE:
      return TlsFailure::kHandshakeTooLarge;
    default:
      return error.is_key ? TlsFailure::kCertificateRefused : TlsFailure::kProtocolError;
  }
}

}  // namespace

std::unique_ptr<TlsStream> TlsStream::Server(TlsProfile& profile,
                                             const std::shared_ptr<const TlsIdentity>& identity,
                                             OwnedFd fd) {
  return std::unique_ptr<TlsStream>(
      new TlsStream(profile, TlsRole::kServer, *identity, std::move(fd)));
}

std::unique_ptr<TlsStream> TlsStream::Client(TlsProfile& profile,
                                             const std::shared_ptr<const TlsIdentity>& identity,
                                             OwnedFd fd) {
  return std::unique_ptr<TlsStream>(
      new TlsStream(profile, TlsRole::kClient, *identity, std::move(fd)));
}

TlsStream::TlsStream(TlsProfile& profile, TlsRole role, const TlsIdentity& identity, OwnedFd fd)
    : profile_(profile),
      fd_(std::move(fd)),
      send_queue_(fd_.get()),
      ssl_(profile.NewSsl(role)),
      handshake_(std::make_unique<TlsHandshake>()) {
  handshake_->fd = fd_.get();
  CHECK(SSL_set_chain_and_key(ssl_.get(), identity.chain().data(), identity.chain().size(),
                              identity.key(), nullptr));
}

TlsStream::~TlsStream() = default;

void TlsStream::SetRemoteFingerprints(const FingerprintSet& fingerprints) {
  if (handshake_ != nullptr) handshake_->remote_fingerprints = fingerprints;
}

absl::StatusOr<TlsStream::HandshakeProgress> TlsStream::Handshake() {
  CHECK(handshake_ != nullptr && !failure_.has_value());
  profile_.bio().UseSocket(*handshake_);
  const int result = SSL_do_handshake(ssl_.get());
  if (handshake_->comparison.has_value()) {
    presented_fingerprint_ = handshake_->comparison->presented;
  }
  if (result == 1) return FinishHandshake();

  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return HandshakeProgress::kWantsReadable;
    case SSL_ERROR_WANT_WRITE:
      return HandshakeProgress::kWantsWritable;
    case SSL_ERROR_WANT_CERTIFICATE_VERIFY:
      return HandshakeProgress::kHeld;
    default:
      break;
  }
  const BoringSslError error = TakeBoringSslError();
  if (handshake_->comparison.has_value() && !handshake_->comparison->matches) {
    return FailHandshake(TlsFailure::kFingerprintMismatch,
                         absl::StrCat("the peer presented ", presented_fingerprint_->ToString()));
  }
  if (!handshake_->socket_status.ok()) {
    failure_ = TlsFailure::kClosedByPeer;
    return handshake_->socket_status;
  }
  if (handshake_->ended_by_peer) {
    failure_ = TlsFailure::kClosedByPeer;
    return absl::UnavailableError("the peer ended the connection amid the TLS handshake");
  }
  if (handshake_->received_anything && !handshake_->starts_like_tls) {
    // BoringSSL leaves some of those without an alert.
    SSL_send_fatal_alert(ssl_.get(), SSL_AD_UNEXPECTED_MESSAGE);
    ERR_clear_error();
    return FailHandshake(TlsFailure::kNotTls, "the peer does not speak TLS");
  }
  return FailHandshake(FailureOf(error), error.text);
}

absl::StatusOr<TlsStream::HandshakeProgress> TlsStream::FinishHandshake() {
  // Whatever BoringSSL negotiated: without a comparison nothing is established.
  if (!handshake_->comparison.has_value()) {
    return FailHandshake(TlsFailure::kNoCertificate, "the peer's certificate was not compared");
  }
  handshake_.reset();
  return HandshakeProgress::kDone;
}

absl::Status TlsStream::FailHandshake(TlsFailure failure, absl::string_view detail) {
  failure_ = failure;
  ShutdownWrite(fd_.get()).IgnoreError();
  return absl::DataLossError(absl::StrCat("TLS handshake: ", detail));
}

absl::string_view TlsStream::protocol_version() const { return SSL_get_version(ssl_.get()); }

absl::string_view TlsStream::cipher_suite() const {
  return SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl_.get()));
}

absl::StatusOr<ByteStream::ReadResult> TlsStream::Read(size_t limit) {
  Scratch& scratch = profile_.scratch();
  // So much less as BoringSSL may add from before: then all that is decrypted fits.
  const absl::Span<char> buffer = scratch.received().first(limit - partial_record_size_);
  ASSIGN_OR_RETURN(const RecvResult received, Recv(fd_.get(), buffer));
  ReadResult result;
  result.end_of_stream = received.end_of_stream;
  result.full = received.byte_count == buffer.size();
  if (received.byte_count == 0) return result;

  TlsBio& bio = profile_.bio();
  bio.UseMemory(buffer.first(received.byte_count), partial_record_size_);
  const absl::Span<char> plaintext = scratch.plaintext();
  size_t plaintext_size = 0;
  for (;;) {
    CHECK(plaintext.data() + plaintext_size <= bio.unread().data());
    const int size = SSL_read(ssl_.get(), plaintext.data() + plaintext_size,
                              static_cast<int>(plaintext.size() - plaintext_size));
    if (size > 0) {
      plaintext_size += size;
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), size);
    if (error == SSL_ERROR_WANT_READ) break;
    if (error == SSL_ERROR_ZERO_RETURN) {
      ended_cleanly_ = true;
      result.end_of_stream = true;
      break;
    }
    const BoringSslError reason = TakeBoringSslError();
    RETURN_IF_ERROR(SendSealed());  // The alert.
    return absl::DataLossError(absl::StrCat("TLS: ", reason.text));
  }
  partial_record_size_ = static_cast<uint16_t>(bio.partial_record_size());
  result.bytes = plaintext.first(plaintext_size);
  return result;
}

absl::Status TlsStream::Write(absl::Span<const char> bytes) {
  while (!bytes.empty()) {
    const absl::Span<const char> turn = bytes.first(std::min(bytes.size(), kBusyTurnSize));
    bytes.remove_prefix(turn.size());
    profile_.bio().UseMemory({}, 0);
    const int written = SSL_write(ssl_.get(), turn.data(), static_cast<int>(turn.size()));
    if (written != static_cast<int>(turn.size())) {
      return absl::DataLossError(absl::StrCat("TLS: ", TakeBoringSslError().text));
    }
    RETURN_IF_ERROR(SendSealed());
  }
  return absl::OkStatus();
}

absl::Status TlsStream::CloseWrite() {
  profile_.bio().UseMemory({}, 0);
  // close_notify; the peer's own need not have come. FIN follows whatever BoringSSL thinks of it.
  if (SSL_shutdown(ssl_.get()) < 0) ERR_clear_error();
  RETURN_IF_ERROR(SendSealed());
  return send_queue_.Finish();
}

absl::Status TlsStream::SendSealed() {
  const absl::Span<const char> sealed = profile_.bio().sealed();
  if (sealed.empty()) return absl::OkStatus();
  return send_queue_.Send(sealed);
}

void TlsStream::ResetOnClose() { SetResetOnClose(fd_.get()); }

}  // namespace agw
