// Every system call that can fail does, at every place of a session's life, with every errno that is
// plausible there: each is told, with a reason or an event; nothing is left; and the next session
// has all that it needs. `IqScene` checks the rest.

#include <cstdint>
#include <random>
#include <string>

#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "agw-service/context/event.h"
#include "agw-service/control/testing/iq_scene.h"
#include "agw-service/control/testing/iq_worker.h"
#include "agw-service/control/testing/request_maker.h"
#include "agw-service/control/testing/test_peer.h"
#include "agw-service/net/testing/fake_kernel.h"
#include "common/error.h"
#include "common/ip_address.h"
#include "gtest/gtest.h"
#include "ims/iq/v1/error_reason.pb.h"
#include "ims/iq/v1/media_gateway_service.pb.h"
#include "ims/iq/v1/termination.pb.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;

constexpr int kTurnsToSettle = 8;
constexpr size_t kMessageSize = 3000;

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr int kSessionCount = 100'000;
#else
constexpr int kSessionCount = 5'000;
#endif

iq::TransportAddress ToProto(const common::TransportAddress& address) {
  iq::TransportAddress proto;
  proto.set_ip_address(address.ip.ToString());
  proto.set_port(address.port);
  return proto;
}

enum class Flow {
  kTriggered,   // The UE's SYN makes T2 connect.
  kOrdered,     // The IMS-ALG makes T2 connect.
  kUeIsServer,  // T1 connects, to a UE that is passive.
  kReplaced,    // As the first, and then the UE comes again beside its first connection.
};

// One session after the other.
class Sessions {
 public:
  explicit Sessions(const IqWorker::Options& options = {})
      : scene_(options),
        known_peers_{ToProto(scene_.ue_address()), ToProto(scene_.core_address())},
        reader_(""),
        maker_(reader_, known_peers_) {}

  IqScene& scene() { return scene_; }

  // From the first call to the release. True if all that was asked for was done, and octets came
  // through both ways.
  bool Run(Flow flow, bool tls) {
    id_ = absl::StrCat("c", ++session_count_);
    const size_t first_peer = scene_.peers().size();
    const bool moved = SetUpAll(flow, tls) && MoveOctets(first_peer);
    for (size_t i = first_peer; i < scene_.peers().size(); ++i) scene_.peers()[i]->End();
    if (scene_.peers().size() > first_peer) scene_.Turns(2);
    iq::ReleaseTerminationRequest release;
    release.mutable_termination()->set_context_id(id_);
    release.set_transaction_id(absl::StrCat("release-", id_));
    const bool released = Done(scene_.Call(release));
    for (size_t i = first_peer; i < scene_.peers().size(); ++i) scene_.peers()[i]->Close();
    return moved && released;
  }

 private:
  // Whether a call was done; if not, the reason is one that Iq knows.
  template <typename Response>
  bool Done(const absl::StatusOr<Response>& response) {
    if (response.ok()) return true;
    iq::ErrorReason reason;
    EXPECT_TRUE(iq::ErrorReason_Parse(
        absl::StrCat("ERROR_REASON_", common::ErrorReasonOf(response.status())), &reason))
        << response.status();
    return false;
  }

  common::TransportAddress AddressOf(iq::Side side) {
    iq::TerminationId termination;
    termination.set_context_id(id_);
    termination.set_stream_id(1);
    termination.set_side(side);
    return *scene_.AddressOf(termination);
  }

  void ConnectUe(bool tls) {
    scene_.Connect(IqWorker::kUe, AddressOf(iq::SIDE_ACCESS),
                   tls ? TestPeer::Tls::kRightCertificate : TestPeer::Tls::kNone);
    scene_.Turns(kTurnsToSettle);
  }

  bool SetUpAll(Flow flow, bool tls) {
    iq::ReserveConnectionPointRequest access = maker_.SessionAccess(id_, 1, tls, /*msrp=*/false);
    if (flow == Flow::kOrdered) access.mutable_bearer_control()->clear_interlinkage();
    if (!Done(scene_.Call(access))) return false;
    if (!Done(scene_.Call(maker_.SessionCore(id_, 1, /*msrp=*/false)))) return false;
    iq::ConfigureConnectionPointRequest answer = maker_.SessionAnswer(id_, 1, tls, /*msrp=*/false);
    if (flow == Flow::kUeIsServer) {
      *answer.mutable_remote()->mutable_address() = known_peers_.ue;
      iq::BearerControl* const control = answer.mutable_bearer_control();
      control->set_tcp_role(iq::TCP_ROLE_ACTIVE);
      control->set_tls_role(iq::TLS_ROLE_CLIENT);
      control->clear_syn_policy();
      control->mutable_establish()->set_tcp_connection(true);
      control->mutable_establish()->set_tls_session(true);
    }
    if (!Done(scene_.Call(answer))) return false;
    if (flow == Flow::kUeIsServer) {
      scene_.Turns(kTurnsToSettle);
      return true;
    }
    ConnectUe(tls);
    if (flow == Flow::kOrdered) {
      iq::ConfigureConnectionPointRequest order;
      *order.mutable_termination() = answer.termination();
      order.mutable_termination()->set_side(iq::SIDE_CORE);
      order.set_transaction_id(absl::StrCat("order-", id_));
      order.mutable_remote();
      order.mutable_bearer_control()->set_tcp_role(iq::TCP_ROLE_ACTIVE);
      order.mutable_bearer_control()->mutable_establish()->set_tcp_connection(true);
      if (!Done(scene_.Call(order))) return false;
      scene_.Turns(kTurnsToSettle);
    } else if (flow == Flow::kReplaced) {
      answer.set_transaction_id(absl::StrCat("again-", id_));
      answer.mutable_bearer_control()->set_connection_request(iq::CONNECTION_REQUEST_NEW);
      if (!Done(scene_.Call(answer))) return false;
      ConnectUe(tls);
    }
    return true;
  }

  bool MoveOctets(size_t first_peer) {
    for (size_t i = first_peer; i < scene_.peers().size(); ++i) {
      scene_.peers()[i]->Send(kMessageSize);
    }
    scene_.Turns(2);
    // Two of them have received what the other one sent.
    int satisfied = 0;
    for (size_t i = first_peer; i < scene_.peers().size(); ++i) {
      satisfied += scene_.peers()[i]->received().size() >= kMessageSize;
    }
    return satisfied >= 2;
  }

  IqScene scene_;
  const KnownPeers known_peers_;
  OctetReader reader_;
  RequestMaker maker_;
  std::string id_;
  int session_count_ = 0;
};

class SetUpFailureTest : public testing::TestWithParam<Flow> {};

std::string FlowName(const testing::TestParamInfo<Flow>& info) {
  const char* const kNames[] = {"Triggered", "Ordered", "UeIsServer", "Replaced"};
  return kNames[static_cast<int>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Flow, SetUpFailureTest,
                         testing::Values(Flow::kTriggered, Flow::kOrdered, Flow::kUeIsServer,
                                         Flow::kReplaced),
                         FlowName);

TEST_P(SetUpFailureTest, OfAnyCallLeavesNothingAndHarmsNobody) {
  int failure_count = 0;
  for (uint64_t failing_call = 0;; ++failing_call) {
    size_t error_count = 1;
    for (size_t error = 0; error < error_count; ++error) {
      Sessions sessions;
      uint64_t call_count = 0;
      absl::optional<SystemCall> failed;
      sessions.scene().kernel().set_failure([&](SystemCall call) {
        if (call_count++ != failing_call) return 0;
        failed = call;
        const absl::Span<const int> errors = PlausibleErrors(call);
        error_count = errors.size();
        return errors[error];
      });
      SCOPED_TRACE(absl::StrCat("call ", failing_call, ", error ", error));
      sessions.Run(GetParam(), /*tls=*/true);
      if (!failed.has_value()) {
        // There is no such call any more.
        EXPECT_GT(failure_count, 100);
        return;
      }
      ++failure_count;
      sessions.scene().kernel().set_failure(nullptr);
      EXPECT_TRUE(sessions.Run(GetParam(), /*tls=*/true)) << "the next session";
      sessions.scene().Finish();
    }
  }
}

// A session that has not come about, or has ended, has told why: by the answer to a call, or by an
// event.
TEST_P(SetUpFailureTest, OfAnyCallIsTold) {
  for (uint64_t failing_call = 0;; ++failing_call) {
    Sessions sessions;
    uint64_t call_count = 0;
    bool failed = false;
    sessions.scene().kernel().set_failure([&](SystemCall call) {
      if (call_count++ != failing_call) return 0;
      failed = true;
      return PlausibleErrors(call).back();
    });
    const bool done = sessions.Run(GetParam(), /*tls=*/true);
    if (!failed) return;
    const IqScene& scene = sessions.scene();
    if (!done && scene.failed_call_count() == 0) {
      EXPECT_GT(scene.Count<TcpFailed>() + scene.Count<TlsFailed>() +
                    scene.Count<BearerReleased>() + scene.Count<DescriptorShortage>(),
                0u)
          << "call " << failing_call;
    }
    sessions.scene().Finish();
  }
}

TEST(RandomFailureTest, OfOneCallInFiftyIsBorneForAHundredThousandSessions) {
  Sessions sessions({.descriptor_capacity = 64, .context_limit = 16, .ports_per_address = 64});
  IqScene& scene = sessions.scene();
  scene.set_check_interval(64);
  absl::InsecureBitGen random(std::seed_seq{7});
  scene.kernel().set_failure([&](SystemCall call) {
    if (absl::Uniform(random, 0, 50) != 0) return 0;
    const absl::Span<const int> errors = PlausibleErrors(call);
    return errors[absl::Uniform<size_t>(random, 0, errors.size())];
  });
  int done_count = 0;
  for (int i = 0; i < kSessionCount; ++i) {
    // Handshakes take most of the time.
    const bool tls = i % 32 == 0;
    const Flow flow = tls && i % 64 == 0 ? Flow::kUeIsServer
                      : i % 3 == 0       ? Flow::kReplaced
                      : i % 3 == 1       ? Flow::kOrdered
                                         : Flow::kTriggered;
    done_count += sessions.Run(flow, tls);
    scene.ForgetPeers();
    // Ports rest.
    scene.Advance(absl::Seconds(1));
  }
  EXPECT_GT(done_count, kSessionCount / 2);
  EXPECT_LT(done_count, kSessionCount * 9 / 10);
  scene.Finish();
}

}  // namespace
}  // namespace agw
