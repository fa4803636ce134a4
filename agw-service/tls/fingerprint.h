// Certificate fingerprints of SDP, "a=fingerprint" (RFC 8122 clause 5): compute and match.

#ifndef AGW_SERVICE_TLS_FINGERPRINT_H_
#define AGW_SERVICE_TLS_FINGERPRINT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace agw {

// The hash functions of RFC 8122 clause 5 that may be used, the weakest first. MD2 and MD5 must not
// be used, so they have no value here.
enum class HashFunction : uint8_t { kSha1, kSha224, kSha256, kSha384, kSha512 };

inline constexpr HashFunction kHashFunctions[] = {HashFunction::kSha1, HashFunction::kSha224,
                                                  HashFunction::kSha256, HashFunction::kSha384,
                                                  HashFunction::kSha512};

// As in SDP, case-insensitive: "sha-256". `kInvalidArgument` for unknown names, and for "md2" and
// "md5".
absl::StatusOr<HashFunction> ParseHashFunction(absl::string_view name);

// As in SDP, in lower case.
absl::string_view HashFunctionName(HashFunction hash_function);

// Length of a digest in octets.
size_t DigestSize(HashFunction hash_function);

// One fingerprint. A value; lies in one piece, for thousands of them are kept.
class Fingerprint {
 public:
  // `kInvalidArgument` if `digest` does not have the length of the hash function's digests.
  static absl::StatusOr<Fingerprint> Create(HashFunction hash_function, absl::string_view digest);

  // Of a certificate in DER.
  static Fingerprint Compute(HashFunction hash_function, absl::string_view certificate);

  HashFunction hash_function() const { return hash_function_; }

  // Valid as long as this object.
  absl::string_view digest() const {
    return absl::string_view(reinterpret_cast<const char*>(digest_.data()),
                             DigestSize(hash_function_));
  }

  // As in SDP: "sha-256 4A:AD:B9:...".
  std::string ToString() const;

  friend bool operator==(const Fingerprint& a, const Fingerprint& b) {
    return a.hash_function_ == b.hash_function_ && a.digest_ == b.digest_;
  }

 private:
  Fingerprint() = default;

  HashFunction hash_function_ = HashFunction::kSha256;
  std::array<uint8_t, 64> digest_ = {};  // Zero behind the digest.
};

// The fingerprints a peer announced. Immutable.
class FingerprintSet {
 public:
  // Empty: matches nothing.
  FingerprintSet() = default;
  explicit FingerprintSet(std::vector<Fingerprint> fingerprints);

  bool empty() const { return fingerprints_.empty(); }
  const std::vector<Fingerprint>& fingerprints() const { return fingerprints_; }

  // The strongest hash function among the fingerprints, the one that is compared (RFC 8122 clause
  // 5.1). The set is not empty.
  HashFunction preferred_hash_function() const;

  // Whether `certificate`, a DER, has one of the fingerprints that use the preferred hash function.
  // A weaker fingerprint that matches does not help. Returns the certificate's own fingerprint by
  // that function, and what came of it. The set is not empty.
  struct Comparison {
    bool matches = false;
    Fingerprint presented;
  };
  Comparison Compare(absl::string_view certificate) const;

  friend bool operator==(const FingerprintSet& a, const FingerprintSet& b) {
    return a.fingerprints_ == b.fingerprints_;
  }

 private:
  std::vector<Fingerprint> fingerprints_;
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_FINGERPRINT_H_
