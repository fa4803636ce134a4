#include "agw-service/tls/fingerprint.h"

#include <string>

#include "agw-service/tls/testing/certificates.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::StatusIs;

// SHA-256 and SHA-1 of "abc" (FIPS 180-2 appendices).
constexpr char kAbcSha256[] =
    "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:"
    "AD";
constexpr char kAbcSha1[] = "A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D";

Fingerprint Wrong(HashFunction hash_function) {
  return *Fingerprint::Create(hash_function, std::string(DigestSize(hash_function), 'x'));
}

TEST(Fingerprint, R_SEC_10_HashesTheDerFormAndPrintsAsSdpHasIt) {
  EXPECT_EQ(Fingerprint::Compute(HashFunction::kSha256, "abc").ToString(),
            std::string("sha-256 ") + kAbcSha256);
  EXPECT_EQ(Fingerprint::Compute(HashFunction::kSha1, "abc").ToString(),
            std::string("sha-1 ") + kAbcSha1);
}

TEST(Fingerprint, R_DEV_11_NamesOfHashFunctionsIgnoreCase) {
  EXPECT_EQ(*ParseHashFunction("SHA-256"), HashFunction::kSha256);
  EXPECT_EQ(*ParseHashFunction("Sha-1"), HashFunction::kSha1);
}

TEST(Fingerprint, R_SEC_11_RefusesMd2AndMd5) {
  EXPECT_THAT(ParseHashFunction("md5"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseHashFunction("MD2"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseHashFunction("sha-3"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseHashFunction("sha256"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseHashFunction(""), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(Fingerprint, RefusesDigestsThatAreNotAsLongAsTheFunctionMakesThem) {
  EXPECT_THAT(Fingerprint::Create(HashFunction::kSha256, std::string(20, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Fingerprint::Create(HashFunction::kSha1, ""),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Fingerprint::Create(HashFunction::kSha512, std::string(65, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

class FingerprintSetTest : public testing::Test {
 protected:
  const TestCertificate certificate_ = MakeTestCertificate();
  const std::string der_ = certificate_.der();
  const Fingerprint sha1_ = Fingerprint::Compute(HashFunction::kSha1, der_);
  const Fingerprint sha256_ = Fingerprint::Compute(HashFunction::kSha256, der_);
  const Fingerprint sha512_ = Fingerprint::Compute(HashFunction::kSha512, der_);
};

TEST_F(FingerprintSetTest, R_SEC_13_TheCertificateMustMatchOneOfThePreferredFunction) {
  const FingerprintSet set({Wrong(HashFunction::kSha256), sha256_});
  EXPECT_EQ(set.preferred_hash_function(), HashFunction::kSha256);
  EXPECT_TRUE(set.Compare(der_).matches);
  EXPECT_EQ(set.Compare(der_).presented, sha256_);
  EXPECT_FALSE(set.Compare(der_ + "x").matches);
}

TEST_F(FingerprintSetTest, R_SEC_13_AMatchingSha1DoesNotRescueAMismatchingSha256) {
  const FingerprintSet set({sha1_, Wrong(HashFunction::kSha256)});
  EXPECT_FALSE(set.Compare(der_).matches);
  EXPECT_EQ(set.Compare(der_).presented, sha256_);
}

TEST_F(FingerprintSetTest, R_SEC_13_AMismatchingWeakerFunctionDoesNotMatter) {
  EXPECT_TRUE(FingerprintSet({Wrong(HashFunction::kSha1), sha256_}).Compare(der_).matches);
  EXPECT_TRUE(FingerprintSet({Wrong(HashFunction::kSha256), sha512_}).Compare(der_).matches);
  EXPECT_FALSE(FingerprintSet({sha256_, Wrong(HashFunction::kSha512)}).Compare(der_).matches);
}

TEST_F(FingerprintSetTest, R_SEC_14_Sha1AloneIsCompared) {
  EXPECT_TRUE(FingerprintSet({sha1_}).Compare(der_).matches);
  EXPECT_FALSE(FingerprintSet({Wrong(HashFunction::kSha1)}).Compare(der_).matches);
}

}  // namespace
}  // namespace agw
