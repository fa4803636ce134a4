#include "agw-service/context/connection_point.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <memory>

#include "agw-service/context/testing/context_harness.h"
#include "agw-service/net/socket.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IpAddress;
using common::IsOk;

class NoHandler : public ReadinessHandler {
 public:
  void OnReady(const Readiness&) override {}
};

void SetHopLimit(int fd, int hop_limit) {
  ASSERT_EQ(setsockopt(fd, IPPROTO_IP, IP_TTL, &hop_limit, sizeof(hop_limit)), 0);
}

// A neighbour on the link who sends with a hop limit of 255 is let through by the hop gate, and the
// socket that is accepted inherits the gate.
TEST(ConnectionPointTest, AnAcceptedConnectionTakesPacketsWithAnyHopLimit) {
  EventLoop loop;
  NoHandler handler;
  const IpAddress ip = *IpAddress::Parse(ContextHarness::kCoreAddress);
  const RealmAddress address{ip, ip,
                             std::make_unique<PortPool>(20000, 29999, absl::ZeroDuration())};
  ASSERT_OK_AND_ASSIGN(
      const std::unique_ptr<ConnectionPoint> point,
      ConnectionPoint::Reserve(address, ConnectionPoint::GateKind::kHopLimit, loop, handler));

  ASSERT_OK_AND_ASSIGN(const OwnedFd peer,
                       BindTcp({*IpAddress::Parse(ContextHarness::kPeerAddress), 0}));
  SetHopLimit(peer.get(), 255);
  ASSERT_THAT(StartConnect(peer.get(), point->bound_address()), IsOk());
  pollfd connected{.fd = peer.get(), .events = POLLOUT, .revents = 0};
  ASSERT_EQ(poll(&connected, 1, 10'000), 1);
  ASSERT_OK_AND_ASSIGN(const absl::optional<Accepted> accepted, point->AcceptOne());
  ASSERT_TRUE(accepted.has_value());

  SetHopLimit(peer.get(), 64);
  ASSERT_THAT(Send(peer.get(), absl::MakeConstSpan("x", 1)), IsOk());
  pollfd readable{.fd = accepted->fd.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&readable, 1, 10'000), 1);
}

}  // namespace
}  // namespace agw
