// Certificates made at run time, for phones, cores and control hops of tests.

#ifndef TESTS_PEERS_CERTIFICATE_H_
#define TESTS_PEERS_CERTIFICATE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "openssl/evp.h"
#include "openssl/x509.h"

namespace peers {

enum class KeyType { kEcdsaP256, kRsa2048 };

// A certificate with its key. Valid for a day. Immutable once made; movable.
class Certificate {
 public:
  // As phones have it: signed by itself, sha256.
  static Certificate SelfSigned(KeyType key_type = KeyType::kEcdsaP256);

  // One that may sign others.
  static Certificate Authority();

  // Signed by this authority, for client and server, with these DNS names, or addresses where a
  // name is one.
  Certificate Issue(const std::vector<std::string>& names) const;

  std::string certificate_pem() const;
  std::string key_pem() const;

  // SHA-256 of the DER form: 32 octets, and as in SDP ("sha-256 AB:CD:...").
  std::string digest() const;
  std::string sdp_fingerprint() const;

  X509* x509() const { return x509_.get(); }
  EVP_PKEY* key() const { return key_.get(); }

 private:
  Certificate() = default;

  bssl::UniquePtr<X509> x509_;
  bssl::UniquePtr<EVP_PKEY> key_;
};

// SHA-256 of `bytes`: 32 octets.
std::string Sha256(absl::string_view bytes);

// "AB:CD:...", as SDP writes digests.
std::string ColonHex(absl::string_view digest);

// "sha-256 AB:CD:...".
std::string SdpFingerprint(absl::string_view sha256_digest);

}  // namespace peers

#endif  // TESTS_PEERS_CERTIFICATE_H_
