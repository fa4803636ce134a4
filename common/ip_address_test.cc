#include "common/ip_address.h"

#include <string>

#include "absl/container/flat_hash_set.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace common {
namespace {

IpAddress Ip(absl::string_view text) { return IpAddress::Parse(text).value(); }

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  for (const char* text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1",
                           "fe80::1:2:3:4", "2001:db8:0:1:1:1:1:1"}) {
    EXPECT_EQ(Ip(text).ToString(), text);
  }
}

TEST(IpAddress, WritesTheCanonicalFormOfRfc5952) {
  EXPECT_EQ(Ip("2001:DB8:0:0:0:0:0:1").ToString(), "2001:db8::1");
  EXPECT_EQ(Ip("2001:db8:0:0:1:0:0:1").ToString(), "2001:db8::1:0:0:1");
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const std::string& text :
       {std::string(""), std::string("1.2.3"), std::string("1.2.3.4.5"), std::string("256.1.1.1"),
        std::string("01.2.3.4"), std::string("1.2.3.4 "), std::string("localhost"),
        std::string("[::1]"), std::string("fe80::1%eth0"), std::string("1:2"),
        std::string("1.2.3.4\0x", 9)}) {
    EXPECT_THAT(IpAddress::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

TEST(IpAddress, HasItsOctetsInNetworkOrder) {
  EXPECT_EQ(Ip("192.0.2.1").bytes(), absl::Span<const uint8_t>({192, 0, 2, 1}));
  EXPECT_EQ(Ip("::1").bytes().size(), 16u);
  EXPECT_EQ(IpAddress::FromBytes(Ip("2001:db8::1").bytes()), Ip("2001:db8::1"));
  EXPECT_EQ(IpAddress(), Ip("0.0.0.0"));
}

TEST(IpAddress, TellsFamiliesApart) {
  EXPECT_TRUE(Ip("1.2.3.4").is_ipv4());
  EXPECT_TRUE(Ip("::").is_ipv6());
  EXPECT_NE(Ip("0.0.0.0"), Ip("::"));
}

TEST(IpAddress, KnowsTheSpecialRanges) {
  EXPECT_TRUE(Ip("0.1.2.3").IsUnspecified());
  EXPECT_TRUE(Ip("::").IsUnspecified());
  EXPECT_FALSE(Ip("::1").IsUnspecified());
  EXPECT_TRUE(Ip("127.255.0.1").IsLoopback());
  EXPECT_TRUE(Ip("::1").IsLoopback());
  EXPECT_FALSE(Ip("::2").IsLoopback());
  EXPECT_TRUE(Ip("224.0.0.1").IsMulticast());
  EXPECT_TRUE(Ip("239.255.255.255").IsMulticast());
  EXPECT_FALSE(Ip("240.0.0.1").IsMulticast());
  EXPECT_TRUE(Ip("ff02::1").IsMulticast());
  EXPECT_TRUE(Ip("169.254.0.1").IsLinkLocal());
  EXPECT_TRUE(Ip("fe80::1").IsLinkLocal());
  EXPECT_TRUE(Ip("febf::1").IsLinkLocal());
  EXPECT_FALSE(Ip("fec0::1").IsLinkLocal());
  EXPECT_TRUE(Ip("::ffff:1.2.3.4").IsIpv4Mapped());
  EXPECT_TRUE(Ip("::1.2.3.4").IsIpv4Mapped());
  EXPECT_FALSE(Ip("::1").IsIpv4Mapped());
  EXPECT_FALSE(Ip("64:ff9b::1.2.3.4").IsIpv4Mapped());
  EXPECT_TRUE(Ip("240.0.0.1").IsReserved());
  EXPECT_TRUE(Ip("255.255.255.255").IsReserved());
  EXPECT_FALSE(Ip("223.1.1.1").IsReserved());
}

TEST(IpAddress, CanBeAHashKey) {
  const absl::flat_hash_set<IpAddress> set = {Ip("1.2.3.4"), Ip("::1"), Ip("1.2.3.4")};
  EXPECT_EQ(set.size(), 2u);
  EXPECT_TRUE(set.contains(Ip("::1")));
}

TEST(TransportAddress, ReadsAndWritesBothForms) {
  for (const char* text : {"192.0.2.1:0", "192.0.2.1:65535", "[2001:db8::1]:5060"}) {
    ASSERT_OK_AND_ASSIGN(const TransportAddress address, TransportAddress::Parse(text));
    EXPECT_EQ(address.ToString(), text);
  }
}

TEST(TransportAddress, RefusesOtherForms) {
  for (const char* text :
       {"", ":", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:-1", "2001:db8::1:5060",
        "[192.0.2.1]:5060", "[::1]", "host:5060", "[]:1", "192.0.2.1:http", "[:5060"}) {
    EXPECT_THAT(TransportAddress::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

TEST(TransportAddress, ComparesAddressAndPort) {
  const TransportAddress a{Ip("1.2.3.4"), 1};
  EXPECT_EQ(a, (TransportAddress{Ip("1.2.3.4"), 1}));
  EXPECT_NE(a, (TransportAddress{Ip("1.2.3.4"), 2}));
  EXPECT_NE(a, (TransportAddress{Ip("1.2.3.5"), 1}));
  const absl::flat_hash_set<TransportAddress> set = {a, a, {Ip("1.2.3.4"), 2}};
  EXPECT_EQ(set.size(), 2u);
}

}  // namespace
}  // namespace common
