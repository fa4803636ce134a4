#include "common/name_resolver.h"

#include <vector>

#include "common/ip_address.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace common {
namespace {

TEST(NameResolver, ReadsHostAndPort) {
  EXPECT_EQ(ParseHostPort("agw.example.net:7060")->host, "agw.example.net");
  EXPECT_EQ(ParseHostPort("[2001:db8::1]:7060")->host, "2001:db8::1");
  for (const char* text :
       {"", "host", ":1", "host:", "host:0", "host:65536", "host:x", "::1:7060"}) {
    EXPECT_FALSE(ParseHostPort(text).ok()) << text;
  }
}

TEST(NameResolver, ResolvesLiterals) {
  ASSERT_OK_AND_ASSIGN(std::vector<IpAddress> addresses, ResolveWithSystem("127.0.0.1"));
  ASSERT_EQ(addresses.size(), 1u);
  EXPECT_EQ(addresses[0].ToString(), "127.0.0.1");
}

}  // namespace
}  // namespace common
