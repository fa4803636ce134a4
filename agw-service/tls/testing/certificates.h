// Certificates for tests, made at run time.

#ifndef AGW_SERVICE_TLS_TESTING_CERTIFICATES_H_
#define AGW_SERVICE_TLS_TESTING_CERTIFICATES_H_

#include <string>

#include "agw-service/tls/boringssl_ptr.h"
#include "agw-service/tls/fingerprint.h"

namespace agw {

enum class TestKeyType { kP256, kP384, kRsa2048, kEd25519 };

// A self-signed certificate and its key.
struct TestCertificate {
  BoringSslPtr<crypto_buffer_st> buffer;
  BoringSslPtr<evp_pkey_st> key;

  std::string der() const;
  std::string certificate_pem() const;
  std::string key_pem() const;
  Fingerprint FingerprintBy(HashFunction hash_function) const {
    return Fingerprint::Compute(hash_function, der());
  }
};

struct TestCertificateOptions {
  TestKeyType key_type = TestKeyType::kP256;
  bool expired = false;
  size_t padding_size = 0;     // Octets of an extension nobody needs.
  std::string key_usage = "";  // "keyCertSign,cRLSign"; none if empty.
};

TestCertificate MakeTestCertificate(const TestCertificateOptions& options = {});

}  // namespace agw

#endif  // AGW_SERVICE_TLS_TESTING_CERTIFICATES_H_
