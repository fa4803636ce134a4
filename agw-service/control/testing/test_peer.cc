#include "agw-service/control/testing/test_peer.h"

#include <utility>

#include "agw-service/net/socket.h"

namespace agw {

const TestCertificate& UeCertificate() {
  static const TestCertificate& certificate = *new TestCertificate(MakeTestCertificate());
  return certificate;
}

const TestCertificate& StrangersCertificate() {
  static const TestCertificate& certificate = *new TestCertificate(MakeTestCertificate());
  return certificate;
}

TestPeer::TestPeer(uint32_t number, OwnedFd fd, const common::TransportAddress& remote, Tls tls,
                   TlsRole role)
    : number_(number), local_(*LocalAddress(fd.get())), remote_(remote) {
  if (tls == Tls::kNone) {
    fd_ = std::move(fd);
    return;
  }
  TlsPeer::Options options;
  options.role = role;
  options.certificate = tls == Tls::kRightCertificate ? &UeCertificate() : &StrangersCertificate();
  tls_ = std::make_unique<TlsPeer>(std::move(fd), options);
}

std::string TestPeer::Octets(uint32_t number, uint64_t offset, size_t size) {
  std::string octets(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    uint64_t mixed = (uint64_t{number} << 40) + offset + i;
    mixed *= 0x9e3779b97f4a7c15;
    octets[i] = static_cast<char>(mixed >> 56);
  }
  return octets;
}

void TestPeer::Step() {
  if (!open()) return;
  if (tls_ != nullptr) {
    tls_->set_reading(reading_);
    failed_ |= !tls_->Step();
    if (ends_when_sent_ && tls_->unsent_byte_count() == 0) {
      ends_when_sent_ = false;
      ShutdownWrite(fd()).IgnoreError();
    }
    return;
  }
  char buffer[16 * 1024];
  while (reading_) {
    const absl::StatusOr<RecvResult> result = Recv(fd(), absl::MakeSpan(buffer));
    if (!result.ok() || result->byte_count == 0) return;
    received_.append(buffer, result->byte_count);
  }
}

void TestPeer::Send(size_t size) {
  if (!open() || ended_ || failed_ || !handshake_done()) return;
  const std::string octets = Octets(number_, sent_byte_count_, size);
  if (tls_ != nullptr) {
    // It would wait in memory without end.
    if (tls_->unsent_byte_count() > 0 || size == 0) return;
    tls_->Write(octets);
    tls_->Send();
    sent_byte_count_ += size;
    return;
  }
  const absl::StatusOr<size_t> sent = agw::Send(fd(), octets);
  if (sent.ok()) sent_byte_count_ += *sent;
}

void TestPeer::SendText(absl::string_view text) {
  if (!open() || ended_ || failed_ || !handshake_done() || text.empty()) return;
  sent_text_ = true;
  if (tls_ == nullptr) {
    (void)agw::Send(fd(), text);
  } else if (tls_->unsent_byte_count() == 0) {
    tls_->Write(text);
    tls_->Send();
  }
}

void TestPeer::SendRaw(absl::string_view bytes) {
  if (!open() || ended_) return;
  sent_raw_ = true;
  (void)agw::Send(fd(), bytes);
}

void TestPeer::End() {
  if (!open() || ended_) return;
  ended_ = true;
  if (tls_ == nullptr || failed_ || !handshake_done()) return ShutdownWrite(fd()).IgnoreError();
  tls_->CloseNotify();
  ends_when_sent_ = true;
}

void TestPeer::Truncate() {
  if (!open() || ended_) return;
  ended_ = true;
  ShutdownWrite(fd()).IgnoreError();
}

void TestPeer::Reset() {
  if (!open()) return;
  SetResetOnClose(fd());
  Close();
}

void TestPeer::Close() {
  if (!open()) return;
  ended_ = true;
  if (tls_ != nullptr) {
    tls_->Close();
  } else {
    fd_.reset();
  }
}

}  // namespace agw
