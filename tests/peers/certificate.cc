#include "tests/peers/certificate.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/check.h"
#include "common/ip_address.h"
#include "openssl/bio.h"
#include "openssl/ec_key.h"
#include "openssl/evp.h"
#include "openssl/nid.h"
#include "openssl/pem.h"
#include "openssl/rand.h"
#include "openssl/rsa.h"
#include "openssl/sha.h"
#include "openssl/x509.h"
#include "openssl/x509v3.h"

namespace peers {
namespace {

constexpr long kDay = 24 * 60 * 60;

bssl::UniquePtr<EVP_PKEY> MakeKey(KeyType key_type) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (key_type == KeyType::kRsa2048) {
    bssl::UniquePtr<RSA> rsa(RSA_new());
    bssl::UniquePtr<BIGNUM> exponent(BN_new());
    CHECK(BN_set_word(exponent.get(), RSA_F4));
    CHECK(RSA_generate_key_ex(rsa.get(), 2048, exponent.get(), nullptr));
    CHECK(EVP_PKEY_set1_RSA(key.get(), rsa.get()));
  } else {
    bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
    CHECK(EC_KEY_generate_key(ec.get()));
    CHECK(EVP_PKEY_set1_EC_KEY(key.get(), ec.get()));
  }
  return key;
}

// Everything but issuer, extensions and signature.
bssl::UniquePtr<X509> MakeX509(EVP_PKEY* key, absl::string_view common_name) {
  bssl::UniquePtr<X509> x509(X509_new());
  CHECK(X509_set_version(x509.get(), 2));
  uint8_t serial[8];
  CHECK(RAND_bytes(serial, sizeof(serial)));
  bssl::UniquePtr<BIGNUM> number(BN_bin2bn(serial, sizeof(serial), nullptr));
  CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x509.get())));
  CHECK(X509_gmtime_adj(X509_get_notBefore(x509.get()), -60));
  CHECK(X509_gmtime_adj(X509_get_notAfter(x509.get()), kDay));
  CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(x509.get()), "CN", MBSTRING_UTF8,
                                   reinterpret_cast<const uint8_t*>(common_name.data()),
                                   static_cast<int>(common_name.size()), -1, 0));
  CHECK(X509_set_pubkey(x509.get(), key));
  return x509;
}

void MakeAuthority(X509* x509) {
  bssl::UniquePtr<BASIC_CONSTRAINTS> constraints(BASIC_CONSTRAINTS_new());
  constraints->ca = 1;
  CHECK(X509_add1_ext_i2d(x509, NID_basic_constraints, constraints.get(), 1, 0));
}

void AddAlternativeNames(X509* x509, const std::vector<std::string>& names) {
  bssl::UniquePtr<GENERAL_NAMES> list(sk_GENERAL_NAME_new_null());
  for (const std::string& name : names) {
    const absl::StatusOr<common::IpAddress> ip = common::IpAddress::Parse(name);
    const absl::string_view value =
        ip.ok() ? absl::string_view(reinterpret_cast<const char*>(ip->bytes().data()),
                                    ip->bytes().size())
                : absl::string_view(name);
    bssl::UniquePtr<ASN1_STRING> string(
        ASN1_STRING_type_new(ip.ok() ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING));
    CHECK(ASN1_STRING_set(string.get(), value.data(), static_cast<int>(value.size())));
    bssl::UniquePtr<GENERAL_NAME> entry(GENERAL_NAME_new());
    GENERAL_NAME_set0_value(entry.get(), ip.ok() ? GEN_IPADD : GEN_DNS, string.release());
    CHECK(sk_GENERAL_NAME_push(list.get(), entry.release()));
  }
  CHECK(X509_add1_ext_i2d(x509, NID_subject_alt_name, list.get(), 0, 0));
}

std::string Contents(BIO* bio) {
  const uint8_t* bytes;
  size_t size;
  CHECK(BIO_mem_contents(bio, &bytes, &size));
  return std::string(reinterpret_cast<const char*>(bytes), size);
}

}  // namespace

Certificate Certificate::SelfSigned(KeyType key_type) {
  Certificate result;
  result.key_ = MakeKey(key_type);
  result.x509_ = MakeX509(result.key_.get(), "phone");
  CHECK(X509_set_issuer_name(result.x509(), X509_get_subject_name(result.x509())));
  CHECK(X509_sign(result.x509(), result.key(), EVP_sha256()));
  return result;
}

Certificate Certificate::Authority() {
  Certificate result;
  result.key_ = MakeKey(KeyType::kEcdsaP256);
  result.x509_ = MakeX509(result.key_.get(), "test authority");
  CHECK(X509_set_issuer_name(result.x509(), X509_get_subject_name(result.x509())));
  MakeAuthority(result.x509());
  CHECK(X509_sign(result.x509(), result.key(), EVP_sha256()));
  return result;
}

Certificate Certificate::Issue(const std::vector<std::string>& names) const {
  Certificate result;
  result.key_ = MakeKey(KeyType::kEcdsaP256);
  result.x509_ = MakeX509(result.key_.get(), names.front());
  CHECK(X509_set_issuer_name(result.x509(), X509_get_subject_name(x509())));
  AddAlternativeNames(result.x509(), names);
  CHECK(X509_sign(result.x509(), key(), EVP_sha256()));
  return result;
}

std::string Certificate::certificate_pem() const {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_X509(bio.get(), x509()));
  return Contents(bio.get());
}

std::string Certificate::key_pem() const {
  bssl::UniquePtr<BIO> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), key(), nullptr, nullptr, 0, nullptr, nullptr));
  return Contents(bio.get());
}

std::string Certificate::digest() const {
  uint8_t* der = nullptr;
  const int size = i2d_X509(x509(), &der);
  CHECK(size > 0);
  bssl::UniquePtr<uint8_t> owner(der);
  return Sha256({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
}

std::string Certificate::sdp_fingerprint() const { return SdpFingerprint(digest()); }

std::string Sha256(absl::string_view bytes) {
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size(), digest);
  return std::string(reinterpret_cast<const char*>(digest), sizeof(digest));
}

std::string ColonHex(absl::string_view digest) {
  return absl::AsciiStrToUpper(absl::StrJoin(digest, ":", [](std::string* out, char octet) {
    absl::StrAppend(out, absl::Hex(static_cast<uint8_t>(octet), absl::kZeroPad2));
  }));
}

std::string SdpFingerprint(absl::string_view sha256_digest) {
  return absl::StrCat("sha-256 ", ColonHex(sha256_digest));
}

}  // namespace peers
