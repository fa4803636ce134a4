#include "agw-service/tls/tls_identity.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/pool.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/certificate_end.h"
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

BoringSslPtr<CRYPTO_BUFFER> ToDer(X509* certificate) {
  uint8_t* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  CHECK(size > 0);
  BoringSslPtr<CRYPTO_BUFFER> buffer(CRYPTO_BUFFER_new(der, size, nullptr));
  OPENSSL_free(der);
  CHECK(buffer != nullptr);
  return buffer;
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

  return ToDer(certificate.get());
}

// All of PEM, in order; none if one of them is broken.
std::vector<bssl::UniquePtr<X509>> ReadCertificates(absl::string_view pem) {
  bssl::UniquePtr<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CHECK(in != nullptr);
  std::vector<bssl::UniquePtr<X509>> certificates;
  ERR_clear_error();
  while (X509* certificate = PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const uint32_t error = ERR_peek_last_error();
  const bool at_end =
      ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!at_end) certificates.clear();
  return certificates;
}

// BoringSSL has rules of its own, such as the key usage of an EC certificate.
bool IsUsableForTls(absl::Span<CRYPTO_BUFFER* const> chain, EVP_PKEY* key) {
  const BoringSslPtr<SSL_CTX> trial(SSL_CTX_new(TLS_with_buffers_method()));
  CHECK(trial != nullptr);
  const bool usable =
      SSL_CTX_set_chain_and_key(trial.get(), chain.data(), chain.size(), key, nullptr) == 1;
  ERR_clear_error();
  return usable;
}

BoringSslPtr<EVP_PKEY> ReadKey(absl::string_view pem) {
  bssl::UniquePtr<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  CHECK(in != nullptr);
  // Without this BoringSSL would ask for a passphrase at the terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  BoringSslPtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  return key;
}

// What the TLS profile signs with (TS 33.210 clause 6.2).
bool IsOfTheProfile(const EVP_PKEY* key) {
  if (EVP_PKEY_id(key) == EVP_PKEY_RSA) return EVP_PKEY_bits(key) >= 2048;
  if (EVP_PKEY_id(key) != EVP_PKEY_EC) return false;
  const int curve = EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)));
  return curve == NID_X9_62_prime256v1 || curve == NID_secp384r1;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const TlsIdentity>> TlsIdentity::Generate(const Options& options) {
  if (!FitsIntoCertificate(options.common_name)) {
    return absl::InvalidArgumentError(
        "the common name of a certificate has 1 to 64 letters, digits, '-', '.' or '_'");
  }
  BoringSslPtr<EVP_PKEY> key = GenerateKey();
  std::vector<BoringSslPtr<CRYPTO_BUFFER>> chain;
  chain.push_back(MakeCertificate(options, key.get()));
  return std::shared_ptr<const TlsIdentity>(
      new TlsIdentity(std::move(chain), std::move(key), options.now + options.validity));
}

absl::StatusOr<std::shared_ptr<const TlsIdentity>> TlsIdentity::FromPem(
    absl::string_view certificates_pem, absl::string_view key_pem) {
  const std::vector<bssl::UniquePtr<X509>> certificates = ReadCertificates(certificates_pem);
  if (certificates.empty()) {
    return absl::InvalidArgumentError("there is no certificate in PEM, or a broken one");
  }
  BoringSslPtr<EVP_PKEY> key = ReadKey(key_pem);
  if (key == nullptr) {
    return absl::InvalidArgumentError("there is no key in PEM, or it needs a passphrase");
  }
  if (!IsOfTheProfile(key.get())) {
    return absl::InvalidArgumentError("the key is not RSA of 2048 bits or more, P-256 or P-384");
  }
  if (!X509_check_private_key(certificates[0].get(), key.get())) {
    ERR_clear_error();
    return absl::InvalidArgumentError("the key is not that of the first certificate");
  }
  std::vector<BoringSslPtr<CRYPTO_BUFFER>> chain;
  for (const bssl::UniquePtr<X509>& certificate : certificates) {
    chain.push_back(ToDer(certificate.get()));
  }
  std::shared_ptr<const TlsIdentity> identity(
      new TlsIdentity(std::move(chain), std::move(key),
                      common::CertificateEnd(certificates_pem).value_or(absl::InfinitePast())));
  if (!IsUsableForTls(identity->chain(), identity->key())) {
    return absl::InvalidArgumentError(
        "TLS cannot use the certificate; the key usage of one with an EC key, if it has any, must "
        "include digitalSignature");
  }
  return identity;
}

TlsIdentity::TlsIdentity(std::vector<BoringSslPtr<crypto_buffer_st>> chain,
                         BoringSslPtr<evp_pkey_st> key, absl::Time not_after)
    : chain_(std::move(chain)), key_(std::move(key)), not_after_(not_after) {
  for (const BoringSslPtr<crypto_buffer_st>& certificate : chain_) {
    chain_pointers_.push_back(certificate.get());
  }
  for (const HashFunction hash_function : kHashFunctions) {
    fingerprints_.push_back(Fingerprint::Compute(hash_function, this->certificate()));
  }
}

TlsIdentity::~TlsIdentity() = default;

bool TlsIdentity::Has(const Fingerprint& fingerprint) const {
  return fingerprint == FingerprintBy(fingerprint.hash_function());
}

absl::string_view TlsIdentity::certificate() const {
  return absl::string_view(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(chain_[0].get())),
                           CRYPTO_BUFFER_len(chain_[0].get()));
}

}  // namespace agw
