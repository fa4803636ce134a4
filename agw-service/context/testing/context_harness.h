// A context with its event loop, on loopback addresses, and peers that are plain sockets. Time is
// the clock's, plus what a test skips.

#ifndef AGW_SERVICE_CONTEXT_TESTING_CONTEXT_HARNESS_H_
#define AGW_SERVICE_CONTEXT_TESTING_CONTEXT_HARNESS_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "agw-service/context/context.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/net/descriptor_budget.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/socket.h"
#include "agw-service/realm/ip_realm.h"
#include "agw-service/tls/tls_identities.h"
#include "agw-service/tls/tls_identity.h"
#include "common/check.h"
#include "common/monotonic_time.h"
#include "common/remote_address_guard.h"

namespace agw {

class ContextHarness {
 public:
  static constexpr char kAccessAddress[] = "127.0.0.10";
  static constexpr char kCoreAddress[] = "127.0.0.20";
  static constexpr char kUeAddress[] = "127.0.0.30";
  static constexpr char kPeerAddress[] = "127.0.0.40";

  // `access_remotes`: where UEs may be.
  explicit ContextHarness(const common::RemotePrefixes& access_remotes = {})
      : realms_(MakeRealms(access_remotes)), own_addresses_(realms_.OwnAddresses()) {
    Renew();
  }

  // A new, empty context in place of the old one; what was told of that is forgotten.
  void Renew() {
    context_.reset();
    events_.clear();
    hanging_ = false;
    context_ = std::make_unique<Context>(*resources_, "c1", [this] { hanging_ = true; });
  }
  void Destroy() { context_.reset(); }

  // A new, empty context of a worker with other limits.
  void RenewWith(const std::function<void(ContextLimits&)>& change) {
    context_.reset();
    change(limits_);
    resources_ = MakeResources();
    Renew();
  }

  Context& context() { return *context_; }
  ContextLimits& limits() { return limits_; }
  WorkerResources& resources() { return *resources_; }
  const std::vector<Event>& events() const { return events_; }
  bool hanging() const { return hanging_; }
  void SkipTime(absl::Duration time) { skipped_ += time; }
  void Turn(absl::Duration max_wait = absl::ZeroDuration()) { loop_.RunOnce(max_wait); }

  size_t ports_in_use() const {
    size_t count = 0;
    for (const IpRealm& realm : realms_.realms()) count += realm.addresses[0].ports->in_use();
    return count;
  }

  // The last event of the kind; nullptr if there was none.
  template <typename Kind>
  const Kind* Last() const {
    for (auto event = events_.rbegin(); event != events_.rend(); ++event) {
      if (const Kind* kind = absl::get_if<Kind>(&event->kind)) return kind;
    }
    return nullptr;
  }
  template <typename Kind>
  int Count(Side side) const {
    int count = 0;
    for (const Event& event : events_) {
      count += event.side == side && absl::holds_alternative<Kind>(event.kind);
    }
    return count;
  }

  common::TransportAddress LocalAddressOf(Side side, uint32_t stream_id = 1) const {
    return context_->FindTermination({stream_id, side})->local_address();
  }
  Termination::State StateOf(Side side, uint32_t stream_id = 1) const {
    return context_->FindTermination({stream_id, side})->state();
  }

  // Sends a SYN to `to` from a socket at `from`.
  static OwnedFd Connect(absl::string_view from, const common::TransportAddress& to) {
    absl::StatusOr<OwnedFd> fd = BindTcp({*common::IpAddress::Parse(from), 0});
    CHECK(fd.ok());
    CHECK(StartConnect(fd->get(), to).ok());
    return *std::move(fd);
  }

 private:
  static std::vector<IpRealm> MakeRealms(const common::RemotePrefixes& access_remotes) {
    std::vector<IpRealm> realms(2);
    realms[0].name = "access";
    realms[0].access_default = true;
    realms[1].name = "core";
    realms[1].core_default = true;
    const char* addresses[] = {kAccessAddress, kCoreAddress};
    for (int i = 0; i < 2; ++i) {
      realms[i].first_port = 20000;
      realms[i].last_port = 29999;
      const common::IpAddress ip = *common::IpAddress::Parse(addresses[i]);
      realms[i].addresses.push_back(
          {ip, ip, std::make_unique<PortPool>(20000, 29999, absl::ZeroDuration())});
    }
    realms[0].addresses[0].remote_prefixes = access_remotes;
    return realms;
  }

  std::unique_ptr<WorkerResources> MakeResources() {
    return std::unique_ptr<WorkerResources>(
        new WorkerResources{.loop = loop_,
                            .scratch = *scratch_,
                            .tls_profile = tls_profile_,
                            .realms = realms_,
                            .own_addresses = own_addresses_,
                            .limits = limits_,
                            .event_sink = event_sink_,
                            .descriptors = descriptors_,
                            .identities = TlsIdentities(identity_),
                            .counters = {}});
  }

  absl::Duration skipped_;
  EventLoop loop_{[this] { return common::MonotonicTime::Now() + skipped_; }};
  std::unique_ptr<Scratch> scratch_ = std::make_unique<Scratch>();
  TlsProfile tls_profile_{*scratch_};
  ContextLimits limits_;
  const RealmTable realms_;
  const std::vector<common::OwnAddressRange> own_addresses_;
  std::vector<Event> events_;
  bool hanging_ = false;
  const EventSink event_sink_ = [this](Event event) { events_.push_back(std::move(event)); };
  DescriptorBudget descriptors_{1'000'000};
  const std::shared_ptr<const TlsIdentity> identity_ = *TlsIdentity::Generate({.now = absl::Now()});
  std::unique_ptr<WorkerResources> resources_ = MakeResources();
  std::unique_ptr<Context> context_;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_TESTING_CONTEXT_HARNESS_H_
