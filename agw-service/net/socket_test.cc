#include "agw-service/net/socket.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "absl/strings/match.h"
#include "agw-service/net/syn_gate.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IpAddress;
using common::IsOk;
using common::StatusIs;
using common::TransportAddress;

constexpr int kPatienceMs = 20000;  // For what must happen.
constexpr int kSilenceMs = 200;     // For what must not.

TransportAddress At(absl::string_view ip, uint16_t port = 0) {
  return {*IpAddress::Parse(ip), port};
}

bool WaitFor(int fd, short events, int timeout_ms) {
  pollfd poll_fd{.fd = fd, .events = events, .revents = 0};
  return poll(&poll_fd, 1, timeout_ms) == 1;
}

// Both families run the same tests; IPv6 has one loopback address only.
struct Family {
  const char* listener;
  const char* source;
  const char* stranger;
};

class SynGateTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    absl::StatusOr<OwnedFd> listener = BindTcp(At(GetParam().listener));
    if (!listener.ok()) GTEST_SKIP() << "no loopback address of this family: " << listener.status();
    listener_ = *std::move(listener);
  }

  void ListenBehindClosedGate() {
    ASSERT_THAT(CloseSynGate(listener_.get()), IsOk());
    ASSERT_THAT(Listen(listener_.get(), 4), IsOk());
  }

  // Sends a SYN.
  OwnedFd ConnectFrom(absl::string_view source) {
    absl::StatusOr<OwnedFd> client = BindTcp(At(source));
    EXPECT_THAT(client, IsOk());
    EXPECT_THAT(StartConnect(client->get(), *LocalAddress(listener_.get())), IsOk());
    return *std::move(client);
  }

  OwnedFd listener_;
};

TEST_P(SynGateTest, DP_01_DropsASynInSilenceAndTakesItsRetransmission) {
  ListenBehindClosedGate();
  OwnedFd client = ConnectFrom(GetParam().source);
  EXPECT_FALSE(WaitFor(client.get(), POLLOUT, kSilenceMs));
  EXPECT_GE(DroppedAtSynGate(listener_.get()), 1u);

  const IpAddress ip = *IpAddress::Parse(GetParam().source);
  const SourceFilter source{.ip = ip, .prefix_length = uint8_t(ip.is_ipv4() ? 32 : 128)};
  ASSERT_THAT(OpenSynGateFor(listener_.get(), {source}), IsOk());
  EXPECT_TRUE(WaitFor(client.get(), POLLOUT, kPatienceMs));
  EXPECT_THAT(TakeSocketError(client.get()), IsOk());
  absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener_.get());
  ASSERT_THAT(accepted, IsOk());
  ASSERT_TRUE(accepted->has_value());
  EXPECT_EQ((*accepted)->remote, *LocalAddress(client.get()));
}

TEST_P(SynGateTest, DP_03_LetsInTheSourceAndKeepsOthersOut) {
  if (std::string(GetParam().source) == GetParam().stranger) {
    GTEST_SKIP() << "needs a second loopback address";
  }
  ListenBehindClosedGate();
  ASSERT_THAT(OpenSynGateFor(listener_.get(), {{.ip = *IpAddress::Parse(GetParam().source)}}),
              IsOk());
  OwnedFd stranger = ConnectFrom(GetParam().stranger);
  OwnedFd client = ConnectFrom(GetParam().source);
  EXPECT_TRUE(WaitFor(client.get(), POLLOUT, kPatienceMs));
  EXPECT_FALSE(WaitFor(stranger.get(), POLLOUT, kSilenceMs));
}

TEST_P(SynGateTest, FiltersByPortOnlyWhenToldSo) {
  ListenBehindClosedGate();
  absl::StatusOr<OwnedFd> chosen = BindTcp(At(GetParam().source));
  ASSERT_THAT(chosen, IsOk());
  const TransportAddress address = *LocalAddress(chosen->get());
  const uint8_t bits = address.ip.is_ipv4() ? 32 : 128;
  ASSERT_THAT(OpenSynGateFor(listener_.get(),
                             {{.ip = address.ip, .prefix_length = bits, .port = address.port}}),
              IsOk());
  OwnedFd other_port = ConnectFrom(GetParam().source);
  ASSERT_THAT(StartConnect(chosen->get(), *LocalAddress(listener_.get())), IsOk());
  EXPECT_TRUE(WaitFor(chosen->get(), POLLOUT, kPatienceMs));
  EXPECT_FALSE(WaitFor(other_port.get(), POLLOUT, kSilenceMs));
}

TEST_P(SynGateTest, TheHopGateDropsInSilenceAndCounts) {
  SetHopGate(listener_.get(), true);
  ASSERT_THAT(Listen(listener_.get(), 4), IsOk());
  OwnedFd client = ConnectFrom(GetParam().source);
  EXPECT_FALSE(WaitFor(client.get(), POLLOUT, kSilenceMs));
  EXPECT_GE(DroppedAtSynGate(listener_.get()), 1u);
  SetHopGate(listener_.get(), false);
  EXPECT_TRUE(WaitFor(client.get(), POLLOUT, kPatienceMs));
  EXPECT_THAT(TakeSocketError(client.get()), IsOk());
}

TEST_P(SynGateTest, AnAcceptedSocketMustBeFreedOfTheFilterItInherits) {
  ListenBehindClosedGate();
  ASSERT_THAT(OpenSynGate(listener_.get()), IsOk());
  OwnedFd client = ConnectFrom(GetParam().source);
  ASSERT_TRUE(WaitFor(listener_.get(), POLLIN, kPatienceMs));
  ASSERT_THAT(CloseSynGate(listener_.get()), IsOk());
  absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener_.get());
  ASSERT_TRUE(accepted.ok() && accepted->has_value());
  ASSERT_THAT(OpenSynGate((*accepted)->fd.get()), IsOk());
  ASSERT_THAT(Send(client.get(), {"hello", 5}), IsOk());
  EXPECT_TRUE(WaitFor((*accepted)->fd.get(), POLLIN, kPatienceMs));
}

INSTANTIATE_TEST_SUITE_P(Families, SynGateTest,
                         testing::Values(Family{"127.0.0.10", "127.0.0.30", "127.0.0.66"},
                                         Family{"::1", "::1", "::1"}),
                         [](const testing::TestParamInfo<Family>& info) {
                           return info.index == 0 ? "Ipv4" : "Ipv6";
                         });

TEST(SynGatePermissionTest, WithoutPrivilegeItIsThereOrTheRemedyIsNamed) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    // Without a right to change the user it has no privilege to lose.
    if (setgid(65534) == 0) (void)!setuid(65534);
    const absl::Status permission = CheckSynGatePermission();
    absl::StatusOr<OwnedFd> fd = BindTcp(At("127.0.0.1"));
    const bool attaches = fd.ok() && CloseSynGate(fd->get()).ok();
    const bool told = absl::StrContains(permission.message(), "CAP_NET_ADMIN");
    _exit(permission.ok() == attaches && (attaches || told) ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(SourceFilterTest, MatchesByPrefix) {
  const SourceFilter filter{.ip = *IpAddress::Parse("10.45.0.0"), .prefix_length = 17};
  EXPECT_TRUE(filter.Matches(At("10.45.127.255", 1)));
  EXPECT_FALSE(filter.Matches(At("10.45.128.0", 1)));
  EXPECT_FALSE(filter.Matches(At("::1", 1)));
}

TEST(SocketTest, ReportsARefusedConnection) {
  absl::StatusOr<OwnedFd> deaf = BindTcp(At("127.0.0.1"));
  ASSERT_THAT(deaf, IsOk());
  absl::StatusOr<OwnedFd> client = BindTcp(At("127.0.0.1"));
  ASSERT_THAT(client, IsOk());
  ASSERT_THAT(StartConnect(client->get(), *LocalAddress(deaf->get())), IsOk());
  ASSERT_TRUE(WaitFor(client->get(), POLLOUT, kPatienceMs));
  EXPECT_THAT(TakeSocketError(client->get()), StatusIs(absl::StatusCode::kUnavailable));
}

TEST(SocketTest, SaysThatAnAddressIsTaken) {
  absl::StatusOr<OwnedFd> first = BindTcp(At("127.0.0.1"));
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(Listen(first->get(), 1), IsOk());
  EXPECT_THAT(BindTcp(*LocalAddress(first->get())), StatusIs(absl::StatusCode::kAlreadyExists));
}

// The traffic class of a socket, with the two bits of ECN.
int TrafficClassOf(int fd, bool ipv4) {
  int value = -1;
  socklen_t size = sizeof(value);
  EXPECT_EQ(ipv4 ? getsockopt(fd, IPPROTO_IP, IP_TOS, &value, &size)
                 : getsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, &size),
            0);
  return value;
}

TEST(SocketOptionsTest, TheCodePointIsThatOfListenersOfWhatTheyAcceptAndOfWhatConnects) {
  for (const char* ip : {"127.0.0.1", "::1"}) {
    SCOPED_TRACE(ip);
    const bool ipv4 = At(ip).ip.is_ipv4();
    absl::StatusOr<OwnedFd> listener = BindTcp(At(ip), {.dscp = 46});
    if (!listener.ok()) continue;  // No address of this family.
    ASSERT_THAT(Listen(listener->get(), 1), IsOk());
    absl::StatusOr<OwnedFd> client = BindTcp(At(ip), {.dscp = 10});
    ASSERT_THAT(client, IsOk());
    ASSERT_THAT(StartConnect(client->get(), *LocalAddress(listener->get())), IsOk());
    ASSERT_TRUE(WaitFor(listener->get(), POLLIN, kPatienceMs));
    absl::StatusOr<absl::optional<Accepted>> accepted = Accept(listener->get());
    ASSERT_THAT(accepted, IsOk());
    ASSERT_TRUE(accepted->has_value());
    EXPECT_EQ(TrafficClassOf(listener->get(), ipv4) >> 2, 46);
    EXPECT_EQ(TrafficClassOf((*accepted)->fd.get(), ipv4) >> 2, 46);
    EXPECT_EQ(TrafficClassOf(client->get(), ipv4) >> 2, 10);
    EXPECT_EQ(TrafficClassOf(BindTcp(At(ip))->get(), ipv4) >> 2, 0);
  }
}

}  // namespace
}  // namespace agw
