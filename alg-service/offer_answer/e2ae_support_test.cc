#include "alg-service/offer_answer/e2ae_support.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace alg {
namespace {

bool Announces(const std::vector<std::string>& values) { return AnnouncesE2aeForMsrp(values); }

TEST(E2aeSupport, R_REG_01_IsAMechanismWithTheMediasecParameter) {
  EXPECT_TRUE(Announces({"msrp-tls;mediasec"}));
  EXPECT_TRUE(
      Announces({"ipsec-3gpp;alg=hmac-sha-1-96;spi-c=1, sdes-srtp;mediasec, "
                 "msrp-tls;mediasec"}));
}

TEST(E2aeSupport, R_REG_03_NeedsBothInOneMechanism) {
  EXPECT_FALSE(Announces({}));
  EXPECT_FALSE(Announces({""}));
  EXPECT_FALSE(Announces({"msrp-tls"}));
  EXPECT_FALSE(Announces({"mediasec"}));
  EXPECT_FALSE(Announces({"sdes-srtp;mediasec, msrp-tls"}));
  EXPECT_FALSE(Announces({"msrp-tls", "mediasec"}));
  EXPECT_FALSE(Announces({"msrp-tls2;mediasec"}));
  EXPECT_FALSE(Announces({"msrp-tls;mediasec=no"}));
}

TEST(E2aeSupport, R_REG_05_CaseOrderAndOtherParametersDoNotMatter) {
  EXPECT_TRUE(Announces({"MSRP-TLS;MediaSec"}));
  EXPECT_TRUE(Announces({"msrp-tls;q=0.1;mediasec"}));
  EXPECT_TRUE(Announces({"msrp-tls;mediasec;q=0.1;x=y"}));
  EXPECT_TRUE(Announces({" msrp-tls ; mediasec "}));
  EXPECT_TRUE(Announces({"\tmsrp-tls;x ;\tmediasec\t,tls"}));
}

TEST(E2aeSupport, R_REG_05_SeveralHeadersAreOneList) {
  EXPECT_TRUE(Announces({"ipsec-3gpp;alg=hmac-sha-1-96", "tls", "msrp-tls;mediasec"}));
}

TEST(E2aeSupport, R_REG_05_QuotedStringsAreNotLookedInto) {
  EXPECT_TRUE(Announces({"digest;d-ver=\"a,b;c\\\"\", msrp-tls;x=\"1;2\";mediasec"}));
  EXPECT_FALSE(Announces({"digest;d-ver=\", msrp-tls;mediasec\""}));
  EXPECT_FALSE(Announces({"msrp-tls;x=\";mediasec\""}));
  EXPECT_FALSE(Announces({"msrp-tls;mediasec, digest;d-ver=\"open"}));
  EXPECT_FALSE(Announces({"msrp-tls;mediasec, digest;d-ver=\"open\\"}));
}

}  // namespace
}  // namespace alg
