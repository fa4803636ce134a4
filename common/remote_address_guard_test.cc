#include "common/remote_address_guard.h"

#include <string>
#include <vector>

#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using testing::HasSubstr;

const std::vector<OwnAddressRange>& Own() {
  static const auto& own = *new std::vector<OwnAddressRange>{
      {IpAddress::Parse("192.0.2.1").value(), 40000, 49998},
      {IpAddress::Parse("2001:db8::1").value(), 40000, 49998},
      {IpAddress::Parse("127.0.0.10").value(), 40000, 49998},
  };
  return own;
}

absl::Status Check(absl::string_view remote, absl::string_view local) {
  return CheckRemoteAddress(TransportAddress::Parse(remote).value(),
                            IpAddress::Parse(local).value(), Own());
}

TEST(RemoteAddressGuard, TakesAddressesOfPeers) {
  EXPECT_THAT(Check("198.51.100.7:2855", "192.0.2.1"), IsOk());
  EXPECT_THAT(Check("10.0.0.1:9", "192.0.2.1"), IsOk());
  EXPECT_THAT(Check("[2001:db8::7]:2855", "2001:db8::1"), IsOk());
}

TEST(RemoteAddressGuard, RefusesAddressesThatAreNobodysOrEverybodys) {
  const struct {
    const char* remote;
    const char* local;
    const char* reason;
  } kCases[] = {
      {"0.0.0.0:9", "192.0.2.1", "is unspecified"},
      {"[::]:9", "2001:db8::1", "is unspecified"},
      {"224.0.0.1:9", "192.0.2.1", "multicast"},
      {"[ff02::1]:9", "2001:db8::1", "multicast"},
      {"255.255.255.255:9", "192.0.2.1", "reserved"},
      {"169.254.169.254:80", "192.0.2.1", "link-local"},
      {"[fe80::1]:9", "2001:db8::1", "link-local"},
      {"[::ffff:192.0.2.1]:9", "2001:db8::1", "in IPv6 form"},
      {"[2001:db8::7]:9", "192.0.2.1", "family"},
      {"198.51.100.7:9", "2001:db8::1", "family"},
  };
  for (const auto& test : kCases) {
    EXPECT_THAT(Check(test.remote, test.local),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(test.reason)))
        << test.remote;
  }
}

TEST(RemoteAddressGuard, RefusesOwnAddressesWhateverThePort) {
  EXPECT_THAT(Check("192.0.2.1:40000", "192.0.2.1"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Check("192.0.2.1:22", "192.0.2.1"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Check("[2001:db8::1]:9", "2001:db8::9"),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(RemoteAddressGuard, TakesLoopbackOnlyFromLoopbackAndNotOwnPorts) {
  EXPECT_THAT(Check("127.0.0.1:9", "192.0.2.1"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Check("[::1]:9", "2001:db8::1"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Check("127.0.0.1:9", "127.0.0.10"), IsOk());
  EXPECT_THAT(Check("127.0.0.10:39999", "127.0.0.10"), IsOk());
  for (const char* own : {"127.0.0.10:40000", "127.0.0.10:49998"}) {
    EXPECT_THAT(Check(own, "127.0.0.10"), StatusIs(absl::StatusCode::kInvalidArgument)) << own;
  }
  EXPECT_THAT(Check("127.0.0.10:49999", "127.0.0.10"), IsOk());
}

TEST(RemotePrefixes, PermitWhatIsAllowedAndNotDenied) {
  const auto prefix = [](absl::string_view text) { return IpPrefix::Parse(text).value(); };
  const auto permits = [](const RemotePrefixes& prefixes, absl::string_view ip) {
    return prefixes.Permit(IpAddress::Parse(ip).value());
  };
  EXPECT_TRUE(permits({}, "192.0.2.1"));
  const RemotePrefixes allowed{{prefix("10.0.0.0/8"), prefix("2001:db8::/32")}, {}};
  EXPECT_TRUE(permits(allowed, "10.1.2.3"));
  EXPECT_TRUE(permits(allowed, "2001:db8::1"));
  EXPECT_FALSE(permits(allowed, "192.0.2.1"));
  const RemotePrefixes denied{{}, {prefix("10.0.0.0/8")}};
  EXPECT_FALSE(permits(denied, "10.1.2.3"));
  EXPECT_TRUE(permits(denied, "192.0.2.1"));
  const RemotePrefixes both{{prefix("10.0.0.0/8")}, {prefix("10.1.0.0/16")}};
  EXPECT_TRUE(permits(both, "10.2.0.1"));
  EXPECT_FALSE(permits(both, "10.1.0.1"));
}

}  // namespace
}  // namespace common
