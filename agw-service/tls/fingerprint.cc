#include "agw-service/tls/fingerprint.h"

#include <openssl/digest.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/check.h"

namespace agw {
namespace {

const EVP_MD* MessageDigest(HashFunction hash_function) {
  switch (hash_function) {
    case HashFunction::kSha1:
      return EVP_sha1();
    case HashFunction::kSha224:
      return EVP_sha224();
    case HashFunction::kSha256:
      return EVP_sha256();
    case HashFunction::kSha384:
      return EVP_sha384();
    case HashFunction::kSha512:
      return EVP_sha512();
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<HashFunction> ParseHashFunction(absl::string_view name) {
  for (HashFunction hash_function : kHashFunctions) {
    if (absl::EqualsIgnoreCase(name, HashFunctionName(hash_function))) return hash_function;
  }
  if (absl::EqualsIgnoreCase(name, "md5") || absl::EqualsIgnoreCase(name, "md2")) {
    return absl::InvalidArgumentError(
        absl::StrCat("hash function ", name, " must not be used (RFC 8122 clause 5)"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown hash function \"", absl::CHexEscape(name), "\""));
}

absl::string_view HashFunctionName(HashFunction hash_function) {
  switch (hash_function) {
    case HashFunction::kSha1:
      return "sha-1";
    case HashFunction::kSha224:
      return "sha-224";
    case HashFunction::kSha256:
      return "sha-256";
    case HashFunction::kSha384:
      return "sha-384";
    case HashFunction::kSha512:
      return "sha-512";
  }
  return "";
}

size_t DigestSize(HashFunction hash_function) {
  switch (hash_function) {
    case HashFunction::kSha1:
      return 20;
    case HashFunction::kSha224:
      return 28;
    case HashFunction::kSha256:
      return 32;
    case HashFunction::kSha384:
      return 48;
    case HashFunction::kSha512:
      return 64;
  }
  return 0;
}

absl::StatusOr<Fingerprint> Fingerprint::Create(HashFunction hash_function,
                                                absl::string_view digest) {
  if (digest.size() != DigestSize(hash_function)) {
    return absl::InvalidArgumentError(absl::StrCat("a digest of ", HashFunctionName(hash_function),
                                                   " has ", DigestSize(hash_function),
                                                   " octets, not ", digest.size()));
  }
  Fingerprint fingerprint;
  fingerprint.hash_function_ = hash_function;
  std::copy(digest.begin(), digest.end(), fingerprint.digest_.begin());
  return fingerprint;
}

Fingerprint Fingerprint::Compute(HashFunction hash_function, absl::string_view certificate) {
  Fingerprint fingerprint;
  fingerprint.hash_function_ = hash_function;
  unsigned size = 0;
  CHECK(EVP_Digest(certificate.data(), certificate.size(), fingerprint.digest_.data(), &size,
                   MessageDigest(hash_function), nullptr) == 1);
  CHECK(size == DigestSize(hash_function));
  return fingerprint;
}

std::string Fingerprint::ToString() const {
  std::string text(HashFunctionName(hash_function_));
  char separator = ' ';
  for (const char octet : digest()) {
    absl::StrAppendFormat(&text, "%c%02X", separator, static_cast<uint8_t>(octet));
    separator = ':';
  }
  return text;
}

FingerprintSet::FingerprintSet(std::vector<Fingerprint> fingerprints)
    : fingerprints_(std::move(fingerprints)) {}

HashFunction FingerprintSet::preferred_hash_function() const {
  CHECK(!fingerprints_.empty());
  HashFunction strongest = HashFunction::kSha1;
  for (const Fingerprint& fingerprint : fingerprints_) {
    strongest = std::max(strongest, fingerprint.hash_function());
  }
  return strongest;
}

FingerprintSet::Comparison FingerprintSet::Compare(absl::string_view certificate) const {
  const Fingerprint presented = Fingerprint::Compute(preferred_hash_function(), certificate);
  return {.matches = std::find(fingerprints_.begin(), fingerprints_.end(), presented) !=
                     fingerprints_.end(),
          .presented = presented};
}

}  // namespace agw
