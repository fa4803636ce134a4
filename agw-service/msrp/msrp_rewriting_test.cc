#include "agw-service/msrp/msrp_rewriting.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::StatusIs;

const MsrpSide kAccess = {.peer_path = {"msrps://ue.example:7000/ue-session;tcp"},
                          .tls = true,
                          .termination = *common::TransportAddress::Parse("[2001:db8::1]:20000")};
const MsrpSide kCore = {.peer_path = {"msrp://relay.example:2855/r;tcp",
                                      "msrp://peer@192.0.2.9:9000/peer-session;tcp;x=y"},
                        .tls = false,
                        .termination = *common::TransportAddress::Parse("198.51.100.1:30000")};

TEST(MsrpRewritingTest, GivesEachSideTheLastUriOfTheOtherAtItsOwnTermination) {
  const MsrpRewriting up = *MsrpRewriting::Create(kAccess, kCore);
  EXPECT_EQ(up.our_uri(), "msrps://[2001:db8::1]:20000/peer-session;tcp;x=y");
  EXPECT_EQ(up.to_path_of_request(),
            "msrp://relay.example:2855/r;tcp msrp://peer@192.0.2.9:9000/peer-session;tcp;x=y");
  EXPECT_EQ(up.to_path_of_response(), "msrp://relay.example:2855/r;tcp");
  EXPECT_EQ(up.from_path(), "msrp://198.51.100.1:30000/ue-session;tcp");

  const MsrpRewriting down = *MsrpRewriting::Create(kCore, kAccess);
  EXPECT_EQ(down.our_uri(), up.from_path());
  EXPECT_EQ(down.to_path_of_request(), kAccess.peer_path[0]);
  EXPECT_EQ(down.to_path_of_response(), kAccess.peer_path[0]);
  EXPECT_EQ(down.from_path(), up.our_uri());
}

TEST(MsrpRewritingTest, WeAreNamedByAnythingThatIsTheSameUriAndByNothingElse) {
  const MsrpRewriting up = *MsrpRewriting::Create(kAccess, kCore);
  EXPECT_TRUE(up.NamesUs("msrps://[2001:db8::1]:20000/peer-session;tcp;x=y"));
  EXPECT_TRUE(up.NamesUs("MSRPS://[2001:DB8:0::1]:20000/peer-session;TCP"));
  EXPECT_FALSE(up.NamesUs("msrp://[2001:db8::1]:20000/peer-session;tcp"));
  EXPECT_FALSE(up.NamesUs("msrps://[2001:db8::1]:20000/ue-session;tcp"));
  EXPECT_FALSE(up.NamesUs("not a URI"));
  // We are no relay.
  EXPECT_FALSE(up.NamesUs(absl::StrCat(up.our_uri(), " ", up.our_uri())));
}

TEST(MsrpRewritingTest, WithoutPathsNobodyIsNamed) {
  EXPECT_FALSE(MsrpRewriting().NamesUs("msrp://a:1/b;tcp"));
}

TEST(MsrpRewritingTest, RefusesPathsThatAreNoneOrTooLong) {
  const std::vector<std::vector<std::string>> paths = {
      {},
      {""},
      {"msrps://ue.example:7000/ue-session"},
      {"no relay", "msrps://ue.example:7000/ue-session;tcp"},
      {"msrps://ue.example:7000/a;tcp msrps://ue.example:7000/b;tcp"},
      {absl::StrCat("msrps://a:1/", std::string(kMsrpPathLimit, 'x'), ";tcp")},
  };
  for (const std::vector<std::string>& path : paths) {
    MsrpSide broken = kAccess;
    broken.peer_path = path;
    EXPECT_THAT(MsrpRewriting::Create(broken, kCore), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(MsrpRewriting::Create(kCore, broken), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace agw
