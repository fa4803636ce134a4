#include "agw-service/tls/tls_identity.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pool.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/check.h"

namespace agw {
namespace {

// What a DNS name has; so it can stand in a subjectAltName as it is.
bool FitsIntoCertificate(absl::string_view common_name) {
  if (common_name.empty() || common_name.size() > 64) return false;
  for (const char c : common_name) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.' && c != '_') return false;
  }
  return true;
}

BoringSslPtr<EVP_PKEY> GenerateKey() {
  bssl::UniquePtr<EC_KEY> ec_key(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  CHECK(ec_key != nullptr && EC_KEY_generate_key(ec_key.get()));
  BoringSslPtr<EVP_PKEY> key(EVP_PKEY_new());
  CHECK(key != nullptr && EVP_PKEY_set1_EC_KEY(key.get(), ec_key.get()));
  return key;
}

// A serial number of 127 random bits: positive, and not the same twice.
void SetSerialNumber(X509* certificate) {
  bssl::UniquePtr<BIGNUM> serial(BN_new());
  CHECK(serial != nullptr && BN_rand(serial.get(), 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY));
  CHECK(BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  bssl::UniquePtr<X509_EXTENSION> extension(
      X509V3_EXT_nconf_nid(nullptr, nullptr, nid, const_cast<char*>(value.c_str())));
  CHECK(extension != nullptr && X509_add_ext(certificate, extension.get(), -1));
}

BoringSslPtr<CRYPTO_BUFFER> MakeCertificate(const TlsIdentity::Options& options, EVP_PKEY* key) {
  bssl::UniquePtr<X509> certificate(X509_new());
  CHECK(certificate != nullptr);
  CHECK(X509_set_version(certificate.get(), X509_VERSION_3));
  SetSerialNumber(certificate.get());
  CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate.get()),
                      absl::ToTimeT(options.now - absl::Hours(24))) != nullptr);
  CHECK(ASN1_TIME_set(X509_getm_notAfter(certificate.get()),
                      absl::ToTimeT(options.now + options.validity)) != nullptr);

  X509_NAME* name = X509_get_subject_name(certificate.get());
  CHECK(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                   reinterpret_cast<const uint8_t*>(options.common_name.data()),
                                   options.common_name.size(), -1, 0));
  CHECK(X509_set_issuer_name(certificate.get(), name));
  CHECK(X509_set_pubkey(certificate.get(), key));
  AddExtension(certificate.get(), NID_key_usage, "critical,digitalSignature");
  AddExtension(certificate.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  AddExtension(certificate.get(), NID_subject_alt_name, absl::StrCat("DNS:", options.common_name));
  CHECK(X509_sign(certificate.get(), key, EVP_sha256()) > 0);

  uint8_t* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  CHECK(size > 0);
  BoringSslPtr<CRYPTO_BUFFER> buffer(CRYPTO_BUFFER_new(der, size, nullptr));
  OPENSSL_free(der);
  CHECK(buffer != nullptr);
  return buffer;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsIdentity>> TlsIdentity::Generate(const Options& options) {
  if (!FitsIntoCertificate(options.common_name)) {
    return absl::InvalidArgumentError(
        "the common name of a certificate has 1 to 64 letters, digits, '-', '.' or '_'");
  }
  BoringSslPtr<EVP_PKEY> key = GenerateKey();
  BoringSslPtr<CRYPTO_BUFFER> certificate = MakeCertificate(options, key.get());
  return std::shared_ptr<const TlsIdentity>(
      new TlsIdentity(std::move(certificate), std::move(key), options.now + options.validity));
}

TlsIdentity::TlsIdentity(BoringSslPtr<crypto_buffer_st> certificate, BoringSslPtr<evp_pkey_st> key,
                         absl::Time not_after)
    : certificate_(std::move(certificate)),
      key_(std::move(key)),
      not_after_(not_after),
      fingerprint_(Fingerprint::Compute(HashFunction::kSha256, this->certificate())) {}

TlsIdentity::~TlsIdentity() = default;

bool TlsIdentity::Has(const Fingerprint& fingerprint) const {
  return fingerprint == Fingerprint::Compute(fingerprint.hash_function(), certificate());
}

absl::string_view TlsIdentity::certificate() const {
  return absl::string_view(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(certificate_.get())),
                           CRYPTO_BUFFER_len(certificate_.get()));
}

}  // namespace agw
