// Property: whatever an IMS-ALG orders, whatever peers do and whichever system call fails, in
// whatever order, a context does not crash; a call that fails has neither made a termination nor
// written the controller state; what comes out of a session is what went in; and when the context
// is gone, no port is leased and no file descriptor is left.
//
// The input is a program: one octet says what to do next, the following ones how. Peers are real
// sockets on loopback, with TLS or without; time is skipped.

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "agw-service/context/testing/context_harness.h"
#include "agw-service/net/testing/failing_calls.h"
#include "agw-service/tls/testing/certificates.h"
#include "agw-service/tls/testing/tls_peer.h"
#include "common/check.h"

namespace agw {
namespace {

constexpr size_t kOperationLimit = 64;
constexpr uint32_t kStreamCount = 2;

// Octets from here on mean operations that were added later, so that older inputs keep their sense.
constexpr uint8_t kNewOperations = 192;
constexpr size_t kPeerLimit = 8;

// So many turns bring a session from the first SYN to the first byte.
constexpr int kTurnsToSettle = 12;

// A plain socket, or one with TLS in it.
struct Peer {
  OwnedFd fd;
  std::unique_ptr<TlsPeer> tls;

  int descriptor() const { return tls != nullptr ? tls->fd() : fd.get(); }
};

// A session that was set up as it should be, and what its ends have sent and received.
struct Session {
  uint32_t stream_id = 0;
  // No other peer has come near it, and no order but the first.
  bool undisturbed = true;
  std::unique_ptr<TlsPeer> ue;
  common::TransportAddress core_comes_from;  // T2.
  OwnedFd core;
  std::string sent_by_ue;
  std::string sent_by_core;
  std::string received_by_core;
};

// Kept, for it takes longer to make than everything else.
const TestCertificate& UeCertificate() {
  static const TestCertificate& certificate = *new TestCertificate(MakeTestCertificate());
  return certificate;
}

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
      Turn();
      if (harness_.hanging()) break;
    }
    CheckSession();
    harness_.Destroy();
  }

 private:
  void Step() {
    const uint8_t operation = program_.Octet();
    switch (operation < kNewOperations ? operation % 12 : 12 + operation % 7) {
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
        return PeerAccepts(/*with_tls=*/false);
      case 6:
        return PeerSends();
      case 7:
        return PeerEnds();
      case 8:
        return harness_.SkipTime(absl::Seconds(1 << program_.Choice(9)));
      case 9:
        return Turn(absl::Milliseconds(1));
      case 10:
        return PeerReceives();
      case 11:
        return harness_.context().Touch();
      case 12:
        return TlsPeerConnects();
      case 13:
        return CallsFail();
      case 14:
        return OpenSession();
      case 15:
        return UeSends();
      case 16:
        return CoreSends();
      case 17:
        for (int i = 0; i < kTurnsToSettle; ++i) Turn();
        return;
      case 18:
        return PeerAccepts(/*with_tls=*/true);
    }
  }

  // Runs what the IMS-AGW does: only its calls fail, not those of its peers.
  template <typename Function>
  auto AsGateway(Function function) {
    failing_calls() = failing_;
    if constexpr (std::is_void_v<decltype(function())>) {
      function();
      failing_calls() = {};
    } else {
      auto result = function();
      failing_calls() = {};
      return result;
    }
  }

  void Turn(absl::Duration max_wait = absl::ZeroDuration()) {
    AsGateway([&] { harness_.Turn(max_wait); });
    for (Peer& peer : peers_) {
      if (peer.tls != nullptr) peer.tls->Step();
    }
    if (session_.ue != nullptr) session_.ue->Step();
    if (!session_.core) return;
    char buffer[65536];
    const absl::StatusOr<RecvResult> received = Recv(session_.core.get(), absl::MakeSpan(buffer));
    if (received.ok()) session_.received_by_core.append(buffer, received->byte_count);
  }

  void CallsFail() {
    failing_ = {};
    const int kShortages[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM};
    const int shortage = kShortages[program_.Choice(4)];
    switch (program_.Choice(8)) {
      case 0:
        failing_.accept = shortage;
        return;
      case 1:
        failing_.socket = shortage;
        return;
      case 2:
        failing_.bind = EADDRINUSE;
        return;
      case 3:
        failing_.listen = EADDRINUSE;
        return;
      case 4:
        failing_.connect = ENETUNREACH;
        return;
      case 5:
        failing_.attach_filter = ENOMEM;
        return;
      default:  // All is well again.
        return;
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
    const uint8_t fingerprint = program_.Octet();
    if (fingerprint % 2 == 1) {
      remote.fingerprints = FingerprintSet({fingerprint % 4 == 1 ? fingerprint_ : UeFingerprint()});
    }
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
    Disturb(key);
    const bool tls = program_.Flag();
    absl::optional<RemoteDescriptor> remote;
    if (program_.Flag()) remote = Remote();
    const BearerControl control = Control();
    const absl::optional<ControllerStateUpdate> state = State();
    const bool existed = harness_.context().FindTermination(key) != nullptr;
    const absl::Status reserved = AsGateway([&] {
      return harness_.context().ReserveConnectionPoint(
          key,
          {.ip_realm = "",
           .transport_protocol = tls ? TransportProtocol::kTcpTls : TransportProtocol::kTcp,
           .fingerprint_hash_functions = tls ? std::vector<HashFunction>{HashFunction::kSha256}
                                             : std::vector<HashFunction>()},
          remote, control, state);
    });
    const bool exists = harness_.context().FindTermination(key) != nullptr;
    CHECK(exists == (existed || reserved.ok()));
  }

  void Configure() {
    const TerminationKey key = Key();
    Disturb(key);
    const RemoteDescriptor remote = Remote();
    const BearerControl control = Control();
    const uint64_t revision = harness_.context().controller_state_revision();
    const absl::optional<ControllerStateUpdate> state = State();
    const absl::Status configured = AsGateway(
        [&] { return harness_.context().ConfigureConnectionPoint(key, remote, control, state); });
    if (!configured.ok()) {
      CHECK(harness_.context().controller_state_revision() == revision);
    }
  }

  void Release() {
    const uint32_t stream_id = program_.Choice(kStreamCount + 1);
    absl::optional<Side> side;
    if (stream_id != 0 && program_.Flag()) {
      side = program_.Flag() ? Side::kAccess : Side::kCore;
    }
    (void)AsGateway([&] { return harness_.context().ReleaseTermination(stream_id, side); });
  }

  // From a UE to a termination that the program names; empty if it does not exist.
  OwnedFd ConnectSomewhere() {
    const TerminationKey key = Key();
    Disturb(key);
    if (harness_.context().FindTermination(key) == nullptr || peers_.size() == kPeerLimit)
      return {};
    absl::StatusOr<OwnedFd> fd =
        BindTcp({*common::IpAddress::Parse(ContextHarness::kUeAddress), 0});
    // Many runs leave many ports in TIME_WAIT.
    if (!fd.ok() ||
        !StartConnect(fd->get(), harness_.LocalAddressOf(key.side, key.stream_id)).ok()) {
      return {};
    }
    return *std::move(fd);
  }

  void PeerConnects() {
    OwnedFd fd = ConnectSomewhere();
    if (fd) peers_.push_back({std::move(fd), nullptr});
  }

  void TlsPeerConnects() {
    OwnedFd fd = ConnectSomewhere();
    if (fd) peers_.push_back({OwnedFd(), NewTlsPeer(std::move(fd), TlsRole::kClient)});
  }

  static std::unique_ptr<TlsPeer> NewTlsPeer(OwnedFd fd, TlsRole role) {
    TlsPeer::Options options;
    options.role = role;
    options.certificate = &UeCertificate();
    return std::make_unique<TlsPeer>(std::move(fd), options);
  }

  static Fingerprint UeFingerprint() {
    return UeCertificate().FingerprintBy(HashFunction::kSha256);
  }

  // With everything right, unless a call fails.
  void OpenSession() {
    const TerminationKey t1{1u + program_.Choice(kStreamCount), Side::kAccess};
    const TerminationKey t2{t1.stream_id, Side::kCore};
    if (harness_.context().FindTermination(t1) != nullptr ||
        harness_.context().FindTermination(t2) != nullptr || session_.ue != nullptr) {
      return;
    }
    BearerControl access;
    access.syn_policy = SynPolicy{SynPolicy::Kind::kLatch, {}};
    access.tls_role = TlsRole::kServer;
    access.interlinkage =
        Interlinkage{Interlinkage::Topology::kT1ToT2, Interlinkage::Trigger::kOnTcpSyn};
    const RemoteDescriptor ue{
        common::TransportAddress{*common::IpAddress::Parse(ContextHarness::kUeAddress), 9},
        FingerprintSet({UeFingerprint()})};
    const RemoteDescriptor core{*LocalAddress(listener_.get()), {}};
    const absl::Status reserved = AsGateway([&] {
      Context& context = harness_.context();
      const absl::Status first = context.ReserveConnectionPoint(
          t1, {.ip_realm = "", .transport_protocol = TransportProtocol::kTcpTls}, ue, access,
          absl::nullopt);
      return first.ok() ? context.ReserveConnectionPoint(t2, {}, core, {}, absl::nullopt) : first;
    });
    if (!reserved.ok()) return;
    absl::StatusOr<OwnedFd> fd =
        BindTcp({*common::IpAddress::Parse(ContextHarness::kUeAddress), 0});
    if (!fd.ok() || !StartConnect(fd->get(), harness_.LocalAddressOf(t1.side, t1.stream_id)).ok()) {
      return;
    }
    session_.stream_id = t1.stream_id;
    session_.ue = NewTlsPeer(*std::move(fd), TlsRole::kClient);
    session_.core_comes_from = harness_.LocalAddressOf(t2.side, t2.stream_id);
    for (int i = 0; i < kTurnsToSettle; ++i) {
      Turn();
      (void)AcceptBesideSession();
    }
  }

  // A connection to the peers' listener; the session keeps its own, however late it comes.
  OwnedFd AcceptBesideSession() {
    absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener_.get());
    CHECK(accepted.ok());
    if (!accepted->has_value()) return {};
    if ((*accepted)->remote != session_.core_comes_from) return std::move((*accepted)->fd);
    session_.core = std::move((*accepted)->fd);
    return {};
  }

  std::string Message() {
    return std::string(1 << program_.Choice(17), static_cast<char>('a' + program_.Choice(26)));
  }

  void UeSends() {
    const std::string message = Message();
    if (session_.ue == nullptr || !session_.ue->handshake_done()) return;
    if (session_.ue->unsent_byte_count() > 0) return;
    session_.ue->Write(message);
    session_.sent_by_ue += message;
  }

  void CoreSends() {
    const std::string message = Message();
    if (!session_.core) return;
    const absl::StatusOr<size_t> sent = Send(session_.core.get(), message);
    if (sent.ok()) session_.sent_by_core.append(message, 0, *sent);
  }

  void Disturb(TerminationKey key) {
    if (key.stream_id == session_.stream_id) session_.undisturbed = false;
  }

  // Whatever has happened to the session: octets neither change nor overtake each other.
  void CheckSession() {
    if (!session_.undisturbed) return;
    CHECK(absl::StartsWith(session_.sent_by_ue, session_.received_by_core));
    if (session_.ue != nullptr) {
      CHECK(absl::StartsWith(session_.sent_by_core, session_.ue->received()));
    }
  }

  void PeerAccepts(bool with_tls) {
    OwnedFd fd = AcceptBesideSession();
    if (!fd || peers_.size() == kPeerLimit) return;
    if (with_tls) {
      peers_.push_back({OwnedFd(), NewTlsPeer(std::move(fd), TlsRole::kServer)});
    } else {
      peers_.push_back({std::move(fd), nullptr});
    }
  }

  const Peer* AnyPeer() {
    const uint8_t choice = program_.Octet();
    return peers_.empty() ? nullptr : &peers_[choice % peers_.size()];
  }

  void PeerSends() {
    const Peer* peer = AnyPeer();
    // Much, to fill what a peer that does not read has room for; or something like TLS, or not.
    const std::string much(200'000, 'x');
    const absl::string_view texts[] = {"MSRP d93kswow SEND\r\n", much,
                                       absl::string_view("\x16\x03\x01\x00\x05\x01\x00", 7)};
    const absl::string_view text = texts[program_.Choice(3)];
    if (peer == nullptr) return;
    if (peer->tls != nullptr && peer->tls->handshake_done()) {
      peer->tls->Write(text);
    } else {
      (void)Send(peer->descriptor(), text);
    }
  }

  void PeerReceives() {
    const Peer* peer = AnyPeer();
    if (peer == nullptr || peer->tls != nullptr) return;
    std::string buffer(1 << 20, '\0');
    (void)Recv(peer->descriptor(), absl::MakeSpan(buffer));
  }

  void PeerEnds() {
    const Peer* peer = AnyPeer();
    const uint8_t how = program_.Choice(3);
    if (peer == nullptr) return;
    if (how == 0) {
      (void)ShutdownWrite(peer->descriptor());
      return;
    }
    if (how == 1) SetResetOnClose(peer->descriptor());
    peers_.erase(peers_.begin() + (peer - peers_.data()));
  }

  ContextHarness& harness_;
  Program& program_;
  OwnedFd listener_;
  std::vector<Peer> peers_;
  Session session_;
  FailingCalls failing_;
  const Fingerprint fingerprint_ =
      *Fingerprint::Create(HashFunction::kSha256, std::string(32, 'f'));
};

void CheckOneInput(absl::string_view input) {
  // Kept, for its certificate takes longer than everything else.
  static ContextHarness& harness = *new ContextHarness();
  harness.Destroy();
  UeCertificate();
  const size_t descriptors = OpenDescriptorCount();
  Program program(input);
  ContextMachine(harness, program).Run();
  // Until sockets with an alert have been closed, too.
  harness.SkipTime(absl::Seconds(2));
  harness.Turn();
  CHECK(harness.ports_in_use() == 0);
  CHECK(OpenDescriptorCount() == descriptors);
}

}  // namespace
}  // namespace agw

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  agw::CheckOneInput(absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
