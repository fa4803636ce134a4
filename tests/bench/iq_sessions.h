// Contexts of an IMS-AGW, set up over Iq as an IMS-ALG does for a phone that connects and has a
// certificate.

#ifndef TESTS_BENCH_IQ_SESSIONS_H_
#define TESTS_BENCH_IQ_SESSIONS_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/ip_address.h"
#include "grpcpp/grpcpp.h"
#include "ims/iq/v1/media_gateway_service.grpc.pb.h"
#include "tests/peers/notification_watcher.h"

namespace bench {

// Lives on one thread; the calls are made by several, `kCallsAtOnce` at the same time.
class IqSessions {
 public:
  static constexpr int kCallsAtOnce = 8;

  struct Options {
    std::string iq_address;
    common::IpAddress phone_ip;
    std::string phone_digest;  // SHA-256 of its certificate.
    common::TransportAddress core;

    // "a=path" of both ends, one URI each, where the IMS-AGW is to read MSRP. Else both are empty.
    std::string phone_path = {};
    std::string core_path = {};
  };

  // Watches the notifications too, since every IMS-AGW in operation is watched. `kUnavailable` if
  // nobody answers.
  static absl::StatusOr<std::unique_ptr<IqSessions>> Connect(const Options& options);

  // So many contexts more, each with Reserve, ReserveAndConfigure and Configure. Returns where
  // their phones are to connect.
  absl::StatusOr<std::vector<common::TransportAddress>> SetUp(size_t count);

  // Releases the last `count`.
  absl::Status Release(size_t count);

  size_t count() const { return context_ids_.size(); }

 private:
  IqSessions(const Options& options, const std::shared_ptr<grpc::Channel>& channel);

  absl::StatusOr<common::TransportAddress> SetUpOne(const std::string& context_id) const;
  absl::Status ReleaseOne(const std::string& context_id) const;

  // Calls `act` for 0 to `count`-1, on several threads; the first error, if any.
  static absl::Status ForEach(size_t count, const std::function<absl::Status(size_t)>& act);

  const Options options_;
  const std::unique_ptr<ims::iq::v1::MediaGatewayService::Stub> stub_;
  const std::unique_ptr<peers::NotificationWatcher> watcher_;
  std::vector<std::string> context_ids_;
};

}  // namespace bench

#endif  // TESTS_BENCH_IQ_SESSIONS_H_
