// Property: whatever an IMS-ALG orders and whatever peers do, in whatever order, a context does not
// crash; a call that fails has neither made a termination nor written the controller state; and
// when the context is gone, no port is leased and no file descriptor is left.
//
// The input is a program: one octet says what to do next, the following ones how. Peers are real
// sockets on loopback; time is skipped.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "agw-service/context/testing/context_harness.h"
#include "common/check.h"

namespace agw {
namespace {

constexpr size_t kOperationLimit = 64;
constexpr uint32_t kStreamCount = 2;
constexpr size_t kPeerLimit = 8;

// Reads a program. Behind its end everything is zero.
class Program {
 public:
  explicit Program(absl::string_view text) : text_(text) {}

  bool AtEnd() const { return text_.empty(); }
  uint8_t Octet() {
    if (text_.empty()) return 0;
    const auto octet = static_cast<uint8_t>(text_.front());
    text_.remove_prefix(1);
    return octet;
  }
  // One of `count` values.
  uint8_t Choice(uint8_t count) { return Octet() % count; }
  bool Flag() { return Choice(2) == 1; }

 private:
  absl::string_view text_;
};

size_t OpenDescriptorCount() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

// A context with an IMS-ALG and peers that do what the program says.
class ContextMachine {
 public:
  ContextMachine(ContextHarness& harness, Program& program) : harness_(harness), program_(program) {
    listener_ = *BindTcp({*common::IpAddress::Parse(ContextHarness::kPeerAddress), 0});
    CHECK(Listen(listener_.get(), 8).ok());
    harness_.Renew();
  }

  void Run() {
    for (size_t i = 0; i < kOperationLimit && !program_.AtEnd(); ++i) {
      Step();
      harness_.Turn();
      if (harness_.hanging()) break;
    }
    harness_.Destroy();
  }

 private:
  void Step() {
    switch (program_.Choice(12)) {
      case 0:
        return Reserve();
      case 1:
      case 2:
        return Configure();
      case 3:
        return Release();
      case 4:
        return PeerConnects();
      case 5:
        return PeerAccepts();
      case 6:
        return PeerSends();
      case 7:
        return PeerEnds();
      case 8:
        return harness_.SkipTime(absl::Seconds(1 << program_.Choice(9)));
      case 9:
        return harness_.Turn(absl::Milliseconds(1));
      case 10:
        return PeerReceives();
      case 11:
        return harness_.context().Touch();
    }
  }

  TerminationKey Key() {
    const uint8_t choice = program_.Choice(2 * kStreamCount);
    return {1u + choice / 2, choice % 2 == 0 ? Side::kAccess : Side::kCore};
  }

  RemoteDescriptor Remote() {
    RemoteDescriptor remote;
    switch (program_.Choice(5)) {
      case 0:
        break;
      case 1:
        remote.address = *LocalAddress(listener_.get());
        break;
      case 2:  // An active UE.
        remote.address = {*common::IpAddress::Parse(ContextHarness::kUeAddress), 9};
        break;
      case 3:  // Nobody listens there.
        remote.address = {*common::IpAddress::Parse(ContextHarness::kPeerAddress), 1};
        break;
      case 4:  // Not allowed.
        remote.address = {*common::IpAddress::Parse("224.0.0.1"), 1};
        break;
    }
    if (program_.Flag()) remote.fingerprints = FingerprintSet({fingerprint_});
    return remote;
  }

  SynPolicy Policy() {
    SynPolicy policy;
    policy.kind = static_cast<SynPolicy::Kind>(program_.Choice(3));
    for (uint8_t i = program_.Choice(3); i > 0; --i) {
      policy.sources.push_back({.ip = *common::IpAddress::Parse("127.0.0.0"),
                                .prefix_length = static_cast<uint8_t>(8 + program_.Choice(25))});
    }
    return policy;
  }

  BearerControl Control() {
    BearerControl control;
    const uint8_t parts = program_.Octet();
    if ((parts & 1) != 0) control.tcp_role = static_cast<TcpRole>(1 + program_.Choice(2));
    if ((parts & 2) != 0) control.tls_role = static_cast<TlsRole>(program_.Choice(2));
    if ((parts & 4) != 0) control.syn_policy = Policy();
    if ((parts & 8) != 0) {
      control.interlinkage = Interlinkage{static_cast<Interlinkage::Topology>(program_.Choice(3)),
                                          static_cast<Interlinkage::Trigger>(program_.Choice(2))};
    }
    control.establish_tcp = (parts & 16) != 0;
    control.establish_tls = (parts & 32) != 0;
    if ((parts & 64) != 0) control.await_configuration = absl::Seconds(program_.Octet());
    if ((parts & 128) != 0) control.tcp_establishment = absl::Seconds(program_.Octet());
    return control;
  }

  absl::optional<ControllerStateUpdate> State() {
    if (!program_.Flag()) return absl::nullopt;
    return ControllerStateUpdate{"record", program_.Choice(4)};
  }

  void Reserve() {
    const TerminationKey key = Key();
    const bool tls = program_.Flag();
    absl::optional<RemoteDescriptor> remote;
    if (program_.Flag()) remote = Remote();
    const BearerControl control = Control();
    const bool existed = harness_.context().FindTermination(key) != nullptr;
    const absl::Status reserved = harness_.context().ReserveConnectionPoint(
        key, {.ip_realm = "", .tls = tls, .fingerprint_request = tls}, remote, control, State());
    const bool exists = harness_.context().FindTermination(key) != nullptr;
    CHECK(exists == (existed || reserved.ok()));
  }

  void Configure() {
    const TerminationKey key = Key();
    const RemoteDescriptor remote = Remote();
    const BearerControl control = Control();
    const uint64_t revision = harness_.context().controller_state_revision();
    if (!harness_.context().ConfigureConnectionPoint(key, remote, control, State()).ok()) {
      CHECK(harness_.context().controller_state_revision() == revision);
    }
  }

  void Release() {
    const uint32_t stream_id = program_.Choice(kStreamCount + 1);
    absl::optional<Side> side;
    if (stream_id != 0 && program_.Flag()) {
      side = program_.Flag() ? Side::kAccess : Side::kCore;
    }
    (void)harness_.context().ReleaseTermination(stream_id, side);
  }

  // The termination to connect to, if there is one.
  void PeerConnects() {
    const TerminationKey key = Key();
    if (harness_.context().FindTermination(key) == nullptr || peers_.size() == kPeerLimit) return;
    absl::StatusOr<OwnedFd> fd =
        BindTcp({*common::IpAddress::Parse(ContextHarness::kUeAddress), 0});
    // Many runs leave many ports in TIME_WAIT.
    if (fd.ok() && StartConnect(fd->get(), harness_.LocalAddressOf(key.side, key.stream_id)).ok()) {
      peers_.push_back(*std::move(fd));
    }
    harness_.Turn(absl::Milliseconds(1));
  }

  void PeerAccepts() {
    absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener_.get());
    CHECK(accepted.ok());
    if (accepted->has_value() && peers_.size() < kPeerLimit) {
      peers_.push_back(std::move((*accepted)->fd));
    }
  }

  const OwnedFd* Peer() {
    const uint8_t choice = program_.Octet();
    return peers_.empty() ? nullptr : &peers_[choice % peers_.size()];
  }

  void PeerSends() {
    const OwnedFd* peer = Peer();
    // Much, to fill what a peer that does not read has room for; or something like TLS, or not.
    const std::string much(200'000, 'x');
    const absl::string_view texts[] = {"MSRP d93kswow SEND\r\n", much,
                                       absl::string_view("\x16\x03\x01\x00\x05\x01\x00", 7)};
    const absl::string_view text = texts[program_.Choice(3)];
    if (peer != nullptr) (void)Send(peer->get(), text);
  }

  void PeerReceives() {
    const OwnedFd* peer = Peer();
    if (peer == nullptr) return;
    std::string buffer(1 << 20, '\0');
    (void)Recv(peer->get(), absl::MakeSpan(buffer));
  }

  void PeerEnds() {
    const OwnedFd* peer = Peer();
    const uint8_t how = program_.Choice(3);
    if (peer == nullptr) return;
    if (how == 0) {
      (void)ShutdownWrite(peer->get());
      return;
    }
    if (how == 1) SetResetOnClose(peer->get());
    peers_.erase(peers_.begin() + (peer - peers_.data()));
  }

  ContextHarness& harness_;
  Program& program_;
  OwnedFd listener_;
  std::vector<OwnedFd> peers_;
  const Fingerprint fingerprint_ =
      *Fingerprint::Create(HashFunction::kSha256, std::string(32, 'f'));
};

void CheckOneInput(absl::string_view input) {
  // Kept, for its certificate takes longer than everything else.
  static ContextHarness& harness = *new ContextHarness();
  harness.Destroy();
  const size_t descriptors = OpenDescriptorCount();
  Program program(input);
  ContextMachine(harness, program).Run();
  CHECK(harness.ports_in_use() == 0);
  CHECK(OpenDescriptorCount() == descriptors);
}

}  // namespace
}  // namespace agw

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  agw::CheckOneInput(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
