#include "tests/integration/testing/services.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

#include "absl/strings/str_cat.h"
#include "alg-service/config.h"
#include "common/check.h"
#include "common/config_file.h"
#include "common/status_macros.h"

namespace integration {
namespace {

// A number this process has to itself, nearly always: bazel runs a few tests at once.
uint32_t Slot() { return static_cast<uint32_t>(getpid()) % 60'000; }

common::IpAddress Local(int last) {
  const auto second = static_cast<uint8_t>(1 + Slot() / 250);
  const auto third = static_cast<uint8_t>(1 + Slot() % 250);
  return common::IpAddress::FromBytes(
      std::initializer_list<uint8_t>{127, second, third, static_cast<uint8_t>(last)});
}

template <typename T>
T Started(absl::StatusOr<T> server) {
  if (!server.ok()) std::fprintf(stderr, "%s\n", server.status().ToString().c_str());
  CHECK(server.ok());
  return *std::move(server);
}

}  // namespace

Addresses AddressesOf(Family family) {
  if (family == Family::kIpv6) {
    const common::IpAddress loopback = peers::At("[::1]:0").ip;
    return {loopback, loopback, loopback, loopback, loopback};
  }
  return {Local(10), Local(20), Local(30), Local(40), Local(50)};
}

ims::config::v1::AgwConfig SmallAgwConfig() {
  ims::config::v1::AgwConfig config;
  config.set_instance_id("agw-under-test");
  config.mutable_iq()->set_listen_address("127.0.0.1:0");
  config.mutable_http()->set_listen_address("127.0.0.1:0");
  config.set_worker_count(1);
  // Below the ports the kernel gives to clients; on ::1 the two realms share the address.
  const uint32_t first_port = 12'000 + Slot() % 200 * 100;
  const Addresses ipv4 = AddressesOf(Family::kIpv4);
  for (const bool access : {true, false}) {
    ims::config::v1::RealmConfig* realm = config.add_realms();
    realm->set_name(access ? "access" : "core");
    realm->add_default_for(access ? "access" : "core");
    realm->add_addresses()->set_bind((access ? ipv4.access : ipv4.core).ToString());
    if (peers::HasIpv6Loopback()) realm->add_addresses()->set_bind("::1");
    realm->set_first_port(first_port + (access ? 0 : 50));
    realm->set_last_port(realm->first_port() + 49);
    realm->mutable_port_quarantine()->set_nanos(1'000'000);
  }
  return config;
}

absl::StatusOr<std::unique_ptr<alg::Server>> StartAlg(ims::config::v1::AlgConfig config) {
  alg::SetDefaults(&config);
  common::ConfigErrors errors;
  alg::Validate(config, &errors);
  RETURN_IF_ERROR(errors.ToStatus("alg"));
  return alg::Server::Start(config);
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration result;
  result.set_seconds(absl::ToInt64Seconds(duration));
  result.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(result.seconds()))));
  return result;
}

ims::iq::v1::TransportAddress ToProto(const common::TransportAddress& address) {
  ims::iq::v1::TransportAddress result;
  result.set_ip_address(address.ip.ToString());
  result.set_port(address.port);
  return result;
}

std::string ToText(const ims::iq::v1::TransportAddress& address) {
  const absl::StatusOr<common::IpAddress> ip = common::IpAddress::Parse(address.ip_address());
  CHECK(ip.ok());
  return common::TransportAddress{.ip = *ip, .port = static_cast<uint16_t>(address.port())}
      .ToString();
}

Services::Services(ims::config::v1::AgwConfig agw_config, ims::config::v1::AlgConfig alg_config)
    : agw_server_(Started(agw::Server::Start(agw_config))) {
  const std::string iq_address = absl::StrCat("127.0.0.1:", agw_server_->iq_port());
  alg_config.mutable_api()->set_listen_address("127.0.0.1:0");
  alg_config.mutable_http()->set_listen_address("127.0.0.1:0");
  alg_config.mutable_gateways()->add_targets(iq_address);
  alg_server_ = Started(StartAlg(alg_config));
  CHECK(alg_server_->WaitUntilReady(peers::kPatience));
  agw_channel_ = grpc::CreateChannel(iq_address, grpc::InsecureChannelCredentials());
  alg_channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", alg_server_->api_port()),
                                     grpc::InsecureChannelCredentials());
  iq_ = ims::iq::v1::MediaGatewayService::NewStub(agw_channel_);
  alg_ = ims::alg::v1::SessionService::NewStub(alg_channel_);
  notifications_ = std::make_unique<peers::NotificationWatcher>(agw_channel_);
}

Services::~Services() {
  notifications_.reset();
  alg_server_.reset();
  agw_server_.reset();
}

ims::iq::v1::GatewayStatus Services::AgwStatus() {
  absl::StatusOr<ims::iq::v1::GetStatusResponse> response = Call(
      *iq_, &ims::iq::v1::MediaGatewayService::Stub::GetStatus, ims::iq::v1::GetStatusRequest());
  CHECK(response.ok());
  return response->status();
}

uint32_t Services::PortsInUse() {
  uint32_t ports = 0;
  const ims::iq::v1::GatewayStatus status = AgwStatus();
  for (const ims::iq::v1::Realm& realm : status.realms()) ports += realm.ports_in_use();
  return ports;
}

bool Services::WaitUntilIdle(absl::Duration timeout) {
  return Eventually([this] { return AgwStatus().context_count() == 0 && PortsInUse() == 0; },
                    timeout);
}

}  // namespace integration
