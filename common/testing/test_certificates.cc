#include "common/testing/test_certificates.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/check.h"

namespace common {
namespace {

// The openssl program rather than a library: the tests of the services link gRPC and BoringSSL,
// whose two libcryptos are best kept out of one source file.
void OpenSsl(const std::vector<std::string>& arguments) {
  std::vector<char*> argv = {const_cast<char*>("openssl")};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const pid_t child = fork();
  CHECK(child >= 0);
  if (child == 0) {
    CHECK(std::freopen("/dev/null", "w", stderr) != nullptr);
    execvp("openssl", argv.data());
    _exit(127);
  }
  int status = 0;
  CHECK(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

TestAuthority::TestAuthority(const std::string& directory, const std::string& name)
    : directory_(directory),
      ca_key_file_(absl::StrCat(directory, "/", name, ".key")),
      ca_file_(absl::StrCat(directory, "/", name, ".crt")) {
  OpenSsl({"req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
           "-keyout", ca_key_file_, "-out", ca_file_, "-days", "2", "-subj",
           absl::StrCat("/CN=", name), "-addext", "basicConstraints=critical,CA:TRUE", "-addext",
           "keyUsage=critical,keyCertSign,cRLSign"});
}

ims::config::v1::MutualTls TestAuthority::Issue(const std::string& name,
                                                const std::vector<std::string>& names) {
  const std::string stem = absl::StrCat(directory_, "/", name);
  {
    std::ofstream extensions(absl::StrCat(stem, ".ext"));
    extensions << "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n";
    if (!names.empty()) extensions << "subjectAltName=" << absl::StrJoin(names, ",") << "\n";
    CHECK(extensions.good());
  }
  OpenSsl({"req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
           "-keyout", stem + ".key.new", "-out", stem + ".csr", "-subj",
           absl::StrCat("/CN=", name)});
  OpenSsl({"x509", "-req", "-in", stem + ".csr", "-CA", ca_file_, "-CAkey", ca_key_file_,
           "-CAcreateserial", "-out", stem + ".crt.new", "-days", "2", "-extfile", stem + ".ext"});
  CHECK(std::rename((stem + ".key.new").c_str(), (stem + ".key").c_str()) == 0);
  CHECK(std::rename((stem + ".crt.new").c_str(), (stem + ".crt").c_str()) == 0);

  ims::config::v1::MutualTls tls;
  tls.set_certificate_file(stem + ".crt");
  tls.set_key_file(stem + ".key");
  tls.set_ca_file(ca_file_);
  return tls;
}

}  // namespace common
