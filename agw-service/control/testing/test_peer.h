// The far ends of a worker's connections on a `FakeKernel`: UEs and core peers, with TLS or without.

#ifndef AGW_SERVICE_CONTROL_TESTING_TEST_PEER_H_
#define AGW_SERVICE_CONTROL_TESTING_TEST_PEER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "agw-service/net/owned_fd.h"
#include "agw-service/tls/testing/certificates.h"
#include "agw-service/tls/testing/tls_peer.h"
#include "agw-service/tls/tls_profile.h"
#include "common/ip_address.h"

namespace agw {

// Certificates that UEs present; made once, since that takes longer than a session.
const TestCertificate& UeCertificate();
const TestCertificate& StrangersCertificate();

// One end of one connection. What it sends tells who sent it, and in which place: no two ends, and
// no two parts of a stream, look alike.
class TestPeer {
 public:
  enum class Tls { kNone, kRightCertificate, kWrongCertificate };

  // `fd` is connected to `remote`, or is about to be. No two peers have the same `number`.
  TestPeer(uint32_t number, OwnedFd fd, const common::TransportAddress& remote, Tls tls,
           TlsRole role);

  // What peer `number` sends at `offset`, `size` octets of it.
  static std::string Octets(uint32_t number, uint64_t offset, size_t size);

  // Goes on with TLS, reads what has come unless reading is off, and sends what is left.
  void Step();

  // So much of its stream, or as much as there is room for. Nothing before the handshake is done.
  void Send(size_t size);

  // Anything else, inside TLS if there is TLS.
  void SendText(absl::string_view text);

  // Anything else, and not as TLS.
  void SendRaw(absl::string_view bytes);

  void set_reading(bool reading) { reading_ = reading; }

  // close_notify, if there is TLS, and FIN, as soon as everything is sent; FIN alone; RST; or
  // whatever close() does.
  void End();
  void Truncate();
  void Reset();
  void Close();

  uint32_t number() const { return number_; }
  bool tls() const { return tls_ != nullptr; }
  bool open() const { return fd() >= 0; }
  bool handshake_done() const { return tls_ == nullptr || tls_->handshake_done(); }
  bool ended() const { return ended_; }
  int alert() const { return tls_ == nullptr ? -1 : tls_->alert(); }
  const common::TransportAddress& local() const { return local_; }
  const common::TransportAddress& remote() const { return remote_; }
  uint64_t sent_byte_count() const { return sent_byte_count_; }
  bool sent_text() const { return sent_text_; }
  bool sent_raw() const { return sent_raw_; }

  // All that it has received.
  const std::string& received() const { return tls_ != nullptr ? tls_->received() : received_; }

 private:
  int fd() const { return tls_ != nullptr ? tls_->fd() : fd_.get(); }

  const uint32_t number_;
  OwnedFd fd_;
  std::unique_ptr<TlsPeer> tls_;
  const common::TransportAddress local_;
  const common::TransportAddress remote_;
  bool reading_ = true;
  bool ended_ = false;   // It sends no more.
  bool failed_ = false;  // TLS has.
  bool ends_when_sent_ = false;
  bool sent_text_ = false;
  bool sent_raw_ = false;
  uint64_t sent_byte_count_ = 0;
  std::string received_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_TESTING_TEST_PEER_H_
