#include "common/ip_prefix.h"

#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace common {
namespace {

bool Contains(absl::string_view prefix, absl::string_view address) {
  return IpPrefix::Parse(prefix).value().Contains(IpAddress::Parse(address).value());
}

TEST(IpPrefix, ContainsWhatSharesItsBits) {
  EXPECT_TRUE(Contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(Contains("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(Contains("192.0.2.128/25", "192.0.2.255"));
  EXPECT_FALSE(Contains("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(Contains("0.0.0.0/0", "203.0.113.1"));
  EXPECT_TRUE(Contains("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(Contains("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(Contains("2001:db8::/32", "2001:db8:ffff::1"));
  EXPECT_FALSE(Contains("2001:db8::/32", "2001:db9::1"));
  EXPECT_TRUE(Contains("2001:db8::4/127", "2001:db8::5"));
}

TEST(IpPrefix, ContainsNothingOfTheOtherFamily) {
  EXPECT_FALSE(Contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_FALSE(Contains("::/0", "192.0.2.1"));
}

TEST(IpPrefix, RefusesWhatIsNone) {
  for (const char* text :
       {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0/8", "10.0.0.1/8",
        "2001:db8::/129", "2001:db8::1/64", "example.net/8"}) {
    EXPECT_THAT(IpPrefix::Parse(text).status(), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace common
