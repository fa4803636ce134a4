// Certificates for tests of mutual TLS: an authority, and certificates it vouches for, as PEM
// files. Made when the test runs, so that none in the tree can expire and no key is in it.

#ifndef COMMON_TESTING_TEST_CERTIFICATES_H_
#define COMMON_TESTING_TEST_CERTIFICATES_H_

#include <string>
#include <vector>

#include "ims/config/v1/endpoint.pb.h"

namespace common {

// An authority of its own with an ECDSA P-256 key. Ends the process if a file cannot be written.
class TestAuthority {
 public:
  // Files go into `directory`, which exists; e.g. testing::TempDir(). `name` keeps the files of
  // several authorities apart.
  TestAuthority(const std::string& directory, const std::string& name);

  // Makes a certificate, for both ends, with these subject alternative names: "DNS:agw.example",
  // "IP:127.0.0.1" or "URI:spiffe://example/alg". Files already there under `name` are replaced,
  // each at once. The result has `certificate_file`, `key_file` and `ca_file` set.
  ims::config::v1::MutualTls Issue(const std::string& name, const std::vector<std::string>& names);

  const std::string& ca_file() const { return ca_file_; }

 private:
  std::string directory_;
  std::string ca_key_file_;
  std::string ca_file_;
};

}  // namespace common

#endif  // COMMON_TESTING_TEST_CERTIFICATES_H_
