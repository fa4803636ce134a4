// A session with both its ends on loopback: the IMS-AGW's context, a UE with TLS or without, and a
// core peer. What an end sees of the other one's end is what these tests are about.

#ifndef AGW_SERVICE_CONTEXT_TESTING_LOOPBACK_SESSION_H_
#define AGW_SERVICE_CONTEXT_TESTING_LOOPBACK_SESSION_H_

#include <poll.h>
#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "agw-service/context/context.h"
#include "agw-service/context/testing/context_harness.h"
#include "agw-service/net/socket.h"
#include "agw-service/net/syn_gate.h"
#include "agw-service/tls/testing/certificates.h"
#include "agw-service/tls/testing/tls_peer.h"
#include "gtest/gtest.h"

namespace agw {

// What one end of the session sees of the other's end.
enum class Sees { kNothing, kEnd, kTruncation, kReset };

// The UE or the core peer: a plain socket, or one with TLS in it.
class Endpoint {
 public:
  explicit Endpoint(OwnedFd fd) : fd_(std::move(fd)) {}
  Endpoint(OwnedFd fd, const TlsPeer::Options& options)
      : tls_(std::make_unique<TlsPeer>(std::move(fd), options)) {}

  int fd() const { return tls_ != nullptr ? tls_->fd() : fd_.get(); }
  TlsPeer* tls() { return tls_.get(); }

  // Reads what has come, unless reading is off, and sends what is left.
  void Step() {
    if (gone_) return;
    pollfd entry{.fd = fd(), .events = POLLIN, .revents = 0};
    poll(&entry, 1, 0);
    if (tls_ != nullptr) {
      // TlsPeer does not tell the ends apart.
      if (reading_) saw_reset_ |= (entry.revents & POLLERR) != 0;
      tls_->set_reading(reading_);
      tls_->Step();
      return;
    }
    // RST can come behind FIN, where nothing is read any more.
    if (saw_fin_) saw_reset_ |= (entry.revents & POLLERR) != 0;
    char buffer[65536];
    while (reading_ && !saw_fin_ && !saw_reset_) {
      const absl::StatusOr<RecvResult> result = Recv(fd_.get(), absl::MakeSpan(buffer));
      if (!result.ok()) {
        saw_reset_ = true;
      } else if (result->would_block) {
        break;
      } else {
        saw_fin_ = result->end_of_stream;
        received_.append(buffer, result->byte_count);
      }
    }
  }

  Sees sees() const {
    if (saw_reset_) return Sees::kReset;
    if (tls_ == nullptr) return saw_fin_ ? Sees::kEnd : Sees::kNothing;
    if (!tls_->saw_end()) return Sees::kNothing;
    return tls_->saw_close_notify() ? Sees::kEnd : Sees::kTruncation;
  }
  const std::string& received() const { return tls_ != nullptr ? tls_->received() : received_; }
  void set_reading(bool reading) { reading_ = reading; }

  // Reads at most so much, though reading may be off. Only without TLS.
  void Take(size_t size) {
    std::string buffer(size, '\0');
    const absl::StatusOr<RecvResult> result = Recv(fd_.get(), absl::MakeSpan(buffer));
    ASSERT_TRUE(result.ok());
    received_.append(buffer, 0, result->byte_count);
  }

  void Send(absl::string_view bytes) {
    if (tls_ != nullptr) {
      tls_->Write(bytes);
      tls_->Send();
      sent_byte_count_ += bytes.size();
    } else {
      const absl::StatusOr<size_t> sent = agw::Send(fd_.get(), bytes);
      ASSERT_TRUE((sent).ok());
      sent_byte_count_ += *sent;
    }
  }
  size_t sent_byte_count() const { return sent_byte_count_; }

  // Ends its direction as it should be done.
  void End() {
    if (tls_ != nullptr) {
      tls_->CloseNotify();
      // What the IMS-AGW does not read now is in front of it.
      ends_when_sent_ = true;
    } else {
      ASSERT_TRUE((ShutdownWrite(fd_.get())).ok());
    }
  }
  void SendRest() {
    if (gone_ || !ends_when_sent_) return;
    tls_->Send();
    if (tls_->unsent_byte_count() > 0) return;
    ends_when_sent_ = false;
    tls_->ShutdownWrite();
  }
  void Truncate() { ASSERT_TRUE((ShutdownWrite(fd())).ok()); }
  void Reset() {
    gone_ = true;
    if (tls_ != nullptr) {
      tls_->Close(/*reset=*/true);
    } else {
      SetResetOnClose(fd_.get());
      fd_.reset();
    }
  }
  // Neither takes nor acknowledges anything any more.
  void FallSilent() { ASSERT_TRUE((CloseSynGate(fd())).ok()); }

 private:
  OwnedFd fd_;
  std::unique_ptr<TlsPeer> tls_;
  std::string received_;
  bool reading_ = true;
  bool saw_fin_ = false;
  bool saw_reset_ = false;
  bool gone_ = false;
  bool ends_when_sent_ = false;
  size_t sent_byte_count_ = 0;
};

// A session with a UE over TLS or without, and what can be done to it.
class LoopbackSession {
 public:
  explicit LoopbackSession(bool tls) : tls_(tls) {
    listener_ = *BindTcp({*common::IpAddress::Parse(ContextHarness::kPeerAddress), 0});
    // So that little fills it.
    const int size = 16 * 1024;
    EXPECT_EQ(setsockopt(listener_.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    EXPECT_TRUE(Listen(listener_.get(), 4).ok());
  }

  bool tls() const { return tls_; }

  // Before `Reserve()`: an application-aware stream, between peers with these paths.
  void UseMsrp(absl::string_view ue_path, absl::string_view core_path) {
    ue_path_ = {std::string(ue_path)};
    core_path_ = {std::string(core_path)};
  }
  TransportProtocol Transport(bool tls) const {
    if (ue_path_.empty()) return tls ? TransportProtocol::kTcpTls : TransportProtocol::kTcp;
    return tls ? TransportProtocol::kTcpTlsMsrp : TransportProtocol::kTcpMsrp;
  }
  ContextHarness& harness() { return harness_; }
  Endpoint& ue() { return *ue_; }
  Endpoint& core() { return *core_; }
  bool has_core() const { return core_ != nullptr; }

  void Turn() {
    if (ue_ != nullptr) {
      ue_->Step();
      ue_->SendRest();
    }
    if (core_ != nullptr) core_->Step();
    harness_.Turn(absl::Milliseconds(1));
  }
  void RunUntil(const std::function<bool()>& condition) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (!condition()) {
      ASSERT_LT(absl::Now(), deadline) << "in vain";
      Turn();
    }
  }
  // Whether the event loop finds nothing to do: it waits, rather than turn in circles.
  bool AtRest() {
    constexpr absl::Duration kRest = absl::Milliseconds(20);
    for (int i = 0; i < 5; ++i) {
      const absl::Time begin = absl::Now();
      harness_.Turn(kRest);
      if (absl::Now() - begin >= kRest / 2) return true;
    }
    return false;
  }
  void RunQuietTurns() {
    for (int i = 0; i < kQuietTurns; ++i) Turn();
  }

  void Reserve(bool triggered, bool with_fingerprint = true) {
    BearerControl access;
    access.syn_policy = SynPolicy{SynPolicy::Kind::kLatch, {}};
    if (tls_) access.tls_role = TlsRole::kServer;
    if (triggered) {
      access.interlinkage =
          Interlinkage{Interlinkage::Topology::kT1ToT2, Interlinkage::Trigger::kOnTcpSyn};
    }
    absl::optional<RemoteDescriptor> ue;
    if (with_fingerprint) {
      ue = RemoteDescriptor{
          common::TransportAddress{*common::IpAddress::Parse(ContextHarness::kUeAddress), 9}, {}};
      if (tls_) {
        ue->fingerprints = FingerprintSet({certificate_.FingerprintBy(HashFunction::kSha256)});
      }
      ue->msrp_path = ue_path_;
    }
    ASSERT_TRUE((harness_.context().ReserveConnectionPoint(
                     kT1, {.ip_realm = "", .transport_protocol = Transport(tls_)}, ue, access,
                     absl::nullopt))
                    .ok());
    ASSERT_TRUE(
        (harness_.context().ReserveConnectionPoint(
             kT2, {.ip_realm = "", .transport_protocol = Transport(/*tls=*/false)},
             RemoteDescriptor{*LocalAddress(listener_.get()), {}, core_path_}, {}, absl::nullopt))
            .ok());
  }
  void ConnectUe(absl::string_view from = ContextHarness::kUeAddress) {
    ConnectUe(certificate_, from);
  }
  void ConnectUe(const TestCertificate& certificate,
                 absl::string_view from = ContextHarness::kUeAddress) {
    OwnedFd fd = ContextHarness::Connect(from, harness_.LocalAddressOf(Side::kAccess));
    const int size = 16 * 1024;
    EXPECT_EQ(setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
    if (!tls_) {
      ue_ = std::make_unique<Endpoint>(std::move(fd));
      return;
    }
    TlsPeer::Options options;
    options.certificate = &certificate;
    ue_ = std::make_unique<Endpoint>(std::move(fd), options);
  }
  // Another one may come in their place; the caller gives the old one its turns.
  std::unique_ptr<Endpoint> TakeUe() { return std::move(ue_); }
  std::unique_ptr<Endpoint> TakeCore() { return std::move(core_); }
  // A UE that does nothing of TLS by itself.
  void ConnectSilentUe() {
    ue_ = std::make_unique<Endpoint>(ContextHarness::Connect(
        ContextHarness::kUeAddress, harness_.LocalAddressOf(Side::kAccess)));
  }
  void OrderCore() {
    BearerControl order;
    order.tcp_role = TcpRole::kActive;
    order.establish_tcp = true;
    ASSERT_TRUE((harness_.context().ConfigureConnectionPoint(kT2, {}, order, absl::nullopt)).ok());
  }
  void AcceptCore() {
    RunUntil([this] {
      absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener_.get());
      EXPECT_TRUE((accepted).ok());
      if (accepted->has_value()) {
        core_ = std::make_unique<Endpoint>(std::move((*accepted)->fd));
      }
      return core_ != nullptr;
    });
  }
  void RefuseCore() { listener_.reset(); }
  void SilenceCore() { EXPECT_TRUE(CloseSynGate(listener_.get()).ok()); }

  void Open() {
    Reserve(/*triggered=*/true);
    ConnectUe();
    AcceptCore();
    RunUntil([this] {
      return StateOf(Side::kAccess) == Termination::State::kEstablished &&
             StateOf(Side::kCore) == Termination::State::kEstablished &&
             (!tls_ || ue_->tls()->handshake_done());
    });
  }
  // Until what `source` sends stays with the IMS-AGW.
  void Fill(Endpoint& source, Endpoint& sink, Side sink_side) {
    sink.set_reading(false);
    const std::string bytes(64 * 1024, 'x');
    RunUntil([&] {
      // A TLS peer sends behind what it could not send.
      if (source.tls() == nullptr || source.tls()->unsent_byte_count() == 0) source.Send(bytes);
      return ByteStreamOf(sink_side).unsent_byte_count() > 0;
    });
    // And some more, which the IMS-AGW does not read.
    source.Send(bytes);
    RunQuietTurns();
  }

  // An order of the IMS-ALG.
  absl::Status Configure(Side side, const BearerControl& control,
                         const RemoteDescriptor& remote = {}) {
    return harness_.context().ConfigureConnectionPoint(side == Side::kAccess ? kT1 : kT2, remote,
                                                       control, absl::nullopt);
  }
  bool Established() const {
    return StateOf(Side::kAccess) == Termination::State::kEstablished &&
           StateOf(Side::kCore) == Termination::State::kEstablished;
  }

  // What the IMS-ALG lets go: a termination or, without a side, the context.
  void Release(absl::optional<Side> side) {
    EXPECT_TRUE(
        harness_.context().ReleaseTermination(side.has_value() ? 1 : 0, side).status().ok());
  }

  Termination::State StateOf(Side side) const { return harness_.StateOf(side); }
  ByteStream& ByteStreamOf(Side side) {
    return *harness_.context().FindTermination({1, side})->byte_stream();
  }
  // With which cause the bearer of a side was released; nullopt if it was not.
  absl::optional<BearerReleased::Cause> Released(Side side) const {
    absl::optional<BearerReleased::Cause> cause;
    for (const Event& event : harness_.events()) {
      const auto* released = absl::get_if<BearerReleased>(&event.kind);
      if (released == nullptr || event.side != side) continue;
      EXPECT_FALSE(cause.has_value()) << "released twice";
      cause = released->cause;
    }
    return cause;
  }

 private:
  static constexpr TerminationKey kT1{1, Side::kAccess};
  static constexpr TerminationKey kT2{1, Side::kCore};
  static constexpr absl::Duration kPatience = absl::Seconds(20);
  static constexpr int kQuietTurns = 20;

  const bool tls_;
  std::vector<std::string> ue_path_;  // Empty: application-agnostic.
  std::vector<std::string> core_path_;
  const TestCertificate certificate_ = MakeTestCertificate();
  ContextHarness harness_;
  OwnedFd listener_;
  std::unique_ptr<Endpoint> ue_;
  std::unique_ptr<Endpoint> core_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_TESTING_LOOPBACK_SESSION_H_
