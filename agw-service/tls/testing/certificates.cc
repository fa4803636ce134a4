#include "agw-service/tls/testing/certificates.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/curve25519.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <vector>

#include "common/check.h"

namespace agw {
namespace {

BoringSslPtr<EVP_PKEY> EcKey(int curve) {
  bssl::UniquePtr<EC_KEY> ec_key(EC_KEY_new_by_curve_name(curve));
  CHECK(EC_KEY_generate_key(ec_key.get()));
  BoringSslPtr<EVP_PKEY> key(EVP_PKEY_new());
  CHECK(EVP_PKEY_set1_EC_KEY(key.get(), ec_key.get()));
  return key;
}

BoringSslPtr<EVP_PKEY> RsaKey() {
  bssl::UniquePtr<BIGNUM> exponent(BN_new());
  CHECK(BN_set_word(exponent.get(), RSA_F4));
  bssl::UniquePtr<RSA> rsa(RSA_new());
  CHECK(RSA_generate_key_ex(rsa.get(), 2048, exponent.get(), nullptr));
  BoringSslPtr<EVP_PKEY> key(EVP_PKEY_new());
  CHECK(EVP_PKEY_set1_RSA(key.get(), rsa.get()));
  return key;
}

BoringSslPtr<EVP_PKEY> Ed25519Key() {
  uint8_t public_key[32];
  uint8_t private_key[64];
  ED25519_keypair(public_key, private_key);
  return BoringSslPtr<EVP_PKEY>(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, private_key, 32));
}

BoringSslPtr<EVP_PKEY> NewKey(TestKeyType key_type) {
  switch (key_type) {
    case TestKeyType::kP256:
      return EcKey(NID_X9_62_prime256v1);
    case TestKeyType::kP384:
      return EcKey(NID_secp384r1);
    case TestKeyType::kRsa2048:
      return RsaKey();
    case TestKeyType::kEd25519:
      return Ed25519Key();
  }
  return nullptr;
}

std::string ContentsOf(BIO* bio) {
  const uint8_t* data = nullptr;
  size_t size = 0;
  CHECK(BIO_mem_contents(bio, &data, &size));
  return std::string(reinterpret_cast<const char*>(data), size);
}

}  // namespace

std::string TestCertificate::der() const {
  return std::string(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(buffer.get())),
                     CRYPTO_BUFFER_len(buffer.get()));
}

std::string TestCertificate::certificate_pem() const {
  bssl::UniquePtr<X509> certificate(X509_parse_from_buffer(buffer.get()));
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(bio.get(), certificate.get()));
  return ContentsOf(bio.get());
}

std::string TestCertificate::key_pem() const {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr));
  return ContentsOf(bio.get());
}

TestCertificate MakeTestCertificate(const TestCertificateOptions& options) {
  TestCertificate result;
  result.key = NewKey(options.key_type);
  bssl::UniquePtr<X509> certificate(X509_new());
  CHECK(X509_set_version(certificate.get(), X509_VERSION_3));
  CHECK(ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 4711));
  constexpr long kDay = 24 * 60 * 60;
  CHECK(X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -10 * kDay) != nullptr);
  CHECK(X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                        options.expired ? -5 * kDay : 10 * kDay) != nullptr);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const uint8_t*>("ue.example"), -1, -1, 0));
  CHECK(X509_set_issuer_name(certificate.get(), name));
  CHECK(X509_set_pubkey(certificate.get(), result.key.get()));
  if (options.padding_size > 0) {
    // Random, so that no compression of certificates would help.
    std::vector<uint8_t> padding(options.padding_size);
    RAND_bytes(padding.data(), padding.size());
    bssl::UniquePtr<ASN1_OCTET_STRING> value(ASN1_OCTET_STRING_new());
    CHECK(ASN1_OCTET_STRING_set(value.get(), padding.data(), static_cast<int>(padding.size())));
    bssl::UniquePtr<X509_EXTENSION> extension(
        X509_EXTENSION_create_by_NID(nullptr, NID_netscape_comment, 0, value.get()));
    CHECK(extension != nullptr && X509_add_ext(certificate.get(), extension.get(), -1));
  }
  if (!options.key_usage.empty()) {
    bssl::UniquePtr<X509_EXTENSION> extension(X509V3_EXT_nconf_nid(
        nullptr, nullptr, NID_key_usage, const_cast<char*>(options.key_usage.c_str())));
    CHECK(extension != nullptr && X509_add_ext(certificate.get(), extension.get(), -1));
  }
  const EVP_MD* digest = options.key_type == TestKeyType::kEd25519 ? nullptr : EVP_sha256();
  CHECK(X509_sign(certificate.get(), result.key.get(), digest) > 0);

  uint8_t* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  CHECK(size > 0);
  result.buffer.reset(CRYPTO_BUFFER_new(der, size, nullptr));
  OPENSSL_free(der);
  return result;
}

}  // namespace agw
