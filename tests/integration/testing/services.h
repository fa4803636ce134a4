// Both services in this process, on addresses of their own, and clients for them.

#ifndef TESTS_INTEGRATION_TESTING_SERVICES_H_
#define TESTS_INTEGRATION_TESTING_SERVICES_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agw-service/server.h"
#include "alg-service/server.h"
#include "common/grpc_status.h"
#include "common/ip_address.h"
#include "google/protobuf/duration.pb.h"
#include "grpcpp/grpcpp.h"
#include "ims/alg/v1/session_service.grpc.pb.h"
#include "ims/config/v1/agw_config.pb.h"
#include "ims/config/v1/alg_config.pb.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"
#include "tests/peers/notification_watcher.h"
#include "tests/peers/socket.h"

namespace integration {

enum class Family { kIpv4, kIpv6 };

// Who is where. The IPv4 addresses belong to this process alone, so that tests can run side by
// side; on IPv6 everybody is ::1 and the ports of the realms are this process's own.
struct Addresses {
  common::IpAddress access;     // The IMS-AGW towards UEs,
  common::IpAddress core;       // and towards the core.
  common::IpAddress phone;      // UE B.
  common::IpAddress core_peer;  // A.
  common::IpAddress stranger;   // On IPv6 the same as the phone.
};
Addresses AddressesOf(Family family);

// Small realms on those addresses, ports of no fixed number for gRPC and HTTP, one worker, no
// quarantine.
ims::config::v1::AgwConfig SmallAgwConfig();

// Starts an IMS-ALG with this configuration, as its file would be read.
absl::StatusOr<std::unique_ptr<alg::Server>> StartAlg(ims::config::v1::AlgConfig config);

google::protobuf::Duration ToProto(absl::Duration duration);
ims::iq::v1::TransportAddress ToProto(const common::TransportAddress& address);
std::string ToText(const ims::iq::v1::TransportAddress& address);

// Thread-safe once constructed.
class Services {
 public:
  // Ends the process if one of them does not start.
  explicit Services(ims::config::v1::AgwConfig agw_config = SmallAgwConfig(),
                    ims::config::v1::AlgConfig alg_config = {});
  ~Services();

  agw::Server& agw_server() { return *agw_server_; }
  int agw_http_port() const { return agw_server_->http_port(); }
  int alg_http_port() const { return alg_server_->http_port(); }
  const std::shared_ptr<grpc::Channel>& agw_channel() const { return agw_channel_; }
  const std::shared_ptr<grpc::Channel>& alg_channel() const { return alg_channel_; }
  ims::iq::v1::MediaGatewayService::Stub& iq() { return *iq_; }
  ims::alg::v1::SessionService::Stub& alg() { return *alg_; }
  peers::NotificationWatcher& notifications() { return *notifications_; }

  // For tests that measure memory: `notifications()` is not to be used afterwards.
  void StopWatching() { notifications_.reset(); }

  ims::iq::v1::GatewayStatus AgwStatus();

  // Ports that are leased or rest, of all realms.
  uint32_t PortsInUse();

  // True once the IMS-AGW has no context and no port in use any more.
  bool WaitUntilIdle(absl::Duration timeout = peers::kPatience);

 private:
  std::unique_ptr<agw::Server> agw_server_;
  std::unique_ptr<alg::Server> alg_server_;
  std::shared_ptr<grpc::Channel> agw_channel_;
  std::shared_ptr<grpc::Channel> alg_channel_;
  std::unique_ptr<ims::iq::v1::MediaGatewayService::Stub> iq_;
  std::unique_ptr<ims::alg::v1::SessionService::Stub> alg_;
  std::unique_ptr<peers::NotificationWatcher> notifications_;
};

// Calls a method of a stub with a deadline.
template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request, absl::Duration timeout = peers::kPatience) {
  grpc::ClientContext call;
  call.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  Response response;
  const absl::Status status = common::FromGrpcStatus((stub.*method)(&call, request, &response));
  if (!status.ok()) return status;
  return response;
}

// Waits until `condition` holds. For what nobody reports; looks every few milliseconds.
template <typename Condition>
bool Eventually(Condition condition, absl::Duration timeout = peers::kPatience) {
  const absl::Time deadline = absl::Now() + timeout;
  while (!condition()) {
    if (absl::Now() > deadline) return false;
    absl::SleepFor(absl::Milliseconds(5));
  }
  return true;
}

}  // namespace integration

#endif  // TESTS_INTEGRATION_TESTING_SERVICES_H_
