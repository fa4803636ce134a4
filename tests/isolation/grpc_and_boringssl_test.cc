// A gRPC call over mutual TLS and a BoringSSL handshake of TLS 1.3, with certificates on both ends,
// in one process: what crashes if the two libraries meet (third_party/grpc/README.md).

#include <chrono>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/check.h"
#include "common/grpc_security.h"
#include "common/grpc_server.h"
#include "common/testing/generic_call.h"
#include "common/testing/status_matchers.h"
#include "common/testing/test_certificates.h"
#include "gmock/gmock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "gtest/gtest.h"
#include "openssl/crypto.h"
#include "openssl/ssl.h"
#include "openssl/x509v3.h"

namespace {

using common::ChannelSecurity;
using common::IsOk;
using common::MakeServerCredentials;
using common::TestAuthority;
using ims::config::v1::MutualTls;

// Answers every call with nothing, and notes who called.
class IdentityService : public grpc::CallbackGenericService {
 public:
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    is_authenticated_ = context->auth_context()->IsPeerAuthenticated();
    is_alg_ = common::PeerHasAnyName(*context->auth_context(), {"alg.example"});
    is_other_ = common::PeerHasAnyName(*context->auth_context(), {"agw.example"});
    return new Reactor;
  }

  bool is_authenticated_ = false;
  bool is_alg_ = false;
  bool is_other_ = false;

 private:
  class Reactor : public grpc::ServerGenericBidiReactor {
   public:
    Reactor() { StartRead(&request_); }
    void OnReadDone(bool) override {
      StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    }
    void OnDone() override { delete this; }

   private:
    const grpc::Slice slice_{"response"};
    grpc::ByteBuffer request_;
    grpc::ByteBuffer response_{&slice_, 1};
  };
};

class IsolationTest : public testing::Test {
 protected:
  // One call; the server sees who the client is.
  void CallOverGrpc() {
    ims::config::v1::GrpcServer config;
    config.set_listen_address("127.0.0.1:0");
    *config.mutable_tls() = server_tls_;
    ASSERT_OK_AND_ASSIGN(const auto server_credentials, MakeServerCredentials(config, [] {}));
    IdentityService service;
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(config.listen_address(), server_credentials, &port);
    builder.RegisterCallbackGenericService(&service);
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    ASSERT_NE(server, nullptr);

    const std::string target = absl::StrCat("127.0.0.1:", port);
    ASSERT_OK_AND_ASSIGN(const ChannelSecurity security,
                         ChannelSecurity::Make(&client_tls_, false));
    ASSERT_OK_AND_ASSIGN(const auto channel, security.NewChannel("127.0.0.1", target));
    EXPECT_THAT(common::CallMethod(channel, "/ims.test.v1.Example/Call", "request"),
                common::IsOkAndHolds("response"));
    server->Shutdown(std::chrono::system_clock::now());
    EXPECT_TRUE(service.is_authenticated_);
    EXPECT_TRUE(service.is_alg_);
    EXPECT_FALSE(service.is_other_);
  }

  // One handshake between two ends in memory.
  void HandshakeWithBoringSsl() {
    const bssl::UniquePtr<SSL_CTX> server_context = MakeContext(server_tls_);
    const bssl::UniquePtr<SSL_CTX> client_context = MakeContext(client_tls_);
    const bssl::UniquePtr<SSL> server(SSL_new(server_context.get()));
    const bssl::UniquePtr<SSL> client(SSL_new(client_context.get()));
    SSL_set_accept_state(server.get());
    SSL_set_connect_state(client.get());
    BIO* server_end = nullptr;
    BIO* client_end = nullptr;
    ASSERT_EQ(BIO_new_bio_pair(&server_end, 0, &client_end, 0), 1);
    SSL_set_bio(server.get(), server_end, server_end);
    SSL_set_bio(client.get(), client_end, client_end);

    bool done = false;
    for (int turn = 0; turn < 20 && !done; ++turn) {
      const int client_result = SSL_do_handshake(client.get());
      const int server_result = SSL_do_handshake(server.get());
      done = client_result == 1 && server_result == 1;
    }
    ASSERT_TRUE(done);
    EXPECT_EQ(SSL_version(server.get()), TLS1_3_VERSION);
    EXPECT_EQ(SSL_get_verify_result(server.get()), X509_V_OK);
    EXPECT_EQ(SSL_get_verify_result(client.get()), X509_V_OK);
    const bssl::UniquePtr<X509> peer(SSL_get_peer_certificate(server.get()));
    ASSERT_NE(peer, nullptr);
    EXPECT_EQ(X509_check_host(peer.get(), "alg.example", 11, 0, nullptr), 1);
  }

 private:
  static bssl::UniquePtr<SSL_CTX> MakeContext(const MutualTls& tls) {
    bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    CHECK(SSL_CTX_use_certificate_chain_file(context.get(), tls.certificate_file().c_str()) == 1);
    CHECK(SSL_CTX_use_PrivateKey_file(context.get(), tls.key_file().c_str(), SSL_FILETYPE_PEM) ==
          1);
    CHECK(SSL_CTX_load_verify_locations(context.get(), tls.ca_file().c_str(), nullptr) == 1);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return context;
  }

  TestAuthority authority_{testing::TempDir(), "ca"};
  MutualTls server_tls_ = authority_.Issue("server", {"IP:127.0.0.1", "DNS:agw.example"});
  MutualTls client_tls_ = authority_.Issue("client", {"DNS:alg.example"});
};

TEST_F(IsolationTest, BothLibrariesWorkInOneProcess) {
  CallOverGrpc();
  HandshakeWithBoringSsl();
  CallOverGrpc();
}

TEST_F(IsolationTest, BothLibrariesWorkInTheOtherOrder) {
  HandshakeWithBoringSsl();
  CallOverGrpc();
  HandshakeWithBoringSsl();
}

TEST(Isolation, OurCodeCallsBoringSsl) {
  EXPECT_STREQ(OpenSSL_version(OPENSSL_VERSION), "BoringSSL");
}

}  // namespace
