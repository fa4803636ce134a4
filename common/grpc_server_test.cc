#include "common/grpc_server.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/testing/generic_call.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/create_channel.h"
#include "gtest/gtest.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"

namespace common {
namespace {

using ims::iq::v1::MediaGatewayService;

constexpr char kReflectionMethod[] =
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

// grpc.health.v1.HealthCheckResponse.
constexpr char kServing[] = "\x08\x01";
constexpr char kNotServing[] = "\x08\x02";

ims::config::v1::GrpcServer Config() {
  ims::config::v1::GrpcServer config;
  config.set_listen_address("127.0.0.1:0");
  return config;
}

std::shared_ptr<grpc::Channel> ChannelTo(const GrpcServer& server) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", server.port()),
                                   grpc::InsecureChannelCredentials(), arguments);
}

TEST(GrpcServer, TellsThePortItTook) {
  ASSERT_OK_AND_ASSIGN(const auto server, GrpcServer::Start(Config(), {}));
  EXPECT_GT(server->port(), 0);
  EXPECT_THAT(CallMethod(ChannelTo(*server), kHealthCheckMethod, ""), IsOkAndHolds(kServing));
}

TEST(GrpcServer, RefusesAPortInUse) {
  ASSERT_OK_AND_ASSIGN(const auto server, GrpcServer::Start(Config(), {}));
  ims::config::v1::GrpcServer config;
  config.set_listen_address(absl::StrCat("127.0.0.1:", server->port()));
  EXPECT_THAT(GrpcServer::Start(config, {}), StatusIs(absl::StatusCode::kUnavailable,
                                                      testing::HasSubstr(config.listen_address())));
}

TEST(GrpcServer, RefusesABadConfiguration) {
  ims::config::v1::GrpcServer config;
  config.set_listen_address("0.0.0.0:0");
  EXPECT_THAT(GrpcServer::Start(config, {}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(GrpcServer, AnswersHealthChecks) {
  MediaGatewayService::Service service;
  ASSERT_OK_AND_ASSIGN(
      const auto server,
      GrpcServer::Start(Config(), {{MediaGatewayService::service_full_name(), &service}}));
  const std::shared_ptr<grpc::Channel> channel = ChannelTo(*server);
  // grpc.health.v1.HealthCheckRequest with the service's name.
  const std::string name = MediaGatewayService::service_full_name();
  const std::string example =
      absl::StrCat("\x0a", std::string(1, static_cast<char>(name.size())), name);
  EXPECT_THAT(CallMethod(channel, kHealthCheckMethod, ""), IsOkAndHolds(kServing));
  EXPECT_THAT(CallMethod(channel, kHealthCheckMethod, example), IsOkAndHolds(kServing));
  EXPECT_THAT(CallMethod(channel, kHealthCheckMethod, "\x0a\x05other"),
              StatusIs(absl::StatusCode::kNotFound));

  server->SetServing(false);
  EXPECT_THAT(CallMethod(channel, kHealthCheckMethod, ""), IsOkAndHolds(kNotServing));
  EXPECT_THAT(CallMethod(channel, kHealthCheckMethod, example), IsOkAndHolds(kNotServing));

  server->SetServing(true);
  EXPECT_THAT(CallMethod(channel, kHealthCheckMethod, example), IsOkAndHolds(kServing));
}

TEST(GrpcServer, HasReflectionUnlessSwitchedOff) {
  // An empty ServerReflectionRequest gets a response that says so; what matters is that there is
  // one.
  ASSERT_OK_AND_ASSIGN(const auto server, GrpcServer::Start(Config(), {}));
  EXPECT_THAT(CallMethod(ChannelTo(*server), kReflectionMethod, ""), IsOk());

  ims::config::v1::GrpcServer config = Config();
  config.set_reflection(ims::config::v1::SWITCH_OFF);
  MediaGatewayService::Service service;
  ASSERT_OK_AND_ASSIGN(
      const auto without,
      GrpcServer::Start(config, {{MediaGatewayService::service_full_name(), &service}}));
  EXPECT_THAT(CallMethod(ChannelTo(*without), kReflectionMethod, ""),
              StatusIs(absl::StatusCode::kUnimplemented));
}

TEST(GrpcServer, LimitsTheSizeOfRequests) {
  GrpcServerOptions options;
  options.request_size_limit = 100;
  ASSERT_OK_AND_ASSIGN(const auto server, GrpcServer::Start(Config(), {}, options));
  // Field 1 with 101 octets.
  const std::string request = "\x0a\x65" + std::string(101, 'x');
  EXPECT_THAT(CallMethod(ChannelTo(*server), kHealthCheckMethod, request),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(GrpcServer, TakesNoCallsAfterShutdown) {
  ASSERT_OK_AND_ASSIGN(const auto server, GrpcServer::Start(Config(), {}));
  const std::shared_ptr<grpc::Channel> channel = ChannelTo(*server);
  EXPECT_THAT(CallMethod(channel, kHealthCheckMethod, ""), IsOk());
  server->Shutdown(absl::Seconds(5));
  EXPECT_THAT(CallMethod(channel, kHealthCheckMethod, "", /*fail_fast=*/true),
              StatusIs(absl::StatusCode::kUnavailable));
  server->Shutdown(absl::ZeroDuration());
}

}  // namespace
}  // namespace common
