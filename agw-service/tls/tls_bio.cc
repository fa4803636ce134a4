#include "agw-service/tls/tls_bio.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "absl/status/statusor.h"
#include "agw-service/net/socket.h"
#include "common/check.h"

namespace agw {
namespace {

BoringSslPtr<BIO_METHOD> NewMethod(int (*read)(BIO*, char*, int),
                                   int (*write)(BIO*, const char*, int),
                                   long (*control)(BIO*, int, long, void*)) {
  BoringSslPtr<BIO_METHOD> method(BIO_meth_new(BIO_TYPE_SOURCE_SINK, "worker"));
  CHECK(method != nullptr);
  CHECK(BIO_meth_set_read(method.get(), read));
  CHECK(BIO_meth_set_write(method.get(), write));
  CHECK(BIO_meth_set_ctrl(method.get(), control));
  return method;
}

// A TLS record begins with its type, 20 to 24, and 3. The hello of SSL 2, in which some ask for a
// later version, begins with a length whose first bit is set.
bool StartsLikeTls(absl::Span<const char> header) {
  const uint8_t type = header[0];
  if (type >= 0x80) return true;
  return type >= 20 && type <= 24 && (header.size() == 1 || header[1] == 3);
}

// The part of a record that came earlier fits in front of what is received.
static_assert(SSL3_RT_HEADER_LENGTH + SSL3_RT_MAX_ENCRYPTED_LENGTH <= kRecordLimit);

}  // namespace

TlsBio::TlsBio(Scratch& scratch)
    : scratch_(scratch),
      method_(NewMethod(&OnRead, &OnWrite, &OnControl)),
      bio_(BIO_new(method_.get())) {
  CHECK(bio_ != nullptr);
  BIO_set_data(bio_.get(), this);
  BIO_set_init(bio_.get(), 1);
}

void TlsBio::UseSocket(TlsHandshake& handshake) { handshake_ = &handshake; }

void TlsBio::UseMemory(absl::Span<const char> received, size_t partial_record_size) {
  handshake_ = nullptr;
  received_ = received;
  partial_record_size_ = partial_record_size;
  sealed_size_ = 0;
}

int TlsBio::OnRead(BIO* bio, char* buffer, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  TlsBio& self = *static_cast<TlsBio*>(BIO_get_data(bio));
  const absl::Span<char> span(buffer, size);
  return self.handshake_ != nullptr ? self.ReadSocket(span) : self.ReadMemory(span);
}

int TlsBio::OnWrite(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  if (size <= 0) return 0;
  TlsBio& self = *static_cast<TlsBio*>(BIO_get_data(bio));
  const absl::Span<const char> span(bytes, size);
  return self.handshake_ != nullptr ? self.WriteSocket(span) : self.WriteMemory(span);
}

long TlsBio::OnControl(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

int TlsBio::ReadSocket(absl::Span<char> buffer) {
  const absl::StatusOr<RecvResult> received = Recv(handshake_->fd, buffer);
  if (!received.ok()) {
    handshake_->socket_status = received.status();
    return -1;
  }
  if (received->would_block) {
    BIO_set_retry_read(bio_.get());
    return -1;
  }
  if (received->end_of_stream && received->byte_count == 0) {
    handshake_->ended_by_peer = true;
    return 0;
  }
  if (!handshake_->received_anything) {
    handshake_->received_anything = true;
    handshake_->starts_like_tls = StartsLikeTls(buffer.first(received->byte_count));
  }
  return received->byte_count;
}

int TlsBio::WriteSocket(absl::Span<const char> bytes) {
  const absl::StatusOr<size_t> sent = Send(handshake_->fd, bytes);
  if (!sent.ok()) {
    handshake_->socket_status = sent.status();
    return -1;
  }
  if (*sent == 0) {
    BIO_set_retry_write(bio_.get());
    return -1;
  }
  return *sent;
}

// BoringSSL first asks for what is missing of the header of a record, then for what is missing of
// the rest. So a record is complete when the whole of a request beyond the header could be met.
int TlsBio::ReadMemory(absl::Span<char> buffer) {
  if (received_.empty()) {
    BIO_set_retry_read(bio_.get());
    return -1;
  }
  const size_t size = std::min(buffer.size(), received_.size());
  std::copy_n(received_.begin(), size, buffer.begin());
  received_.remove_prefix(size);
  const bool behind_header = partial_record_size_ >= SSL3_RT_HEADER_LENGTH;
  partial_record_size_ = behind_header && size == buffer.size() ? 0 : partial_record_size_ + size;
  return size;
}

int TlsBio::WriteMemory(absl::Span<const char> bytes) {
  const absl::Span<char> space = scratch_.sealed().subspan(sealed_size_);
  CHECK(bytes.size() <= space.size());
  std::copy(bytes.begin(), bytes.end(), space.begin());
  sealed_size_ += bytes.size();
  return bytes.size();
}

}  // namespace agw
