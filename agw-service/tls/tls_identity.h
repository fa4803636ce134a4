// The certificates the IMS-AGW presents, and their keys.

#ifndef AGW_SERVICE_TLS_TLS_IDENTITY_H_
#define AGW_SERVICE_TLS_TLS_IDENTITY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "agw-service/tls/boringssl_ptr.h"
#include "agw-service/tls/fingerprint.h"

namespace agw {

// Peers know a certificate by its fingerprint in SDP (RFC 4975 clause 14.4), so a self-signed one
// will do and its names do not matter; an operator may have one from an authority all the same.
// Shared by all workers: a new one is made when it is time to rotate, and terminations that
// announced the old one keep it. Immutable.
class TlsIdentity {
 public:
  struct Options {
    // Subject and issuer, and the subjectAltName. 1 to 64 characters.
    std::string common_name = "iqgate";

    // The certificate is valid from a day before `now`, for clocks that are late, ...
    absl::Time now;

    // ... until so much after `now`.
    absl::Duration validity = absl::Hours(24 * 365);
  };

  // A self-signed ECDSA P-256 certificate. `kInvalidArgument` if the name does not fit into a
  // certificate.
  static absl::StatusOr<std::shared_ptr<const TlsIdentity>> Generate(const Options& options);

  // From PEM: a certificate, with those of its issuers behind it, and its key, which is RSA of
  // 2,048 bits or more, P-256 or P-384. `kInvalidArgument` says what is wrong with them.
  static absl::StatusOr<std::shared_ptr<const TlsIdentity>> FromPem(absl::string_view certificates,
                                                                    absl::string_view key);

  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  // SHA-256, which every peer must know and which is that of the signature of the certificates we
  // make, so that one is enough (RFC 8122 clause 5.1).
  const Fingerprint& fingerprint() const { return FingerprintBy(HashFunction::kSha256); }

  // By another hash function, for peers that ask for it.
  const Fingerprint& FingerprintBy(HashFunction hash_function) const {
    return fingerprints_[static_cast<size_t>(hash_function)];
  }

  // Whether `fingerprint`, by whatever hash function, is that of this certificate: a peer which
  // says so reflects us.
  bool Has(const Fingerprint& fingerprint) const;

  // DER. Valid as long as this object.
  absl::string_view certificate() const;

  absl::Time not_after() const { return not_after_; }

  // For this folder. The chain begins with the certificate itself.
  absl::Span<crypto_buffer_st* const> chain() const { return chain_pointers_; }
  evp_pkey_st* key() const { return key_.get(); }

 private:
  TlsIdentity(std::vector<BoringSslPtr<crypto_buffer_st>> chain, BoringSslPtr<evp_pkey_st> key,
              absl::Time not_after);

  const std::vector<BoringSslPtr<crypto_buffer_st>> chain_;
  std::vector<crypto_buffer_st*> chain_pointers_;  // The same, as BoringSSL wants it.
  const BoringSslPtr<evp_pkey_st> key_;
  const absl::Time not_after_;
  std::vector<Fingerprint> fingerprints_;  // In the order of `HashFunction`.
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TLS_IDENTITY_H_
