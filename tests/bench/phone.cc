#include "tests/bench/phone.h"

#include <errno.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/check.h"
#include "openssl/err.h"
#include "openssl/evp.h"
#include "openssl/x509.h"

namespace bench {
namespace {

// One record's (RFC 8446 clause 5.1).
constexpr size_t kRecordSize = 16 * 1024;
constexpr size_t kRecordHeaderSize = 5;

// The type of the content and the tag (RFC 8446 clause 5.2).
constexpr size_t kRecordOverhead = 17;

std::string LastError() {
  char text[256] = "no reason given";
  if (const uint32_t error = ERR_get_error(); error != 0) {
    ERR_error_string_n(error, text, sizeof(text));
  }
  ERR_clear_error();
  return text;
}

absl::Status Broken(int error) {
  return absl::UnavailableError(absl::StrCat("the phone's connection broke: ", strerror(error)));
}

bool IsForLater(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

PhoneProfile::PhoneProfile() : context_(SSL_CTX_new(TLS_method())), received_(kReceiveSize, '\0') {
  SSL_CTX* context = context_.get();
  CHECK(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION));
  CHECK(SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  // Whom it talks to is of no account here; the proxies are to look at the phone's certificate.
  SSL_CTX_set_custom_verify(context, SSL_VERIFY_PEER, [](SSL*, uint8_t*) { return ssl_verify_ok; });
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* result = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "phone");
    CHECK(BIO_meth_set_read(result, &PhoneProfile::OnRead));
    CHECK(BIO_meth_set_write(result, &PhoneProfile::OnWrite));
    CHECK(BIO_meth_set_ctrl(result, &PhoneProfile::OnControl));
    return result;
  }();
  bio_.reset(BIO_new(method));
  BIO_set_data(bio_.get(), this);
  BIO_set_init(bio_.get(), 1);
}

absl::StatusOr<std::unique_ptr<PhoneProfile>> PhoneProfile::Load(
    const std::string& certificate_file, const std::string& key_file) {
  auto profile = std::unique_ptr<PhoneProfile>(new PhoneProfile);
  SSL_CTX* context = profile->context_.get();
  if (!SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) ||
      !SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM)) {
    return absl::InvalidArgumentError(
        absl::StrCat(certificate_file, ", ", key_file, ": ", LastError()));
  }
  uint8_t digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  CHECK(X509_digest(SSL_CTX_get0_certificate(context), EVP_sha256(), digest, &size));
  profile->digest_.assign(reinterpret_cast<const char*>(digest), size);
  return profile;
}

int PhoneProfile::OnRead(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  PhoneProfile& self = *static_cast<PhoneProfile*>(BIO_get_data(bio));
  const size_t count = std::min(self.unread_.size(), static_cast<size_t>(size));
  if (count == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  std::memcpy(buffer, self.unread_.data(), count);
  self.unread_.remove_prefix(count);
  return static_cast<int>(count);
}

int PhoneProfile::OnWrite(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  static_cast<PhoneProfile*>(BIO_get_data(bio))->sealed_.append(bytes, static_cast<size_t>(size));
  return size;
}

long PhoneProfile::OnControl(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

Phone::Phone(PhoneProfile* profile, peers::Socket socket)
    : profile_(profile), socket_(std::move(socket)) {
  if (profile == nullptr) return;
  ssl_.reset(SSL_new(profile->context_.get()));
  CHECK(ssl_ != nullptr);
  SSL_set_bio(ssl_.get(), bssl::UpRef(profile->bio_).release(),
              bssl::UpRef(profile->bio_).release());
  SSL_set_connect_state(ssl_.get());
}

absl::StatusOr<bool> Phone::Handshake() {
  if (handshake_done_ || profile_ == nullptr) return true;
  profile_->unread_ = {};
  for (;;) {
    const int result = SSL_do_handshake(ssl_.get());
    if (const absl::Status sent = SendSealed(); !sent.ok()) return sent;
    if (result == 1) break;
    if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) {
      return TlsError("handshake", result);
    }
    const absl::StatusOr<bool> received = Receive();
    if (!received.ok()) return received.status();
    if (ended_) return absl::UnavailableError("the proxy ended the connection amid the handshake");
    if (!*received) return false;
  }
  partial_record_.assign(profile_->unread_.data(), profile_->unread_.size());
  profile_->unread_ = {};
  const absl::string_view cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl_.get()));
  if (cipher != "TLS_AES_128_GCM_SHA256" || SSL_session_reused(ssl_.get())) {
    return absl::FailedPreconditionError(absl::StrCat("not the work agreed upon: ", cipher));
  }
  handshake_done_ = true;
  return true;
}

absl::StatusOr<bool> Phone::Receive() {
  // Behind what is kept, so that BoringSSL finds both together.
  const size_t kept = partial_record_.size();
  std::memcpy(&profile_->received_[0], partial_record_.data(), kept);
  partial_record_.clear();
  const ssize_t count =
      recv(fd(), &profile_->received_[kept], profile_->received_.size() - kept, 0);
  if (count < 0 && !IsForLater(errno)) return Broken(errno);
  if (count == 0) ended_ = true;
  const size_t size = kept + static_cast<size_t>(std::max<ssize_t>(count, 0));
  profile_->unread_ = absl::MakeConstSpan(profile_->received_.data(), size);
  return size > 0;
}

absl::StatusOr<Phone::ReadResult> Phone::Read(absl::Span<char> buffer) {
  CHECK(buffer.size() >= kReadSize);  // So that nothing is left of what was received.
  if (profile_ == nullptr) {
    const peers::Socket::ReadResult plain = socket_.Read(buffer.data(), buffer.size());
    if (plain.ending == peers::Ending::kReset) return Broken(errno);
    return ReadResult{plain.byte_count, plain.ending == peers::Ending::kFin};
  }
  ReadResult result;
  const absl::StatusOr<bool> received = Receive();
  if (!received.ok()) return received.status();
  while (result.byte_count < buffer.size()) {
    const int count = SSL_read(ssl_.get(), buffer.data() + result.byte_count,
                               static_cast<int>(buffer.size() - result.byte_count));
    if (count > 0) {
      result.byte_count += static_cast<size_t>(count);
      continue;
    }
    const int error = SSL_get_error(ssl_.get(), count);
    if (error == SSL_ERROR_ZERO_RETURN) {
      ended_ = true;
    } else if (error != SSL_ERROR_WANT_READ) {
      return TlsError("read", count);
    }
    break;
  }
  partial_record_.assign(profile_->unread_.data(), profile_->unread_.size());
  profile_->unread_ = {};
  result.ended = ended_;
  return result;
}

absl::StatusOr<Phone::ReadResult> Phone::Count() {
  if (profile_ == nullptr) {
    // As much is copied as where there is TLS.
    static char* const buffer = new char[kReadSize];
    return Read(absl::MakeSpan(buffer, kReadSize));
  }
  ReadResult result;
  const absl::StatusOr<bool> received = Receive();
  if (!received.ok()) return received.status();
  absl::string_view bytes(profile_->unread_.data(), profile_->unread_.size());
  profile_->unread_ = {};
  while (!bytes.empty()) {
    if (rest_of_record_ > 0) {
      const size_t size = std::min(rest_of_record_, bytes.size());
      rest_of_record_ -= size;
      bytes.remove_prefix(size);
      continue;
    }
    const size_t size = std::min(kRecordHeaderSize - record_header_.size(), bytes.size());
    record_header_.append(bytes.data(), size);
    bytes.remove_prefix(size);
    if (record_header_.size() < kRecordHeaderSize) continue;
    rest_of_record_ = static_cast<uint8_t>(record_header_[3]) * size_t{256} +
                      static_cast<uint8_t>(record_header_[4]);
    if (rest_of_record_ <= kRecordOverhead) return absl::DataLossError("not a TLS record");
    result.byte_count += rest_of_record_ - kRecordOverhead;
    record_header_.clear();
  }
  result.ended = ended_;
  return result;
}

absl::Status Phone::Write(absl::string_view bytes) {
  CHECK(unsent_.empty());
  if (profile_ == nullptr) return Send(bytes);
  while (!bytes.empty()) {
    const size_t size = std::min(bytes.size(), kRecordSize);
    const int written = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(size));
    if (written != static_cast<int>(size)) return TlsError("write", written);
    bytes.remove_prefix(size);
  }
  return SendSealed();
}

absl::Status Phone::Flush() {
  const ssize_t count = send(fd(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (count < 0) return IsForLater(errno) ? absl::OkStatus() : Broken(errno);
  unsent_.erase(0, static_cast<size_t>(count));
  return absl::OkStatus();
}

absl::Status Phone::SendSealed() {
  const absl::Status sent = Send(profile_->sealed_);
  profile_->sealed_.clear();
  return sent;
}

absl::Status Phone::Send(absl::string_view bytes) {
  if (bytes.empty()) return absl::OkStatus();
  const ssize_t count = unsent_.empty() ? send(fd(), bytes.data(), bytes.size(), MSG_NOSIGNAL) : 0;
  if (count < 0 && !IsForLater(errno)) return Broken(errno);
  bytes.remove_prefix(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  unsent_.append(bytes.data(), bytes.size());
  return absl::OkStatus();
}

absl::Status Phone::CloseWrite() {
  if (profile_ != nullptr) {
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
    const absl::Status sent = SendSealed();
    if (!sent.ok()) return sent;
  }
  if (has_unsent()) return absl::InternalError("close_notify has to wait");
  socket_.CloseWrite();
  return absl::OkStatus();
}

absl::Status Phone::TlsError(absl::string_view what, int result) const {
  return absl::DataLossError(
      absl::StrCat("TLS ", what, ": error ", SSL_get_error(ssl_.get(), result), ", ", LastError()));
}

}  // namespace bench
