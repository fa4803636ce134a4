#include "agw-service/tls/tls_identity.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pool.h>
#include <openssl/x509.h>

#include <string>

#include "agw-service/tls/testing/certificates.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::StatusIs;

const absl::Time kNow = absl::FromUnixSeconds(1'795'000'000);

std::shared_ptr<const TlsIdentity> Generate() {
  return *TlsIdentity::Generate({.common_name = "agw-1.example", .now = kNow});
}

bssl::UniquePtr<X509> Parse(const TlsIdentity& identity) {
  auto* in = reinterpret_cast<const uint8_t*>(identity.certificate().data());
  return bssl::UniquePtr<X509>(d2i_X509(nullptr, &in, identity.certificate().size()));
}

TEST(TlsIdentity, R_SEC_17_IsASelfSignedP256Certificate) {
  const auto identity = Generate();
  const auto certificate = Parse(*identity);
  ASSERT_NE(certificate, nullptr);
  bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(certificate.get()));
  EXPECT_EQ(EVP_PKEY_id(key.get()), EVP_PKEY_EC);
  EXPECT_EQ(EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key.get()))),
            NID_X9_62_prime256v1);
  EXPECT_EQ(X509_verify(certificate.get(), key.get()), 1);
  EXPECT_EQ(X509_get_version(certificate.get()), X509_VERSION_3);
}

TEST(TlsIdentity, R_SEC_12_FingerprintAndSignatureUseSha256) {
  const auto identity = Generate();
  EXPECT_EQ(identity->fingerprint(),
            Fingerprint::Compute(HashFunction::kSha256, identity->certificate()));
  EXPECT_EQ(X509_get_signature_nid(Parse(*identity).get()), NID_ecdsa_with_SHA256);
}

TEST(TlsIdentity, R_SEC_12_HasAFingerprintByEachHashFunction) {
  const auto identity = Generate();
  for (const HashFunction hash_function : kHashFunctions) {
    EXPECT_EQ(identity->FingerprintBy(hash_function),
              Fingerprint::Compute(hash_function, identity->certificate()));
  }
}

TEST(TlsIdentity, IsValidForClocksThatAreADayLate) {
  const auto identity = *TlsIdentity::Generate({.now = kNow, .validity = absl::Hours(48)});
  const auto certificate = Parse(*identity);
  time_t late = absl::ToTimeT(kNow - absl::Hours(24));
  EXPECT_LE(X509_cmp_time(X509_get0_notBefore(certificate.get()), &late), 0);
  time_t inside = absl::ToTimeT(kNow + absl::Hours(47));
  EXPECT_GT(X509_cmp_time(X509_get0_notAfter(certificate.get()), &inside), 0);
  time_t outside = absl::ToTimeT(kNow + absl::Hours(49));
  EXPECT_LT(X509_cmp_time(X509_get0_notAfter(certificate.get()), &outside), 0);
  EXPECT_EQ(identity->not_after(), kNow + absl::Hours(48));
}

TEST(TlsIdentity, R_SEC_18_IsDifferentEveryTime) {
  const auto first = Generate();
  const auto second = Generate();
  EXPECT_FALSE(first->fingerprint() == second->fingerprint());
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get0_serialNumber(Parse(*first).get()),
                             X509_get0_serialNumber(Parse(*second).get())),
            0);
}

TEST(TlsIdentity, R_SEC_19_KnowsItsOwnFingerprintsByAnyHashFunction) {
  const auto identity = Generate();
  EXPECT_TRUE(identity->Has(identity->fingerprint()));
  EXPECT_TRUE(identity->Has(Fingerprint::Compute(HashFunction::kSha1, identity->certificate())));
  EXPECT_FALSE(identity->Has(Generate()->fingerprint()));
}

TEST(TlsIdentity, IsAnOperatorsCertificateWithThoseOfItsIssuers) {
  const TestCertificate issuer = MakeTestCertificate();
  for (const TestKeyType key_type :
       {TestKeyType::kRsa2048, TestKeyType::kP256, TestKeyType::kP384}) {
    const TestCertificate own = MakeTestCertificate({.key_type = key_type});
    const auto identity =
        TlsIdentity::FromPem(own.certificate_pem() + issuer.certificate_pem(), own.key_pem());
    ASSERT_THAT(identity, common::IsOk());
    EXPECT_EQ((*identity)->certificate(), own.der());
    EXPECT_EQ((*identity)->fingerprint(), own.FingerprintBy(HashFunction::kSha256));
    ASSERT_EQ((*identity)->chain().size(), 2u);
    EXPECT_EQ(absl::string_view(
                  reinterpret_cast<const char*>(CRYPTO_BUFFER_data((*identity)->chain()[1])),
                  CRYPTO_BUFFER_len((*identity)->chain()[1])),
              issuer.der());
  }
}

TEST(TlsIdentity, KnowsWhenAnOperatorsCertificateEnds) {
  const TestCertificate own = MakeTestCertificate();
  const auto certificate = bssl::UniquePtr<X509>(X509_parse_from_buffer(own.buffer.get()));
  const auto identity = *TlsIdentity::FromPem(own.certificate_pem(), own.key_pem());
  time_t before = absl::ToTimeT(identity->not_after() - absl::Seconds(1));
  time_t after = absl::ToTimeT(identity->not_after() + absl::Seconds(1));
  EXPECT_GT(X509_cmp_time(X509_get0_notAfter(certificate.get()), &before), 0);
  EXPECT_LT(X509_cmp_time(X509_get0_notAfter(certificate.get()), &after), 0);
}

TEST(TlsIdentity, SaysWhatIsWrongWithAnOperatorsFiles) {
  const TestCertificate own = MakeTestCertificate();
  const TestCertificate other = MakeTestCertificate();
  const TestCertificate ed25519 = MakeTestCertificate({.key_type = TestKeyType::kEd25519});
  const auto error = [](const std::string& certificate, const std::string& key) {
    const absl::Status status = TlsIdentity::FromPem(certificate, key).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    return std::string(status.message());
  };
  const std::string no_certificate = "there is no certificate in PEM, or a broken one";
  EXPECT_EQ(error("", own.key_pem()), no_certificate);
  EXPECT_EQ(error(own.key_pem(), own.key_pem()), no_certificate);
  std::string broken_issuer = other.certificate_pem();
  broken_issuer.replace(broken_issuer.size() / 2, 8, "AAAAAAAA");
  EXPECT_EQ(error(own.certificate_pem() + broken_issuer, own.key_pem()), no_certificate);
  const TestCertificate authority = MakeTestCertificate({.key_usage = "keyCertSign"});
  EXPECT_THAT(error(authority.certificate_pem(), authority.key_pem()),
              testing::HasSubstr("digitalSignature"));
  EXPECT_EQ(error(own.certificate_pem(), ""), "there is no key in PEM, or it needs a passphrase");
  EXPECT_EQ(error(own.certificate_pem(), other.key_pem()),
            "the key is not that of the first certificate");
  EXPECT_EQ(error(ed25519.certificate_pem(), ed25519.key_pem()),
            "the key is not RSA of 2048 bits or more, P-256 or P-384");
}

TEST(TlsIdentity, RefusesNamesThatDoNotFit) {
  for (const std::string& name : {std::string(), std::string(65, 'a'), std::string("a,DNS:b"),
                                  std::string("a b"), std::string("\xc3\xa4")}) {
    EXPECT_THAT(TlsIdentity::Generate({.common_name = name, .now = kNow}),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace agw
