// One worker of an IMS-AGW on a `FakeKernel`, called with Iq's messages as `MediaGatewayService`
// calls it, but without gRPC and without threads: for tests that run thousands of sessions.

#ifndef AGW_SERVICE_CONTROL_TESTING_IQ_WORKER_H_
#define AGW_SERVICE_CONTROL_TESTING_IQ_WORKER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/context/event.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/testing/fake_kernel.h"
#include "agw-service/realm/ip_realm.h"
#include "agw-service/worker/admission.h"
#include "agw-service/worker/context_table.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace agw {

class IqWorker {
 public:
  // Realms: "access" and "core" are the defaults of their sides and have IPv4 and IPv6; "guarded"
  // has few ports, and only `kUe` and its neighbours may be there.
  static constexpr char kAccess[] = "10.1.0.1";
  static constexpr char kCore[] = "10.2.0.1";
  static constexpr char kUe[] = "192.0.2.1";
  static constexpr char kCorePeer[] = "198.51.100.1";
  static constexpr char kStranger[] = "203.0.113.1";
  static constexpr char kUeIpv6[] = "2001:db8:2::1";
  static constexpr char kCorePeerIpv6[] = "2001:db8:3::1";

  struct Options {
    int64_t descriptor_capacity = 1'000'000;
    uint32_t context_limit = 1'000'000;
    uint32_t priority_share = 0;  // Per cent of both that are kept for privileged contexts.
    uint16_t ports_per_address = 1000;
    absl::Duration quarantine = absl::Seconds(2);
    uint32_t handshake_limit = 2000;
    uint64_t buffered_byte_limit = 256 << 20;
  };

  // `kernel` outlives the worker.
  IqWorker(FakeKernel& kernel, const Options& options);
  ~IqWorker();

  IqWorker(const IqWorker&) = delete;
  IqWorker& operator=(const IqWorker&) = delete;

  absl::StatusOr<ims::iq::v1::ReserveConnectionPointResponse> Call(
      const ims::iq::v1::ReserveConnectionPointRequest& request);
  absl::StatusOr<ims::iq::v1::ReserveAndConfigureConnectionPointResponse> Call(
      const ims::iq::v1::ReserveAndConfigureConnectionPointRequest& request);
  absl::StatusOr<ims::iq::v1::ConfigureConnectionPointResponse> Call(
      const ims::iq::v1::ConfigureConnectionPointRequest& request);
  absl::StatusOr<ims::iq::v1::ReleaseTerminationResponse> Call(
      const ims::iq::v1::ReleaseTerminationRequest& request);

  // Of every context, by id. Unlike a call it does not keep a context from being released because
  // nobody names it any more.
  std::map<std::string, ims::iq::v1::AuditContextResponse> Audit() const;

  // All there are, with their context's id.
  std::vector<std::pair<std::string, TerminationKey>> Terminations() const;

  // One turn of the event loop.
  void Turn() { loop_.RunOnce(absl::ZeroDuration()); }

  FakeKernel& kernel() const { return kernel_; }
  Admission& admission() { return admission_; }
  WorkerResources& resources() { return *resources_; }
  const ContextLimits& limits() const { return limits_; }
  size_t context_count() const { return table_->size(); }

  // What was reported, the oldest first.
  const std::vector<Event>& events() const { return events_; }
  void ForgetEvents() { events_.clear(); }

  // Leased or resting, of all realms.
  size_t ports_in_use() const;

  // The deadline of a drain: all contexts are closed, one after the other.
  void CloseAll(absl::Duration over) {
    admission_.SetDraining(true);
    table_->CloseAll(over);
  }

  // The IMS-AGW's certificate is another one from now on.
  void RotateIdentity();

 private:
  template <typename Response, typename Request>
  absl::StatusOr<Response> Run(const Request& request);
  void Report(Event event);

  FakeKernel& kernel_;
  EventLoop loop_;
  const ContextLimits limits_;
  const RealmTable realms_;
  const std::vector<common::OwnAddressRange> own_addresses_;
  const EventSink event_sink_;
  Admission admission_;
  std::vector<Event> events_;
  size_t identity_ = 0;
  std::unique_ptr<WorkerResources> resources_;
  std::unique_ptr<ContextTable> table_;
  std::map<std::string, const Context*> contexts_;  // The latest of each name.
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_TESTING_IQ_WORKER_H_
