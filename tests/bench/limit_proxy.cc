// What no proxy can do without: a proxy that only receives, runs AES-128-GCM over what it received,
// and sends it on. It does no TLS, so its load is plain TCP: what is added to the same bytes by TLS
// is 0.1 % of them.
//
//   limit_proxy --listen=127.0.0.14:4433 --core=127.0.0.40:7000
//
// With --handshakes=N it makes as many full handshakes of TLS 1.3 in memory instead, ECDSA P-256
// and client certificate compared, and prints the CPU time of the server's side of each, and of
// AES-128-GCM alone, as JSON.

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "common/check.h"
#include "common/ip_address.h"
#include "openssl/aead.h"
#include "openssl/pool.h"
#include "openssl/ssl.h"
#include "tests/peers/certificate.h"
#include "tests/peers/socket.h"

ABSL_FLAG(std::string, listen, "127.0.0.14:4433", "where phones connect to");
ABSL_FLAG(std::string, core, "127.0.0.40:7000", "where it connects to");
ABSL_FLAG(int, handshakes, 0, "1 to 100,000; 0: be a proxy");

namespace bench {
namespace {

constexpr size_t kTurnSize = 64 * 1024;
constexpr size_t kRecordSize = 16 * 1024;

// In place, as many records as it takes. Sealing costs what opening does.
class Aead {
 public:
  Aead() {
    const std::array<uint8_t, 16> key = {};
    CHECK(EVP_AEAD_CTX_init(context_.get(), EVP_aead_aes_128_gcm(), key.data(), key.size(),
                            EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr));
  }

  void Run(uint8_t* bytes, size_t size) {
    for (size_t done = 0; done < size; done += kRecordSize) {
      size_t tag_size = 0;
      CHECK(EVP_AEAD_CTX_seal_scatter(context_.get(), bytes + done, tag_.data(), &tag_size,
                                      tag_.size(), nonce_.data(), nonce_.size(), bytes + done,
                                      std::min(kRecordSize, size - done), nullptr, 0, nullptr, 0));
    }
  }

 private:
  bssl::ScopedEVP_AEAD_CTX context_;
  const std::array<uint8_t, 12> nonce_ = {};
  std::array<uint8_t, EVP_AEAD_MAX_OVERHEAD> tag_ = {};
};

// Ends at the first call that fails in a way that no load of ours brings about.
class LimitProxy {
 public:
  explicit LimitProxy(peers::Listener listener)
      : listener_(std::move(listener)), epoll_(epoll_create1(EPOLL_CLOEXEC)), buffer_(kTurnSize) {
    Add(listener_.fd(), EPOLLIN, nullptr);
  }

  [[noreturn]] void Run() {
    std::array<epoll_event, 64> events;
    for (;;) {
      const int count = epoll_wait(epoll_.get(), events.data(), events.size(), -1);
      CHECK(count >= 0 || errno == EINTR);
      for (int i = 0; i < count; ++i) {
        End* const end = static_cast<End*>(events[i].data.ptr);
        if (end == nullptr) {
          Accept();
        } else if ((events[i].events & EPOLLOUT) != 0) {
          Flush(*end);
        } else {
          Move(*end);
        }
      }
      for (const std::unique_ptr<End>& end : ended_) delete end->other;
      ended_.clear();
    }
  }

 private:
  struct End {
    peers::Socket socket;
    End* other = nullptr;
    std::string unsent = {};  // To this end; the other one is not read meanwhile.
    bool read_ended = false;
  };

  void Accept() {
    absl::StatusOr<peers::Socket> phone = listener_.Accept(absl::ZeroDuration());
    if (!phone.ok()) return;
    absl::StatusOr<peers::Socket> core =
        peers::Socket::StartConnect(peers::At("127.0.0.15:0"), core_address_);
    CHECK(core.ok());
    auto* const access = new End{*std::move(phone)};
    access->other = new End{*std::move(core), access};
    Add(access->socket.fd(), EPOLLIN, access);
    Add(access->other->socket.fd(), EPOLLIN, access->other);
  }

  void Move(End& end) {
    if (end.read_ended) return;
    const ssize_t size = recv(end.socket.fd(), buffer_.data(), buffer_.size(), 0);
    const bool broke = size < 0 && errno != EAGAIN && errno != EINTR;
    if (size == 0 || broke) {
      end.read_ended = true;
      end.other->socket.CloseWrite();
      Set(end.socket.fd(), 0, &end);
      // Closed once the events at hand are done with.
      if (end.other->read_ended || broke) {
        end.other->read_ended = true;
        ended_.push_back(std::unique_ptr<End>(&end));
      }
      return;
    }
    if (size < 0) return;
    aead_.Run(buffer_.data(), static_cast<size_t>(size));
    const absl::string_view bytes(reinterpret_cast<const char*>(buffer_.data()),
                                  static_cast<size_t>(size));
    const long sent = std::max(0L, end.other->socket.Write(bytes));
    if (sent == size) return;
    end.other->unsent = std::string(bytes.substr(static_cast<size_t>(sent)));
    Set(end.socket.fd(), 0, &end);
    Set(end.other->socket.fd(), EPOLLIN | EPOLLOUT, end.other);
  }

  void Flush(End& end) {
    const long sent = end.socket.Write(end.unsent);
    end.unsent.erase(0, static_cast<size_t>(std::max(0L, sent)));
    if (!end.unsent.empty()) return;
    Set(end.socket.fd(), EPOLLIN, &end);
    Set(end.other->socket.fd(), EPOLLIN, end.other);
  }

  void Add(int fd, uint32_t events, End* end) { Control(EPOLL_CTL_ADD, fd, events, end); }
  void Set(int fd, uint32_t events, End* end) { Control(EPOLL_CTL_MOD, fd, events, end); }
  void Control(int operation, int fd, uint32_t events, End* end) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = end;
    CHECK(epoll_ctl(epoll_.get(), operation, fd, &event) == 0);
  }

  peers::Listener listener_;
  const common::TransportAddress core_address_ = peers::At(absl::GetFlag(FLAGS_core));
  const peers::OwnedFd epoll_;
  std::vector<uint8_t> buffer_;
  Aead aead_;
  std::vector<std::unique_ptr<End>> ended_;
};

absl::Duration ThreadCpuTime() {
  timespec time;
  CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0);
  return absl::DurationFromTimespec(time);
}

bssl::UniquePtr<SSL_CTX> NewContext(const peers::Certificate& certificate) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  CHECK(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION));
  CHECK(SSL_CTX_use_certificate(context.get(), certificate.x509()));
  CHECK(SSL_CTX_use_PrivateKey(context.get(), certificate.key()));
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_retain_only_sha256_of_client_certs(context.get(), 1);
  SSL_CTX_set_custom_verify(
      context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
      [](SSL* ssl, uint8_t* /*alert*/) {
        const CRYPTO_BUFFER* leaf = sk_CRYPTO_BUFFER_value(SSL_get0_peer_certificates(ssl), 0);
        const std::string digest = peers::Sha256(
            {reinterpret_cast<const char*>(CRYPTO_BUFFER_data(leaf)), CRYPTO_BUFFER_len(leaf)});
        return digest.size() == 32 ? ssl_verify_ok : ssl_verify_invalid;
      });
  return context;
}

// The CPU time of the server alone, on average.
absl::Duration HandshakeTime(int count) {
  const peers::Certificate proxy = peers::Certificate::SelfSigned();
  const peers::Certificate phone = peers::Certificate::SelfSigned();
  const bssl::UniquePtr<SSL_CTX> server_context = NewContext(proxy);
  const bssl::UniquePtr<SSL_CTX> client_context = NewContext(phone);
  absl::Duration total;
  for (int i = 0; i < count; ++i) {
    bssl::UniquePtr<SSL> client(SSL_new(client_context.get()));
    BIO* client_bio = nullptr;
    BIO* server_bio = nullptr;
    CHECK(BIO_new_bio_pair(&client_bio, kTurnSize, &server_bio, kTurnSize));
    SSL_set_bio(client.get(), client_bio, client_bio);
    SSL_set_connect_state(client.get());
    absl::Duration start = ThreadCpuTime();
    bssl::UniquePtr<SSL> server(SSL_new(server_context.get()));
    SSL_set_bio(server.get(), server_bio, server_bio);
    SSL_set_accept_state(server.get());
    total += ThreadCpuTime() - start;
    while (SSL_in_init(server.get()) || SSL_in_init(client.get())) {
      if (const int result = SSL_do_handshake(client.get()); result != 1) {
        CHECK(SSL_get_error(client.get(), result) == SSL_ERROR_WANT_READ);
      }
      start = ThreadCpuTime();
      if (const int result = SSL_do_handshake(server.get()); result != 1) {
        CHECK(SSL_get_error(server.get(), result) == SSL_ERROR_WANT_READ);
      }
      total += ThreadCpuTime() - start;
    }
    start = ThreadCpuTime();
    server.reset();
    total += ThreadCpuTime() - start;
  }
  return total / count;
}

double AeadSecondsPerGigabyte() {
  constexpr int kTurns = 4000;
  Aead aead;
  std::vector<uint8_t> buffer(kTurnSize);
  const absl::Duration start = ThreadCpuTime();
  for (int i = 0; i < kTurns; ++i) aead.Run(buffer.data(), buffer.size());
  return absl::ToDoubleSeconds(ThreadCpuTime() - start) / (kTurns * kTurnSize * 1e-9);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("what no proxy can do without");
  absl::ParseCommandLine(argc, argv);
  const int handshakes = std::clamp(absl::GetFlag(FLAGS_handshakes), 0, 100'000);
  if (handshakes > 0) {
    std::printf("{\"us_per_handshake\": %.1f, \"aead_s_per_gb\": %.4f}\n",
                absl::ToDoubleMicroseconds(bench::HandshakeTime(handshakes)),
                bench::AeadSecondsPerGigabyte());
    return 0;
  }
  absl::StatusOr<peers::Listener> listener =
      peers::Listener::Listen(peers::At(absl::GetFlag(FLAGS_listen)));
  if (!listener.ok()) {
    std::fprintf(stderr, "%s\n", listener.status().ToString().c_str());
    return 1;
  }
  bench::LimitProxy(*std::move(listener)).Run();
}
