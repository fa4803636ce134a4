// The control hops: mutual TLS from network function to IMS-ALG and from IMS-ALG to IMS-AGW, and
// what happens without it.

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/testing/status_matchers.h"
#include "google/protobuf/empty.pb.h"
#include "google/protobuf/wrappers.pb.h"
#include "grpcpp/impl/codegen/client_unary_call.h"
#include "gtest/gtest.h"
#include "tests/integration/testing/services.h"
#include "tests/peers/certificate.h"
#include "tests/peers/sdp.h"

namespace integration {
namespace {

namespace alg = ims::alg::v1;
namespace iq = ims::iq::v1;
using common::IsOk;
using common::StatusIs;
using ims::config::v1::AgwConfig;
using ims::config::v1::AlgConfig;
using ims::config::v1::MutualTls;
using peers::Certificate;

std::string WriteFile(const std::string& name, const std::string& content) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = absl::StrCat(folder != nullptr ? folder : "/tmp", "/", name);
  std::ofstream(path) << content;
  return path;
}

// An operator's own authority and what it gave to each part.
class SecurityTest : public testing::Test {
 protected:
  void Fill(const Certificate& certificate, const std::string& name, MutualTls* tls) {
    tls->set_certificate_file(WriteFile(name + ".crt", certificate.certificate_pem()));
    tls->set_key_file(WriteFile(name + ".key", certificate.key_pem()));
    tls->set_ca_file(WriteFile("ca.crt", authority_.certificate_pem()));
  }

  AgwConfig SecureAgw() {
    AgwConfig config = SmallAgwConfig();
    MutualTls* tls = config.mutable_iq()->mutable_tls();
    Fill(authority_.Issue({"agw.test", "127.0.0.1"}), "agw", tls);
    tls->add_allowed_client_names("alg.test");
    return config;
  }

  AlgConfig SecureAlg(int iq_port) {
    AlgConfig config;
    config.mutable_api()->set_listen_address("127.0.0.1:0");
    config.mutable_http()->set_listen_address("127.0.0.1:0");
    Fill(authority_.Issue({"alg.test", "127.0.0.1"}), "alg", config.mutable_api()->mutable_tls());
    Fill(authority_.Issue({"alg.test"}), "alg-client", config.mutable_gateways()->mutable_tls());
    config.mutable_gateways()->mutable_tls()->set_server_name("agw.test");
    config.mutable_gateways()->add_targets(absl::StrCat("127.0.0.1:", iq_port));
    *config.mutable_gateways()->mutable_call_timeout() = ToProto(absl::Seconds(2));
    return config;
  }

  std::shared_ptr<grpc::Channel> Open(int port, const Certificate& authority,
                                      const Certificate& client, const std::string& server_name) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = authority.certificate_pem();
    options.pem_cert_chain = client.certificate_pem();
    options.pem_private_key = client.key_pem();
    grpc::ChannelArguments arguments;
    arguments.SetSslTargetNameOverride(server_name);
    return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port),
                                     grpc::SslCredentials(options), arguments);
  }

  absl::Status GetStatus(const std::shared_ptr<grpc::Channel>& channel) {
    auto stub = iq::MediaGatewayService::NewStub(channel);
    return Call(*stub, &iq::MediaGatewayService::Stub::GetStatus, iq::GetStatusRequest(),
                absl::Seconds(10))
        .status();
  }

  absl::Status Offer(const std::shared_ptr<grpc::Channel>& channel) {
    auto stub = alg::SessionService::NewStub(channel);
    alg::ProcessOfferRequest request;
    request.set_request_id("offer");
    request.set_direction(alg::DIRECTION_TERMINATING);
    request.set_sdp(peers::MakeOffer({.address = peers::At("127.0.0.40:2855"),
                                      .path = "msrp://127.0.0.40:2855/a;tcp",
                                      .setup = "actpass"}));
    request.mutable_e2ae_support()->mutable_indications()->set_ue(true);
    request.mutable_e2ae_support()->mutable_indications()->set_p_cscf(true);
    return Call(*stub, &alg::SessionService::Stub::ProcessOffer, request, absl::Seconds(10))
        .status();
  }

  const Certificate authority_ = Certificate::Authority();
  const Certificate other_authority_ = Certificate::Authority();
};

TEST_F(SecurityTest, RightCertificatesOnBothHopsWork) {
  ASSERT_OK_AND_ASSIGN(auto agw_server, ::agw::Server::Start(SecureAgw()));
  ASSERT_OK_AND_ASSIGN(auto alg_server, StartAlg(SecureAlg(agw_server->iq_port())));
  ASSERT_TRUE(alg_server->WaitUntilReady(peers::kPatience));
  EXPECT_THAT(Offer(Open(alg_server->api_port(), authority_, authority_.Issue({"p-cscf.test"}),
                         "alg.test")),
              IsOk());
}

TEST_F(SecurityTest, ClientOfAnotherAuthorityIsRefused) {
  ASSERT_OK_AND_ASSIGN(auto agw_server, ::agw::Server::Start(SecureAgw()));
  EXPECT_THAT(GetStatus(Open(agw_server->iq_port(), authority_,
                             other_authority_.Issue({"alg.test"}), "agw.test")),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SecurityTest, ClientWithoutCertificateIsRefused) {
  ASSERT_OK_AND_ASSIGN(auto agw_server, ::agw::Server::Start(SecureAgw()));
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = authority_.certificate_pem();
  grpc::ChannelArguments arguments;
  arguments.SetSslTargetNameOverride("agw.test");
  EXPECT_THAT(GetStatus(grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", agw_server->iq_port()),
                                                  grpc::SslCredentials(options), arguments)),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SecurityTest, ClientWithAnotherNameIsRefused) {
  ASSERT_OK_AND_ASSIGN(auto agw_server, ::agw::Server::Start(SecureAgw()));
  EXPECT_THAT(GetStatus(Open(agw_server->iq_port(), authority_, authority_.Issue({"billing.test"}),
                             "agw.test")),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(GetStatus(Open(agw_server->iq_port(), authority_,
                             authority_.Issue({"billing.test", "alg.test"}), "agw.test")),
              IsOk());
}

TEST_F(SecurityTest, PlaintextClientIsRefused) {
  ASSERT_OK_AND_ASSIGN(auto agw_server, ::agw::Server::Start(SecureAgw()));
  EXPECT_THAT(GetStatus(grpc::CreateChannel(absl::StrCat("127.0.0.1:", agw_server->iq_port()),
                                            grpc::InsecureChannelCredentials())),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SecurityTest, AlgRefusesAGatewayOfAnotherNameOrAuthority) {
  ASSERT_OK_AND_ASSIGN(auto agw_server, ::agw::Server::Start(SecureAgw()));
  const Certificate p_cscf = authority_.Issue({"p-cscf.test"});
  AlgConfig other_name = SecureAlg(agw_server->iq_port());
  other_name.mutable_gateways()->mutable_tls()->set_server_name("other-agw.test");
  {
    ASSERT_OK_AND_ASSIGN(auto alg_server, StartAlg(other_name));
    EXPECT_THAT(Offer(Open(alg_server->api_port(), authority_, p_cscf, "alg.test")),
                StatusIs(absl::StatusCode::kUnavailable));
  }
  AlgConfig other_ca = SecureAlg(agw_server->iq_port());
  other_ca.mutable_gateways()->mutable_tls()->set_ca_file(
      WriteFile("other-ca.crt", other_authority_.certificate_pem()));
  ASSERT_OK_AND_ASSIGN(auto alg_server, StartAlg(other_ca));
  EXPECT_THAT(Offer(Open(alg_server->api_port(), authority_, p_cscf, "alg.test")),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(SecurityTest, PlaintextBeyondLoopbackNeedsToBeAskedForInAsManyWords) {
  AgwConfig agw_config = SmallAgwConfig();
  agw_config.mutable_iq()->set_listen_address("0.0.0.0:0");
  EXPECT_FALSE(::agw::Server::Start(agw_config).ok());
  agw_config.mutable_iq()->set_allow_plaintext_beyond_loopback(true);
  EXPECT_THAT(::agw::Server::Start(agw_config), IsOk());

  AlgConfig alg_config;
  alg_config.mutable_http()->set_listen_address("127.0.0.1:0");
  alg_config.mutable_api()->set_listen_address("[::]:0");
  EXPECT_FALSE(StartAlg(alg_config).ok());
}

// The messages of gRPC's health and reflection services, by their field numbers.
TEST(ServiceBasics, HealthAndReflectionAnswerOnBothServices) {
  Services services;
  for (const auto& [channel, service] :
       {std::make_pair(services.agw_channel(), "ims.iq.v1.MediaGatewayService"),
        std::make_pair(services.alg_channel(), "ims.alg.v1.SessionService")}) {
    grpc::ClientContext health_call;
    google::protobuf::StringValue health_request;  // HealthCheckRequest.service = 1
    google::protobuf::Int32Value health_response;  // HealthCheckResponse.status = 1
    ASSERT_TRUE((grpc::internal::BlockingUnaryCall<google::protobuf::StringValue,
                                                   google::protobuf::Int32Value>(
                     channel.get(),
                     grpc::internal::RpcMethod("/grpc.health.v1.Health/Check",
                                               grpc::internal::RpcMethod::NORMAL_RPC),
                     &health_call, health_request, &health_response))
                    .ok());
    EXPECT_EQ(health_response.value(), 1);  // SERVING

    google::protobuf::Empty request;  // ServerReflectionRequest.list_services = 7
    request.GetReflection()->MutableUnknownFields(&request)->AddLengthDelimited(7, "*");
    grpc::ClientContext call;
    std::unique_ptr<grpc::ClientReaderWriter<google::protobuf::Empty, google::protobuf::Empty>>
        stream(
            grpc::internal::
                ClientReaderWriterFactory<google::protobuf::Empty, google::protobuf::Empty>::Create(
                    channel.get(),
                    grpc::internal::RpcMethod(
                        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
                        grpc::internal::RpcMethod::BIDI_STREAMING),
                    &call));
    ASSERT_TRUE(stream->Write(request));
    google::protobuf::Empty response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_TRUE(absl::StrContains(response.SerializeAsString(), service)) << service;
    stream->WritesDone();
    EXPECT_FALSE(stream->Read(&response));
    EXPECT_TRUE(stream->Finish().ok());
  }
}

}  // namespace
}  // namespace integration
