#include "common/grpc_security.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/grpc_server.h"
#include "common/testing/generic_call.h"
#include "common/testing/status_matchers.h"
#include "common/testing/test_certificates.h"
#include "gmock/gmock.h"
#include "grpcpp/channel.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using ims::config::v1::MutualTls;
using testing::AllOf;
using testing::HasSubstr;

// A server on loopback and clients for it, with one authority for all certificates.
class GrpcSecurityTest : public testing::Test {
 protected:
  std::unique_ptr<GrpcServer> StartServer(const MutualTls& tls,
                                          const GrpcServerOptions& options = {}) {
    ims::config::v1::GrpcServer config;
    config.set_listen_address("127.0.0.1:0");
    *config.mutable_tls() = tls;
    absl::StatusOr<std::unique_ptr<GrpcServer>> server = GrpcServer::Start(config, {}, options);
    EXPECT_THAT(server, IsOk());
    return *std::move(server);
  }

  static absl::Status Call(const GrpcServer& server, const MutualTls* tls) {
    const std::string target = absl::StrCat("127.0.0.1:", server.port());
    absl::StatusOr<ChannelSecurity> security = ChannelSecurity::Make(tls, false);
    if (!security.ok()) return security.status();
    grpc::ChannelArguments arguments;
    // Or the channels of a test would share one connection.
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    absl::StatusOr<std::shared_ptr<grpc::Channel>> channel =
        security->NewChannel("127.0.0.1", target, arguments);
    if (!channel.ok()) return channel.status();
    return CallMethod(*channel, kHealthCheckMethod, "", /*fail_fast=*/true).status();
  }

  const std::string directory_ = testing::TempDir();
  TestAuthority authority_{directory_, "ca"};
  MutualTls server_tls_ = authority_.Issue("server", {"IP:127.0.0.1", "DNS:agw.example"});
  MutualTls client_tls_ =
      authority_.Issue("client", {"DNS:alg.example", "URI:spiffe://example/alg"});
};

TEST_F(GrpcSecurityTest, ServesClientsWithACertificateOfTheAuthority) {
  const std::unique_ptr<GrpcServer> server = StartServer(server_tls_);
  EXPECT_THAT(Call(*server, &client_tls_), IsOk());
}

TEST_F(GrpcSecurityTest, RefusesClientsWithoutOne) {
  const std::unique_ptr<GrpcServer> server = StartServer(server_tls_);
  EXPECT_THAT(Call(*server, nullptr), StatusIs(absl::StatusCode::kUnavailable));

  TestAuthority stranger(directory_, "stranger-ca");
  MutualTls tls = stranger.Issue("stranger", {"DNS:alg.example"});
  tls.set_ca_file(authority_.ca_file());
  EXPECT_THAT(Call(*server, &tls), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(GrpcSecurityTest, RefusesAServerOfAnotherAuthority) {
  const std::unique_ptr<GrpcServer> server = StartServer(server_tls_);
  TestAuthority other(directory_, "other-ca");
  MutualTls tls = client_tls_;
  tls.set_ca_file(other.ca_file());
  EXPECT_THAT(Call(*server, &tls), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(GrpcSecurityTest, ChecksTheNameOfTheServer) {
  const std::unique_ptr<GrpcServer> server = StartServer(server_tls_);
  MutualTls tls = client_tls_;
  tls.set_server_name("agw.example");
  EXPECT_THAT(Call(*server, &tls), IsOk());
  tls.set_server_name("other.example");
  EXPECT_THAT(Call(*server, &tls), StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(GrpcSecurityTest, DeniesCallsOfClientsWithoutAnAllowedName) {
  server_tls_.add_allowed_client_names("pcscf.example");
  std::atomic<int> refused_count{0};
  GrpcServerOptions options;
  options.client_refused = [&refused_count] { ++refused_count; };
  const std::unique_ptr<GrpcServer> server = StartServer(server_tls_, options);
  EXPECT_THAT(Call(*server, &client_tls_), StatusIs(absl::StatusCode::kPermissionDenied));
  MutualTls nameless = authority_.Issue("nameless", {});
  EXPECT_THAT(Call(*server, &nameless), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(refused_count, 2);
}

TEST_F(GrpcSecurityTest, TakesADnsNameOrAUriAsAllowedName) {
  for (const char* name : {"alg.example", "spiffe://example/alg"}) {
    MutualTls tls = server_tls_;
    tls.add_allowed_client_names("pcscf.example");
    tls.add_allowed_client_names(name);
    const std::unique_ptr<GrpcServer> server = StartServer(tls);
    EXPECT_THAT(Call(*server, &client_tls_), IsOk()) << name;
  }
}

TEST_F(GrpcSecurityTest, NoticesANewCertificate) {
  const std::unique_ptr<GrpcServer> server = StartServer(server_tls_);
  MutualTls tls = client_tls_;
  tls.set_server_name("new.example");
  EXPECT_THAT(Call(*server, &tls), StatusIs(absl::StatusCode::kUnavailable));

  authority_.Issue("server", {"DNS:new.example"});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  absl::Status status;
  do {
    status = Call(*server, &tls);
  } while (!status.ok() && std::chrono::steady_clock::now() < deadline);
  EXPECT_THAT(status, IsOk());
}

TEST_F(GrpcSecurityTest, NamesTheFileThatCannotBeUsed) {
  const std::string garbage = absl::StrCat(directory_, "/garbage.pem");
  std::ofstream(garbage) << "not PEM\n";
  const std::string absent = absl::StrCat(directory_, "/absent.pem");
  const MutualTls other = authority_.Issue("other", {});

  const auto error = [this](auto change) {
    ims::config::v1::GrpcServer config;
    config.set_listen_address("127.0.0.1:0");
    *config.mutable_tls() = server_tls_;
    change(config.mutable_tls());
    const absl::Status server = MakeServerCredentials(config, [] {}).status();
    EXPECT_EQ(ChannelSecurity::Make(&config.tls(), false).status(), server);
    EXPECT_THAT(server, StatusIs(absl::StatusCode::kInvalidArgument));
    return std::string(server.message());
  };
  EXPECT_THAT(error([&](MutualTls* tls) { tls->set_key_file(absent); }),
              AllOf(HasSubstr("key_file"), HasSubstr(absent)));
  EXPECT_THAT(error([&](MutualTls* tls) { tls->set_certificate_file(directory_); }),
              AllOf(HasSubstr("certificate_file"), HasSubstr(directory_)));
  EXPECT_THAT(error([&](MutualTls* tls) { tls->clear_ca_file(); }),
              HasSubstr("ca_file is not set"));
  EXPECT_THAT(error([&](MutualTls* tls) { tls->set_ca_file(garbage); }),
              AllOf(HasSubstr("ca_file"), HasSubstr(garbage)));
  EXPECT_THAT(error([&](MutualTls* tls) { tls->set_certificate_file(garbage); }),
              AllOf(HasSubstr("certificate_file"), HasSubstr(garbage)));
  EXPECT_THAT(error([&](MutualTls* tls) { tls->set_key_file(other.key_file()); }),
              AllOf(HasSubstr(other.key_file()), HasSubstr("certificate and its key")));
}

TEST(GrpcPlaintext, IsForLoopbackUnlessAllowedInAsManyWords) {
  ims::config::v1::GrpcServer config;
  for (const char* address : {"127.0.0.1:7060", "[::1]:7060"}) {
    config.set_listen_address(address);
    EXPECT_THAT(MakeServerCredentials(config, [] {}), IsOk()) << address;
  }
  for (const char* address : {"0.0.0.0:7060", "[::]:7060", "192.0.2.1:7060"}) {
    config.set_listen_address(address);
    EXPECT_THAT(MakeServerCredentials(config, [] {}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr(address), HasSubstr("allow_plaintext_beyond_loopback"))));
  }
  config.set_allow_plaintext_beyond_loopback(true);
  EXPECT_THAT(MakeServerCredentials(config, [] {}), IsOk());
}

TEST(GrpcPlaintext, IsForLoopbackHostsUnlessAllowedInAsManyWords) {
  ASSERT_OK_AND_ASSIGN(const ChannelSecurity strict, ChannelSecurity::Make(nullptr, false));
  ASSERT_OK_AND_ASSIGN(const ChannelSecurity lax, ChannelSecurity::Make(nullptr, true));
  for (const char* host : {"127.0.0.1", "::1", "localhost"}) {
    EXPECT_THAT(strict.CheckHost(host), IsOk()) << host;
  }
  for (const char* host : {"192.0.2.1", "agw", "localhost.example", "127.0.0.1.example"}) {
    const auto is_refused =
        StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("allow_plaintext_beyond_loopback"));
    EXPECT_THAT(strict.CheckHost(host), is_refused) << host;
    EXPECT_THAT(strict.NewChannel(host, "ipv4:127.0.0.1:1").status(), is_refused) << host;
    EXPECT_THAT(lax.CheckHost(host), IsOk()) << host;
  }
}

// The threads that read certificate files again. gRPC gives them a name, of which the system keeps
// 15 characters.
int WatcherCount() {
  int count = 0;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    std::getline(file, name);
    if (absl::StartsWith(name, "FileWatcher")) ++count;
  }
  return count;
}

// Waits until there are so many.
bool AwaitWatcherCount(int count) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (WatcherCount() != count) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

TEST_F(GrpcSecurityTest, AnyNumberOfChannelsHasOneWatcherOfTheFiles) {
  // Those of other tests end on their own.
  ASSERT_TRUE(AwaitWatcherCount(0));
  ASSERT_OK_AND_ASSIGN(const ChannelSecurity security, ChannelSecurity::Make(&client_tls_, false));
  grpc::ChannelArguments arguments;
  // Or each channel would wait for the pause after the last one's attempt to connect.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < 10; ++i) {
    ASSERT_OK_AND_ASSIGN(auto channel,
                         security.NewChannel("agw.example", "ipv4:127.0.0.1:1", arguments));
    // Nobody listens there; but now the channel has all it needs.
    EXPECT_FALSE(CallMethod(channel, kHealthCheckMethod, "", /*fail_fast=*/true).ok());
    channels.push_back(std::move(channel));
  }
  EXPECT_TRUE(AwaitWatcherCount(1));
}

TEST(GrpcListenAddress, IsAnAddressAndAPort) {
  ims::config::v1::GrpcServer config;
  EXPECT_THAT(MakeServerCredentials(config, [] {}), StatusIs(absl::StatusCode::kInvalidArgument));
  config.set_listen_address("localhost:1");
  EXPECT_THAT(MakeServerCredentials(config, [] {}), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace common
