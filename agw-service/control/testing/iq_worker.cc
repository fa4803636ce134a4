#include "agw-service/control/testing/iq_worker.h"

#include <functional>
#include <utility>

#include "absl/time/clock.h"
#include "agw-service/bearer/scratch.h"
#include "agw-service/context/context.h"
#include "agw-service/control/procedures.h"
#include "agw-service/control/proto_conversion.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/tls/tls_profile.h"
#include "common/check.h"
#include "common/ip_prefix.h"
#include "common/status_macros.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;

constexpr uint16_t kFirstPort = 20000;
constexpr uint16_t kGuardedPortCount = 4;

// What takes longer to make than a test to run is shared by all.
Scratch& SharedScratch() {
  static Scratch& scratch = *new Scratch();
  return scratch;
}
TlsProfile& SharedTlsProfile() {
  static TlsProfile& profile = *new TlsProfile(SharedScratch());
  return profile;
}
const std::shared_ptr<const TlsIdentity>& SharedIdentity(size_t index) {
  static const auto& identities = *new std::vector<std::shared_ptr<const TlsIdentity>>{
      *TlsIdentity::Generate({.now = absl::Now()}), *TlsIdentity::Generate({.now = absl::Now()})};
  return identities[index % identities.size()];
}

ContextLimits MakeLimits(const IqWorker::Options& options) {
  ContextLimits limits;
  limits.handshake_limit = options.handshake_limit;
  limits.buffered_byte_limit = options.buffered_byte_limit;
  return limits;
}

std::vector<IpRealm> MakeRealms(FakeKernel& kernel, const IqWorker::Options& options) {
  const auto address = [&](const char* text, uint16_t port_count) {
    const common::IpAddress ip = *common::IpAddress::Parse(text);
    return RealmAddress{.bind = ip,
                        .advertised = ip,
                        .ports = std::make_unique<PortPool>(kFirstPort, kFirstPort + port_count - 1,
                                                            options.quarantine,
                                                            [&kernel] { return kernel.Now(); })};
  };
  std::vector<IpRealm> realms(3);
  realms[0].name = "access";
  realms[0].access_default = true;
  realms[0].addresses.push_back(address(IqWorker::kAccess, options.ports_per_address));
  realms[0].addresses.push_back(address("2001:db8:1::1", options.ports_per_address));
  realms[1].name = "core";
  realms[1].core_default = true;
  realms[1].addresses.push_back(address(IqWorker::kCore, options.ports_per_address));
  realms[1].addresses.push_back(address("2001:db8:1::2", options.ports_per_address));
  realms[2].name = "guarded";
  realms[2].addresses.push_back(address("10.3.0.1", kGuardedPortCount));
  realms[2].addresses[0].remote_prefixes.allowed = {*common::IpPrefix::Parse("192.0.2.0/30")};
  return realms;
}

}  // namespace

IqWorker::IqWorker(FakeKernel& kernel, const Options& options)
    : kernel_(kernel),
      loop_([&kernel] { return kernel.Now(); }),
      limits_(MakeLimits(options)),
      realms_(MakeRealms(kernel, options)),
      own_addresses_(realms_.OwnAddresses()),
      event_sink_([this](Event event) { Report(std::move(event)); }),
      admission_(options.context_limit, options.descriptor_capacity, options.priority_share),
      resources_(new WorkerResources{.loop = loop_,
                                     .scratch = SharedScratch(),
                                     .tls_profile = SharedTlsProfile(),
                                     .realms = realms_,
                                     .own_addresses = own_addresses_,
                                     .limits = limits_,
                                     .event_sink = event_sink_,
                                     .descriptors = admission_.descriptors(),
                                     .identities = TlsIdentities(SharedIdentity(0)),
                                     .counters = {}}),
      table_(std::make_unique<ContextTable>(*resources_, admission_)) {}

IqWorker::~IqWorker() = default;

void IqWorker::Report(Event event) {
  // Every one can be told.
  (void)ToProto(event).SerializeAsString();
  events_.push_back(std::move(event));
}

template <typename Response, typename Request>
absl::StatusOr<Response> IqWorker::Run(const Request& request) {
  ASSIGN_OR_RETURN(Procedure<Response> procedure, Prepare(request));
  Response response;
  RETURN_IF_ERROR(procedure(*table_, &response));
  const std::string& id = request.termination().context_id();
  if (Context* context = table_->Find(id)) contexts_[id] = context;
  return response;
}

absl::StatusOr<iq::ReserveConnectionPointResponse> IqWorker::Call(
    const iq::ReserveConnectionPointRequest& request) {
  return Run<iq::ReserveConnectionPointResponse>(request);
}

absl::StatusOr<iq::ReserveAndConfigureConnectionPointResponse> IqWorker::Call(
    const iq::ReserveAndConfigureConnectionPointRequest& request) {
  return Run<iq::ReserveAndConfigureConnectionPointResponse>(request);
}

absl::StatusOr<iq::ConfigureConnectionPointResponse> IqWorker::Call(
    const iq::ConfigureConnectionPointRequest& request) {
  return Run<iq::ConfigureConnectionPointResponse>(request);
}

absl::StatusOr<iq::ReleaseTerminationResponse> IqWorker::Call(
    const iq::ReleaseTerminationRequest& request) {
  return Run<iq::ReleaseTerminationResponse>(request);
}

std::map<std::string, iq::AuditContextResponse> IqWorker::Audit() const {
  std::map<std::string, iq::AuditContextResponse> audits;
  for (const std::string& id : table_->List("", table_->size())) {
    audits[id] = agw::Audit(*contexts_.at(id));
  }
  return audits;
}

std::vector<std::pair<std::string, TerminationKey>> IqWorker::Terminations() const {
  std::vector<std::pair<std::string, TerminationKey>> terminations;
  for (const std::string& id : table_->List("", table_->size())) {
    for (const auto& [stream_id, stream] : contexts_.at(id)->media_streams()) {
      for (const Side side : {Side::kAccess, Side::kCore}) {
        if (stream->termination(side) == nullptr) continue;
        terminations.emplace_back(id, TerminationKey{stream_id, side});
      }
    }
  }
  return terminations;
}

size_t IqWorker::ports_in_use() const {
  size_t count = 0;
  for (const IpRealm& realm : realms_.realms()) {
    for (const RealmAddress& address : realm.addresses) count += address.ports->in_use();
  }
  return count;
}

void IqWorker::RotateIdentity() { resources_->identities.Set("", SharedIdentity(++identity_)); }

}  // namespace agw
