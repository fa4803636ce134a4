// A realm whose peers may be in some prefixes only.

#include <array>

#include "agw-service/context/testing/context_harness.h"
#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::ErrorReasonOf;
using common::IpAddress;
using common::IsOk;
using common::StatusIs;
using common::TransportAddress;

constexpr TerminationKey kT1{1, Side::kAccess};
constexpr char kAllowed[] = "127.0.0.130";
constexpr char kDenied[] = "127.0.0.140";

class RemotePrefixesTest : public testing::Test {
 protected:
  absl::Status Reserve(const absl::optional<RemoteDescriptor>& remote, SynPolicy::Kind policy) {
    BearerControl control;
    control.tcp_role = TcpRole::kPassive;
    control.syn_policy = SynPolicy{policy, {}};
    return harness_.context().ReserveConnectionPoint(kT1, {}, remote, control, absl::nullopt);
  }
  static RemoteDescriptor At(absl::string_view ip) {
    return {TransportAddress{*IpAddress::Parse(ip), 9}, {}};
  }

  ContextHarness harness_{
      {{*common::IpPrefix::Parse("127.0.0.128/25")}, {*common::IpPrefix::Parse(kDenied)}}};
};

TEST_F(RemotePrefixesTest, AnAddressOutsideOfThemIsForbidden) {
  for (const char* forbidden : {kDenied, "127.0.0.30"}) {
    const absl::Status status = Reserve(At(forbidden), SynPolicy::Kind::kAcceptFrom);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument)) << forbidden;
    EXPECT_EQ(ErrorReasonOf(status), "REMOTE_ADDRESS_FORBIDDEN") << forbidden;
    EXPECT_EQ(common::ErrorMetadata(status, "field"), "remote.address") << forbidden;
  }
  EXPECT_EQ(harness_.ports_in_use(), 0u);
  EXPECT_THAT(Reserve(At(kAllowed), SynPolicy::Kind::kAcceptFrom), IsOk());
}

TEST_F(RemotePrefixesTest, APeerThatConnectsFromOutsideIsResetAndTheOneThatMayIsTakenStill) {
  ASSERT_THAT(Reserve(absl::nullopt, SynPolicy::Kind::kLatch), IsOk());
  const TransportAddress local = harness_.LocalAddressOf(Side::kAccess);
  const OwnedFd denied = ContextHarness::Connect(kDenied, local);
  std::array<char, 16> buffer;
  while (Recv(denied.get(), absl::MakeSpan(buffer)).ok()) harness_.Turn(absl::Milliseconds(10));
  EXPECT_EQ(harness_.StateOf(Side::kAccess), Termination::State::kIdle);
  EXPECT_EQ(harness_.Last<TcpEstablished>(), nullptr);
  EXPECT_EQ(harness_.resources().counters.refused_connections, 1u);

  const OwnedFd allowed = ContextHarness::Connect(kAllowed, local);
  while (harness_.Last<TcpEstablished>() == nullptr) harness_.Turn(absl::Milliseconds(10));
  EXPECT_EQ(harness_.Last<TcpEstablished>()->remote_address.ip.ToString(), kAllowed);
}

}  // namespace
}  // namespace agw
