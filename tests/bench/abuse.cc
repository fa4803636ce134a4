#include "tests/bench/abuse.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "common/check.h"
#include "tests/peers/socket.h"

namespace bench {
namespace {

constexpr int kWeakest = 19;  // setpriority(2)

// A TLS record that promises 512 octets of a ClientHello, and its first ones.
constexpr absl::string_view kHalfClientHello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);

constexpr absl::string_view kSip = "OPTIONS sip:agw SIP/2.0\r\nVia: SIP/2.0/TCP phone\r\n\r\n";

// Connections to targets in turn, of which the last ones are kept.
class Connector {
 public:
  Connector(absl::Span<const common::TransportAddress> targets, const common::IpAddress& source,
            size_t kept)
      : targets_(targets.begin(), targets.end()), source_(source), kept_(kept) {}

  // Null if it cannot be.
  peers::Socket* Connect() {
    absl::StatusOr<peers::Socket> socket = peers::Socket::StartConnect(
        {.ip = source_, .port = 0}, targets_[next_++ % targets_.size()]);
    if (!socket.ok()) return nullptr;
    sockets_.push_back(*std::move(socket));
    if (sockets_.size() > kept_) sockets_.pop_front();
    return &sockets_.back();
  }

 private:
  const std::vector<common::TransportAddress> targets_;
  const common::IpAddress source_;
  const size_t kept_;
  size_t next_ = 0;
  std::deque<peers::Socket> sockets_;
};

uint32_t Sum(const void* data, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) {
    uint16_t word;
    std::memcpy(&word, static_cast<const char*>(data) + i, sizeof(word));
    sum += word;
  }
  return sum;
}

// RFC 9293 clause 3.1: over a pseudo-header too.
uint16_t Checksum(const tcphdr& tcp, in_addr source, in_addr destination) {
  uint32_t sum = Sum(&tcp, sizeof(tcp)) + Sum(&source, sizeof(source)) +
                 Sum(&destination, sizeof(destination)) + htons(IPPROTO_TCP) + htons(sizeof(tcp));
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

in_addr ToInAddr(const common::IpAddress& ip) {
  in_addr address;
  CHECK(ip.is_ipv4());
  std::memcpy(&address, ip.bytes().data(), sizeof(address));
  return address;
}

void SendSyn(int fd, const common::IpAddress& source, uint16_t port,
             const common::TransportAddress& target) {
  struct {
    iphdr ip;
    tcphdr tcp;
  } packet = {};
  const in_addr from = ToInAddr(source);
  const in_addr to = ToInAddr(target.ip);
  packet.ip.version = 4;
  packet.ip.ihl = 5;
  packet.ip.ttl = 64;
  packet.ip.protocol = IPPROTO_TCP;
  packet.ip.saddr = from.s_addr;
  packet.ip.daddr = to.s_addr;
  packet.tcp.source = htons(port);
  packet.tcp.dest = htons(target.port);
  packet.tcp.syn = 1;
  packet.tcp.doff = sizeof(tcphdr) / 4;
  packet.tcp.window = 0xffff;
  packet.tcp.check = Checksum(packet.tcp, from, to);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr = to;
  // Whether it arrives is the network's business.
  (void)!sendto(fd, &packet, sizeof(packet), 0, reinterpret_cast<sockaddr*>(&address),
                sizeof(address));
}

}  // namespace

Abuse::Abuse(absl::Duration interval, std::function<void()> step)
    : thread_([this, interval, step = std::move(step)] {
        // Of Linux each thread has its own.
        setpriority(PRIO_PROCESS, 0, kWeakest);
        absl::Time due = absl::Now();
        while (!stopping_.load()) {
          step();
          due += interval;
          absl::SleepFor(due - absl::Now());
        }
      }) {}

Abuse::~Abuse() {
  stopping_.store(true);
  thread_.join();
}

std::function<void()> SlowHandshake(absl::Span<const common::TransportAddress> targets,
                                    const common::IpAddress& source) {
  return [connector = std::make_shared<Connector>(targets, source, kHeldConnections)] {
    peers::Socket* const socket = connector->Connect();
    if (socket != nullptr) socket->Write(kHalfClientHello);
  };
}

std::function<void()> Plaintext(absl::Span<const common::TransportAddress> targets,
                                const common::IpAddress& source) {
  return [connector = std::make_shared<Connector>(targets, source, 10)] {
    peers::Socket* const socket = connector->Connect();
    if (socket != nullptr) socket->Write(kSip);
  };
}

std::function<void()> Reset(absl::Span<const common::TransportAddress> targets,
                            const common::IpAddress& source) {
  return [connector = std::make_shared<Connector>(targets, source, 1)] {
    peers::Socket* const socket = connector->Connect();
    if (socket != nullptr) socket->Reset();
  };
}

std::function<void()> SynFlood(absl::Span<const common::TransportAddress> targets,
                               const common::IpAddress& source) {
  const auto fd = std::make_shared<peers::OwnedFd>(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
  CHECK(fd->get() >= 0);
  const std::vector<common::TransportAddress> copy(targets.begin(), targets.end());
  return [fd, source, targets = copy, count = size_t{0}]() mutable {
    for (int i = 0; i < kSynsAtOnce; ++i, ++count) {
      SendSyn(fd->get(), source, static_cast<uint16_t>(1024 + count % 60'000),
              targets[count % targets.size()]);
    }
  };
}

}  // namespace bench
