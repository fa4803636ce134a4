// `TlsStream` with peers that are not BoringSSL: OpenSSL's s_client and s_server, and GnuTLS.

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agw-service/tls/testing/certificates.h"
#include "agw-service/tls/testing/connected_sockets.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/tls/tls_profile.h"
#include "agw-service/tls/tls_stream.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;

bool IsInstalled(const std::string& program) {
  return ::access(absl::StrCat("/usr/bin/", program).c_str(), X_OK) == 0;
}

// A program under the test's control. What it prints goes to a file.
class Program {
 public:
  Program(const std::vector<std::string>& arguments, const std::string& output) {
    int input[2];
    CHECK(::pipe2(input, O_CLOEXEC) == 0);
    std::vector<char*> argv;
    for (const std::string& argument : arguments)
      argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    pid_ = ::fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) {
      const int out = ::open(output.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
      ::dup2(input[0], 0);
      ::dup2(out, 1);
      ::dup2(out, 2);
      ::execv(argv[0], argv.data());
      ::_exit(127);
    }
    ::close(input[0]);
    input_.reset(input[1]);
  }
  ~Program() {
    input_.reset();
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  void Type(absl::string_view text) {
    CHECK(::write(input_.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void EndInput() { input_.reset(); }

 private:
  pid_t pid_;
  OwnedFd input_;
};

class ForeignPeerTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    std::ofstream(certificate_path_) << certificate_.certificate_pem();
    std::ofstream(key_path_) << certificate_.key_pem();
  }

  bool is_tls13() const { return GetParam() == "1.3"; }
  std::string openssl_version() const { return is_tls13() ? "-tls1_3" : "-tls1_2"; }

  std::string Output() const {
    std::ifstream file(output_path_);
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

  absl::Status RunHandshake() {
    for (;;) {
      const auto progress = stream_->Handshake();
      if (!progress.ok()) return progress.status();
      switch (*progress) {
        case TlsStream::HandshakeProgress::kWantsReadable:
          WaitFor(stream_->fd(), POLLIN);
          break;
        case TlsStream::HandshakeProgress::kWantsWritable:
          WaitFor(stream_->fd(), POLLOUT);
          break;
        case TlsStream::HandshakeProgress::kHeld:
          was_held_ = true;
          stream_->SetRemoteFingerprints(
              FingerprintSet({certificate_.FingerprintBy(HashFunction::kSha256)}));
          break;
        case TlsStream::HandshakeProgress::kDone:
          return absl::OkStatus();
      }
    }
  }

  // Reads until `expected` has come, or the end or an error.
  std::string ReadUntil(absl::string_view expected) {
    std::string received;
    while (received.find(std::string(expected)) == std::string::npos) {
      WaitFor(stream_->fd(), POLLIN);
      const auto result = stream_->Read(kTurnSize);
      status_ = result.status();
      if (!result.ok()) break;
      received.append(result->bytes.data(), result->bytes.size());
      if (result->end_of_stream) break;
    }
    return received;
  }

  void StartServerFor(const std::vector<std::string>& client_arguments, int listener) {
    client_ = std::make_unique<Program>(client_arguments, output_path_);
    stream_ = TlsStream::Server(profile_, identity_, AcceptOne(listener));
  }

  // Talks both ways and ends.
  void Converse() {
    ASSERT_THAT(RunHandshake(), IsOk()) << Output();
    EXPECT_TRUE(was_held_);
    EXPECT_EQ(stream_->protocol_version(), is_tls13() ? "TLSv1.3" : "TLSv1.2");
    client_->Type("from the client\n");
    EXPECT_EQ(ReadUntil("\n"), "from the client\n");
    ASSERT_THAT(stream_->Write(absl::MakeConstSpan("from the gateway\n", 17)), IsOk());
    ASSERT_THAT(stream_->CloseWrite(), IsOk());
    client_->EndInput();
    ReadUntil("never sent");
    EXPECT_NE(Output().find("from the gateway\n"), std::string::npos) << Output();
  }

  std::string PortOf(int listener) { return absl::StrCat(LocalAddress(listener)->port); }

  const std::string certificate_path_ = absl::StrCat(testing::TempDir(), "/certificate.pem");
  const std::string key_path_ = absl::StrCat(testing::TempDir(), "/key.pem");
  const std::string output_path_ = absl::StrCat(testing::TempDir(), "/output");
  const TestCertificate certificate_ = MakeTestCertificate();
  Scratch scratch_;
  TlsProfile profile_{scratch_};
  const std::shared_ptr<const TlsIdentity> identity_ = *TlsIdentity::Generate({.now = absl::Now()});
  std::unique_ptr<Program> client_;
  std::unique_ptr<TlsStream> stream_;
  absl::Status status_;
  bool was_held_ = false;
};

INSTANTIATE_TEST_SUITE_P(All, ForeignPeerTest, testing::Values("1.2", "1.3"),
                         [](const auto& info) { return "Tls1" + info.param.substr(2); });

TEST_P(ForeignPeerTest, R_TLS_01_OpenSslAsClient) {
  if (!IsInstalled("openssl")) GTEST_SKIP() << "openssl is not installed";
  const OwnedFd listener = ListenOnLoopback();
  StartServerFor(
      {"/usr/bin/openssl", "s_client", "-quiet", "-connect", "127.0.0.1:" + PortOf(listener.get()),
       "-cert", certificate_path_, "-key", key_path_, openssl_version()},
      listener.get());
  Converse();
}

TEST_P(ForeignPeerTest, R_TLS_01_GnuTlsAsClient) {
  if (!IsInstalled("gnutls-cli")) GTEST_SKIP() << "gnutls-cli is not installed";
  const OwnedFd listener = ListenOnLoopback();
  StartServerFor(
      {"/usr/bin/gnutls-cli", "--insecure", "--x509certfile", certificate_path_, "--x509keyfile",
       key_path_, "--priority", absl::StrCat("NORMAL:-VERS-ALL:+VERS-TLS", GetParam()), "-p",
       PortOf(listener.get()), "127.0.0.1"},
      listener.get());
  Converse();
}

TEST_P(ForeignPeerTest, R_SEC_20_OpenSslSeesBadCertificate) {
  if (!IsInstalled("openssl")) GTEST_SKIP() << "openssl is not installed";
  const OwnedFd listener = ListenOnLoopback();
  StartServerFor({"/usr/bin/openssl", "s_client", "-connect", "127.0.0.1:" + PortOf(listener.get()),
                  "-cert", certificate_path_, "-key", key_path_, openssl_version()},
                 listener.get());
  stream_->SetRemoteFingerprints(FingerprintSet({identity_->fingerprint()}));
  EXPECT_FALSE(RunHandshake().ok());
  EXPECT_EQ(stream_->failure(), TlsFailure::kFingerprintMismatch);
  stream_.reset();
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  while (Output().find("SSL alert number 42") == std::string::npos && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_NE(Output().find("SSL alert number 42"), std::string::npos) << Output();
}

TEST_P(ForeignPeerTest, R_TLS_03_ARenegotiationOfOpenSslIsRefused) {
  if (!IsInstalled("openssl")) GTEST_SKIP() << "openssl is not installed";
  if (is_tls13()) GTEST_SKIP() << "TLS 1.3 has no renegotiation";
  const OwnedFd listener = ListenOnLoopback();
  StartServerFor({"/usr/bin/openssl", "s_client", "-connect", "127.0.0.1:" + PortOf(listener.get()),
                  "-cert", certificate_path_, "-key", key_path_, openssl_version()},
                 listener.get());
  ASSERT_THAT(RunHandshake(), IsOk());
  client_->Type("R\n");
  ReadUntil("never sent");
  EXPECT_EQ(status_.code(), absl::StatusCode::kDataLoss) << status_;
}

TEST_P(ForeignPeerTest, R_TLS_08_OpenSslAsServerThatDemandsOurCertificate) {
  if (!IsInstalled("openssl")) GTEST_SKIP() << "openssl is not installed";
  // A free port: bound once, and given back.
  const std::string port = PortOf(ListenOnLoopback().get());
  client_ = std::make_unique<Program>(
      std::vector<std::string>{"/usr/bin/openssl", "s_server", "-quiet", "-accept",
                               "127.0.0.1:" + port, "-cert", certificate_path_, "-key", key_path_,
                               "-Verify", "1", openssl_version()},
      output_path_);
  const auto remote = *common::TransportAddress::Parse("127.0.0.1:" + port);
  const absl::Time deadline = absl::Now() + absl::Seconds(10);
  OwnedFd fd;
  for (;;) {
    fd = *BindTcp(*common::TransportAddress::Parse("127.0.0.1:0"));
    if (StartConnect(fd.get(), remote).ok()) {
      WaitFor(fd.get(), POLLOUT);
      if (TakeSocketError(fd.get()).ok()) break;
    }
    ASSERT_LT(absl::Now(), deadline);
    absl::SleepFor(absl::Milliseconds(5));
  }
  stream_ = TlsStream::Client(profile_, identity_, std::move(fd));
  ASSERT_THAT(RunHandshake(), IsOk()) << Output();
  ASSERT_THAT(stream_->Write(absl::MakeConstSpan("from the gateway\n", 17)), IsOk());
  client_->Type("from the server\n");
  EXPECT_EQ(ReadUntil("\n"), "from the server\n");
  while (Output().find("from the gateway\n") == std::string::npos && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(5));
  }
  EXPECT_NE(Output().find("from the gateway\n"), std::string::npos) << Output();
}

}  // namespace
}  // namespace agw
