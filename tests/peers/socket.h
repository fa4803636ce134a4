// TCP sockets that wait with a time limit and tell what the kernel knows of them.

#ifndef TESTS_PEERS_SOCKET_H_
#define TESTS_PEERS_SOCKET_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/ip_address.h"

namespace peers {

// Long enough for a busy machine under a sanitizer; nothing waits that long when all is well.
inline constexpr absl::Duration kPatience = absl::Seconds(20);

// A file descriptor with an owner. -1 is none.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  ~OwnedFd();

  int get() const { return fd_; }
  int release();

 private:
  int fd_ = -1;
};

// What the kernel tells of a TCP connection (TCP_INFO).
struct TcpFacts {
  bool established = false;
  uint32_t retransmission_count = 0;  // Before the connection is there: repeated SYNs.
};

// How the far end's direction of a connection stands.
enum class Ending {
  kNone,         // Still open.
  kFin,          // FIN, without a close_notify where there is TLS.
  kCloseNotify,  // TLS ended in order.
  kReset,        // RST.
  kTlsError,     // A fatal alert or a broken record.
};

absl::string_view ToString(Ending ending);

// A TCP connection, or one on its way. Non-blocking below, waiting above. Lives on one thread.
class Socket {
 public:
  // Sends the SYN from `local` (port 0: any) and returns without waiting for an answer.
  static absl::StatusOr<Socket> StartConnect(const common::TransportAddress& local,
                                             const common::TransportAddress& remote);

  // The same, and waits for the connection.
  static absl::StatusOr<Socket> Connect(const common::TransportAddress& local,
                                        const common::TransportAddress& remote,
                                        absl::Duration timeout = kPatience);

  explicit Socket(OwnedFd fd) : fd_(std::move(fd)) {}

  // OK once the connection is there; `kDeadlineExceeded` while nobody answers; `kUnavailable` if
  // it was refused.
  absl::Status WaitConnected(absl::Duration timeout = kPatience);

  // True as soon as there is something to read, an end or an error included.
  bool WaitReadable(absl::Duration timeout) const;
  bool WaitWritable(absl::Duration timeout) const;

  // What is there now: bytes, or none with `ending` set, or none.
  struct ReadResult {
    size_t byte_count = 0;
    Ending ending = Ending::kNone;
  };
  ReadResult Read(char* buffer, size_t size);

  // What the kernel takes now; -1 if the connection is broken.
  long Write(absl::string_view bytes);

  // What the kernel takes for us while we do not read, about; fixed from now on.
  void SetReceiveBuffer(int byte_count);

  void CloseWrite();
  // Closes with RST.
  void Reset();
  void Close() { fd_ = OwnedFd(); }

  common::TransportAddress local_address() const;
  common::TransportAddress remote_address() const;
  TcpFacts tcp_facts() const;
  int fd() const { return fd_.get(); }

 private:
  OwnedFd fd_;
};

// Takes connections. Lives on one thread.
class Listener {
 public:
  static absl::StatusOr<Listener> Listen(const common::TransportAddress& local);

  absl::StatusOr<Socket> Accept(absl::Duration timeout = kPatience);

  // True if nobody connects for this long.
  bool StaysQuiet(absl::Duration time) const;

  common::TransportAddress address() const;
  int fd() const { return fd_.get(); }

 private:
  explicit Listener(OwnedFd fd) : fd_(std::move(fd)) {}
  OwnedFd fd_;
};

// A listening address that answers every SYN with RST: bound, but nobody listens.
class RefusingPort {
 public:
  static absl::StatusOr<RefusingPort> Bind(const common::IpAddress& ip);
  common::TransportAddress address() const;

 private:
  explicit RefusingPort(OwnedFd fd) : fd_(std::move(fd)) {}
  OwnedFd fd_;
};

// "127.0.0.30:0", for tests: ends the process if it cannot be parsed.
common::TransportAddress At(absl::string_view text);

bool HasIpv6Loopback();

}  // namespace peers

#endif  // TESTS_PEERS_SOCKET_H_
