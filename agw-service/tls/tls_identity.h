// The certificate the IMS-AGW presents, and its key.

#ifndef AGW_SERVICE_TLS_TLS_IDENTITY_H_
#define AGW_SERVICE_TLS_TLS_IDENTITY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agw-service/tls/boringssl_ptr.h"
#include "agw-service/tls/fingerprint.h"

namespace agw {

// A self-signed ECDSA P-256 certificate; peers know it by its fingerprint in SDP (RFC 4975 clause
// 14.4), so there is no authority behind it and its names do not matter. Shared by all workers: a
// new one is made when it is time to rotate, and terminations that announced the old one keep it.
// Immutable.
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

  // `kInvalidArgument` if the name does not fit into a certificate.
  static absl::StatusOr<std::shared_ptr<const TlsIdentity>> Generate(const Options& options);

  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  // SHA-256, which is also the hash function of the certificate's signature, so that one is enough
  // (RFC 8122 clause 5.1).
  const Fingerprint& fingerprint() const { return fingerprint_; }

  // Whether `fingerprint`, by whatever hash function, is that of this certificate: a peer which
  // says so reflects us.
  bool Has(const Fingerprint& fingerprint) const;

  // DER. Valid as long as this object.
  absl::string_view certificate() const;

  absl::Time not_after() const { return not_after_; }

  // For this folder.
  crypto_buffer_st* certificate_buffer() const { return certificate_.get(); }
  evp_pkey_st* key() const { return key_.get(); }

 private:
  TlsIdentity(BoringSslPtr<crypto_buffer_st> certificate, BoringSslPtr<evp_pkey_st> key,
              absl::Time not_after);

  const BoringSslPtr<crypto_buffer_st> certificate_;
  const BoringSslPtr<evp_pkey_st> key_;
  const absl::Time not_after_;
  const Fingerprint fingerprint_;
};

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TLS_IDENTITY_H_
