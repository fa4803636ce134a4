// Property: whatever an IMS-ALG asks, whatever peers do, whichever system call fails and however
// much time goes by, in whatever order, a worker does what `IqScene` checks.
//
// The input is a program: first the circumstances, then operations, each an octet with those that
// say how. Requests are made of octets, too (see request_maker.h). Nothing is real but the worker:
// no socket, no time, no thread.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/variant.h"
#include "agw-service/control/testing/iq_scene.h"
#include "agw-service/control/testing/request_maker.h"
#include "agw-service/control/testing/test_peer.h"
#include "agw-service/net/testing/fake_kernel.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;

constexpr int kOperationLimit = 48;

// TLS handshakes are what takes time.
constexpr size_t kPeerLimit = 12;

// So many turns bring a session from the first SYN to the first octet.
constexpr int kTurnsToSettle = 8;

iq::TransportAddress ToProto(const common::TransportAddress& address) {
  iq::TransportAddress proto;
  proto.set_ip_address(address.ip.ToString());
  proto.set_port(address.port);
  return proto;
}

IqWorker::Options ReadOptions(OctetReader& reader) {
  const uint8_t octet = reader.Octet();
  IqWorker::Options options;
  options.ports_per_address = 16;
  if (octet % 4 == 1) options.descriptor_capacity = 9;
  if (octet % 4 == 2) options.context_limit = 2;
  if (octet % 4 == 3) options.ports_per_address = 3;
  if (octet / 4 % 4 == 1) options.handshake_limit = 1;
  if (octet / 4 % 4 == 2) options.buffered_byte_limit = 10'000;
  if (octet / 16 % 2 == 1) options.priority_share = 50;
  return options;
}

class Machine {
 public:
  explicit Machine(OctetReader& reader)
      : reader_(reader),
        scene_(ReadOptions(reader)),
        known_peers_{ToProto(scene_.ue_address()), ToProto(scene_.core_address())},
        maker_(reader, known_peers_) {
    const size_t kBufferSizes[] = {64 * 1024, 4096, 100};
    scene_.kernel().set_buffer_size(kBufferSizes[reader_.Choice(3)]);
    const size_t kSegmentSizes[] = {SIZE_MAX, 1400, 7};
    scene_.kernel().set_segment_size(kSegmentSizes[reader_.Choice(3)]);
  }

  void Run() {
    for (int i = 0; i < kOperationLimit && !reader_.AtEnd(); ++i) {
      scene_.kernel().set_first_ready(reader_.Octet());
      Step();
      scene_.Turn();
    }
    if (reader_.Octet() % 8 == 7) {
      scene_.EndWorker();
    } else {
      scene_.Finish();
    }
  }

 private:
  void Step() {
    switch (reader_.Choice(18)) {
      case 0:
        return Send(maker_.Reserve());
      case 1:
        return Send(maker_.ReserveAndConfigure());
      case 2:
      case 3:
        return Send(maker_.Configure());
      case 4:
        return Send(maker_.Release());
      case 5:
        return SendAgain();
      case 6:
        return PeerConnects();
      case 7:
      case 8:
        return PeerSends();
      case 9:
        return PeerEnds();
      case 10:
        if (TestPeer* peer = AnyPeer()) peer->set_reading(reader_.Flag());
        return;
      case 11:
      case 12:
        return TimeGoesBy();
      case 13:
        return CallsFail();
      case 14:
        return OpenSession();
      case 15:
        return PeerSendsAnything();
      case 16:
        return SomethingChanges();
      case 17:
        return scene_.Turns(kTurnsToSettle);
    }
  }

  // Is sent again, maybe.
  using AnyRequest =
      absl::variant<iq::ReserveConnectionPointRequest,
                    iq::ReserveAndConfigureConnectionPointRequest,
                    iq::ConfigureConnectionPointRequest, iq::ReleaseTerminationRequest>;

  template <typename Request>
  void Send(const Request& request) {
    (void)scene_.Call(request);
    requests_.push_back(request);
  }

  void SendAgain() {
    if (requests_.empty()) return;
    const AnyRequest& request = requests_[reader_.Choice(requests_.size())];
    absl::visit([this](const auto& again) { (void)scene_.Call(again); }, request);
  }

  TestPeer::Tls AnyTls() {
    const TestPeer::Tls kKinds[] = {TestPeer::Tls::kRightCertificate, TestPeer::Tls::kNone,
                                    TestPeer::Tls::kRightCertificate,
                                    TestPeer::Tls::kWrongCertificate};
    return kKinds[reader_.Choice(4)];
  }

  void PeerConnects() {
    const absl::optional<common::TransportAddress> to = scene_.AddressOf(maker_.Termination());
    const TestPeer::Tls tls = AnyTls();
    const size_t from = reader_.Choice(8);
    if (!to.has_value() || scene_.peers().size() >= kPeerLimit) return;
    if (to->ip.is_ipv6()) {
      scene_.Connect(from < 4 ? IqWorker::kUeIpv6 : IqWorker::kCorePeerIpv6, *to, tls);
    } else {
      scene_.Connect(from == 0   ? IqWorker::kStranger
                     : from == 1 ? IqWorker::kCorePeer
                                 : IqWorker::kUe,
                     *to, tls);
    }
  }

  TestPeer* AnyPeer() {
    const uint8_t octet = reader_.Octet();
    return scene_.peers().empty() ? nullptr : scene_.peers()[octet % scene_.peers().size()].get();
  }

  void PeerSends() {
    TestPeer* const peer = AnyPeer();
    const size_t kSizes[] = {1, 10, 100, 1000, 5000, 16'384, 30'000, 70'000};
    const size_t size = kSizes[reader_.Choice(8)];
    if (peer != nullptr) peer->Send(size);
  }

  void PeerSendsAnything() {
    TestPeer* const peer = AnyPeer();
    const absl::string_view kTexts[] = {
        "MSRP d93kswow SEND\r\nTo-Path: msrp://a:1/b;tcp\r\nFrom-Path: msrp://c:1/d;tcp\r\n"
        "Byte-Range: 1-5/5\r\nContent-Type: text/plain\r\n\r\nhello\r\n-------d93kswow$\r\n",
        absl::string_view("\x16\x03\x01\x00\x05\x01\x00", 7),
        absl::string_view("\x15\x03\x03\x00\x02\x02\x28", 7),
        "GET / HTTP/1.1\r\n\r\n",
    };
    const size_t choice = reader_.Choice(5);
    std::string text(choice < 4 ? kTexts[choice] : "");
    for (size_t count = choice == 4 ? reader_.Octet() : 0; count > 0; --count) {
      text.push_back(static_cast<char>(reader_.Octet()));
    }
    const bool inside_tls = reader_.Flag();
    if (peer == nullptr) return;
    if (inside_tls) {
      peer->SendText(text);
    } else {
      peer->SendRaw(text);
    }
  }

  void PeerEnds() {
    TestPeer* const peer = AnyPeer();
    const size_t how = reader_.Choice(4);
    if (peer == nullptr) return;
    switch (how) {
      case 0:
        return peer->End();
      case 1:
        return peer->Truncate();
      case 2:
        return peer->Reset();
      case 3:
        return peer->Close();
    }
  }

  void TimeGoesBy() {
    const absl::Duration kTimes[] = {
        absl::Milliseconds(1), absl::Milliseconds(100), absl::Seconds(1),  absl::Seconds(3),
        absl::Seconds(10),     absl::Seconds(31),       absl::Seconds(61), absl::Seconds(181),
        absl::Seconds(301),    absl::Seconds(901)};
    scene_.Advance(kTimes[reader_.Choice(10)]);
  }

  // After some calls, for some calls, with an errno for each.
  void CallsFail() {
    size_t before = reader_.Choice(12);
    const uint8_t octet = reader_.Octet();
    // 0: from then on all of one kind.
    size_t count = octet % 4;
    const size_t one_kind = count == 0 ? octet / 4 % (kSystemCallCount + 1) : SIZE_MAX;
    const uint8_t which = reader_.Octet();
    if (one_kind == kSystemCallCount)
      return scene_.kernel().set_failure(nullptr);  // All is well again.
    scene_.kernel().set_failure([=](SystemCall call) mutable {
      if (before > 0) return --before, 0;
      if (one_kind != SIZE_MAX) {
        if (call != static_cast<SystemCall>(one_kind)) return 0;
      } else {
        if (count == 0) return 0;
        --count;
      }
      const absl::Span<const int> errors = PlausibleErrors(call);
      return errors[which % errors.size()];
    });
  }

  // With everything right, unless a call fails.
  void OpenSession() {
    const iq::TerminationId id = maker_.Termination();
    const size_t choice = reader_.Choice(8);
    const bool tls = choice % 4 != 0;
    const bool msrp = choice >= 6;
    if (scene_.peers().size() >= kPeerLimit) return;
    if (!scene_.Call(maker_.SessionAccess(id.context_id(), id.stream_id(), tls, msrp)).ok()) {
      return;
    }
    (void)scene_.Call(maker_.SessionCore(id.context_id(), id.stream_id(), msrp));
    (void)scene_.Call(maker_.SessionAnswer(id.context_id(), id.stream_id(), tls, msrp));
    iq::TerminationId t1 = id;
    t1.set_side(iq::SIDE_ACCESS);
    const absl::optional<common::TransportAddress> to = scene_.AddressOf(t1);
    if (!to.has_value()) return;
    scene_.Connect(IqWorker::kUe, *to,
                   tls ? TestPeer::Tls::kRightCertificate : TestPeer::Tls::kNone);
    scene_.Turns(choice % 4 == 3 ? 2 : kTurnsToSettle);
  }

  void SomethingChanges() {
    const size_t choice = reader_.Choice(7);
    const bool flag = reader_.Flag();
    switch (choice) {
      case 0:
        return scene_.SetListening(/*ue=*/true, flag);
      case 1:
        return scene_.SetListening(/*ue=*/false, flag);
      case 2:
        return scene_.kernel().SetLost(*common::IpAddress::Parse(IqWorker::kUe), flag);
      case 3:
        return scene_.kernel().SetLost(*common::IpAddress::Parse(IqWorker::kCorePeer), flag);
      case 4:
        return scene_.worker().RotateIdentity();
      case 5:
        return scene_.worker().admission().SetDraining(flag);
      case 6:
        return scene_.worker().CloseAll(absl::Seconds(flag ? 0 : 10));
    }
  }

  OctetReader& reader_;
  IqScene scene_;
  const KnownPeers known_peers_;
  RequestMaker maker_;
  std::vector<AnyRequest> requests_;
};

}  // namespace
}  // namespace agw

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  agw::OctetReader reader(absl::string_view(reinterpret_cast<const char*>(data), size));
  agw::Machine(reader).Run();
  return 0;
}
