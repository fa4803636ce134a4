#include "agw-service/msrp/msrp_uri.h"

#include <string>

#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;
using common::StatusIs;

TEST(MsrpUriTest, HasItsParts) {
  const absl::StatusOr<MsrpUri> uri =
      MsrpUri::Parse("msrps://alice@[2001:db8::1]:7394/2s93i9ek2a=+/x;tcp;a;b=c");
  ASSERT_THAT(uri, IsOk());
  EXPECT_TRUE(uri->is_msrps());
  EXPECT_EQ(uri->userinfo(), "alice");
  EXPECT_EQ(uri->host(), "2001:db8::1");
  EXPECT_EQ(uri->port(), 7394);
  EXPECT_EQ(uri->session_id(), "2s93i9ek2a=+/x");
  EXPECT_EQ(uri->transport(), "tcp");
}

TEST(MsrpUriTest, HasNoUserinfoPortOrSessionIdWhereThereIsNone) {
  const absl::StatusOr<MsrpUri> uri = MsrpUri::Parse("msrp://relay.example.com;tcp");
  ASSERT_THAT(uri, IsOk());
  EXPECT_FALSE(uri->is_msrps());
  EXPECT_EQ(uri->userinfo(), "");
  EXPECT_EQ(uri->port(), 0);
  EXPECT_EQ(uri->session_id(), "");
}

TEST(MsrpUriTest, TakesWhatTheGrammarAllows) {
  for (const char* text : {
           "MSRP://a:1/b;TCP",
           "msrp://a:65535/b;ws",
           "msrp://192.0.2.1:2855/-._~+=/;tcp",
           "msrp://a%20b:9/s;dc",
           "msrp://u:p@a:9/s;tcp",
           "msrp://a:9/s;tcp;x=y;z",
       }) {
    EXPECT_THAT(MsrpUri::Parse(text), IsOk()) << text;
  }
}

TEST(MsrpUriTest, RefusesWhatIsNoMsrpUri) {
  for (const char* text : {
           "",
           "msrp",
           "msrp:",
           "msrp:/a:1/b;tcp",
           "http://a:1/b;tcp",
           "msrpx://a:1/b;tcp",
           "msrp://",
           "msrp://;tcp",
           "msrp://:1/b;tcp",
           "msrp://a:/b;tcp",
           "msrp://a:0/b;tcp",
           "msrp://a:65536/b;tcp",
           "msrp://a:000001/b;tcp",
           "msrp://a:+1/b;tcp",
           "msrp://a:1x/b;tcp",
           "msrp://a:1",
           "msrp://a:1/b",
           "msrp://a:1/;tcp",
           "msrp://a:1/b;",
           "msrp://a:1/b;t-p",
           "msrp://a:1/b;tcp;",
           "msrp://a:1/b;tcp;=x",
           "msrp://a:1/b;tcp;x=",
           "msrp://a:1/b;tcp;x=y=z",
           "msrp://a:1/b c;tcp",
           "msrp://a:1/b@c;tcp",
           "msrp://a:1/b\r;tcp",
           "msrp://a b:1/b;tcp",
           "msrp://[2001:db8::1/b;tcp",
           "msrp://[2001:db8::1]x:1/b;tcp",
           "msrp://[192.0.2.1]:1/b;tcp",
           "msrp://[2001:db8::1]/b;tcp",
           "msrp://192.0.2.1/b;tcp",
           "msrp://2001:db8::1:7/b;tcp",
           "msrp://u\x7f@a:1/b;tcp",
       }) {
    EXPECT_THAT(MsrpUri::Parse(text), StatusIs(absl::StatusCode::kInvalidArgument)) << text;
  }
}

struct Pair {
  const char* other;
  bool same;
};

TEST(MsrpUriTest, ComparesAsClause61Says) {
  const std::string text = "msrp://host.example:8888/9di4eae923wzd;tcp";
  for (const Pair& pair : {
           Pair{"msrp://host.example:8888/9di4eae923wzd;tcp", true},
           Pair{"MSRP://HOST.example:8888/9di4eae923wzd;TCP", true},
           Pair{"msrp://user@host.example:8888/9di4eae923wzd;tcp", true},
           Pair{"msrp://host.example:8888/9di4eae923wzd;tcp;x=y", true},
           Pair{"msrps://host.example:8888/9di4eae923wzd;tcp", false},
           Pair{"msrp://host.example:8889/9di4eae923wzd;tcp", false},
           Pair{"msrp://host.example/9di4eae923wzd;tcp", false},
           Pair{"msrp://host.example:8888/9DI4eae923wzd;tcp", false},
           Pair{"msrp://host.example:8888;tcp", false},
           Pair{"msrp://host.example:8888/9di4eae923wzd;ws", false},
           Pair{"msrp://host.example.:8888/9di4eae923wzd;tcp", false},
       }) {
    EXPECT_EQ(MsrpUri::Parse(text)->Matches(*MsrpUri::Parse(pair.other)), pair.same) << pair.other;
    EXPECT_EQ(MsrpUri::Parse(pair.other)->Matches(*MsrpUri::Parse(text)), pair.same) << pair.other;
  }
}

TEST(MsrpUriTest, ComparesIpAddressesByValue) {
  const std::string text = "msrp://[2001:db8::a]:1/s;tcp";
  EXPECT_TRUE(MsrpUri::Parse(text)->Matches(*MsrpUri::Parse("msrp://[2001:DB8:0:0::A]:1/s;tcp")));
  EXPECT_FALSE(MsrpUri::Parse(text)->Matches(*MsrpUri::Parse("msrp://[2001:db8::b]:1/s;tcp")));
  EXPECT_FALSE(MsrpUri::Parse(text)->Matches(*MsrpUri::Parse("msrp://192.0.2.1:1/s;tcp")));
}

TEST(MsrpUriTest, MovedItHasAnotherSchemeAndAuthorityAndNoUserinfo) {
  const absl::StatusOr<MsrpUri> uri = MsrpUri::Parse("msrp://bob@host:1/s-id;TCP;x=y");
  ASSERT_THAT(uri, IsOk());
  EXPECT_EQ(uri->MovedTo(true, *common::TransportAddress::Parse("192.0.2.1:7000")),
            "msrps://192.0.2.1:7000/s-id;TCP;x=y");
  EXPECT_EQ(uri->MovedTo(false, *common::TransportAddress::Parse("[2001:db8::1]:7000")),
            "msrp://[2001:db8::1]:7000/s-id;TCP;x=y");
}

}  // namespace
}  // namespace agw
