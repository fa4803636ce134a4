#include "agw-service/server.h"

#include <algorithm>
#include <condition_variable>
#include <thread>
#include <utility>

#include "absl/random/random.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "agw-service/config.h"
#include "agw-service/control/gateway_state.h"
#include "agw-service/control/gateway_streams.h"
#include "agw-service/control/media_gateway_service.h"
#include "agw-service/control/notification_log.h"
#include "agw-service/ephemeral_ports.h"
#include "agw-service/metrics.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/net/host_addresses.h"
#include "agw-service/net/syn_gate.h"
#include "agw-service/own_addresses.h"
#include "agw-service/realm_addresses.h"
#include "agw-service/realm_certificates.h"
#include "agw-service/tls/tls_identities.h"
#include "agw-service/tls/tls_identity.h"
#include "agw-service/worker/worker_pool.h"
#include "common/config_check.h"
#include "common/control_group.h"
#include "common/file_descriptors.h"
#include "common/grpc_server.h"
#include "common/http_endpoint.h"
#include "common/iq_notification.h"
#include "common/log.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"
#include "common/service_metrics.h"
#include "common/status_macros.h"
#include "common/thread_name.h"

namespace agw {
namespace {

// A certificate must outlive the sessions that were told of it: it is valid for a year after it was
// replaced by the next one.
constexpr absl::Duration kCertificateReserve = absl::Hours(24 * 365);

void LogNotification(const ims::iq::v1::Notification& notification) {
  const common::IqNotificationName name = common::NameOf(notification);
  common::Log(name.is_failure ? common::Severity::kWarning : common::Severity::kInfo, name.kind,
              {{"sequence_number", notification.sequence_number()},
               {"context_id", notification.termination().context_id()},
               {"stream_id", notification.termination().stream_id()},
               {"side", name.side},
               {"cause", name.cause},
               {"detail", name.detail}});
}

// Memory of a process without sessions, and what one takes: both its connections at rest, in this
// process and in the kernel, with a margin for bytes on their way (docs/operations.md has the
// measurement).
constexpr uint64_t kMemoryOfTheProcess = 64 << 20;
constexpr uint64_t kMemoryPerSession = 32 << 10;

// Of the process's file descriptors, those that terminations may use. The rest is for event loops,
// for the connections of clients of Iq and HTTP, for the log, and for connections that are accepted
// only to be refused.
int64_t DescriptorCapacity(const ims::config::v1::AgwConfig& config) {
  constexpr int64_t kMostForOthers = 256;
  const auto limit = static_cast<int64_t>(common::FileDescriptorLimit());
  return std::max<int64_t>(0, limit - std::min(kMostForOthers, limit / 3) -
                                  kDescriptorsPerEventLoop * config.worker_count());
}

// Says how many sessions this process can carry, and warns where that is less than is asked of it.
void LogCapacity(const ims::config::v1::AgwConfig& config) {
  const auto by_descriptors =
      static_cast<uint64_t>(DescriptorCapacity(config) / (2 * kDescriptorsPerTermination));
  const uint64_t memory_limit =
      std::min(common::ReadControlGroupLimits().memory_bytes.value_or(common::HostMemoryBytes()),
               common::HostMemoryBytes());
  const uint64_t by_memory =
      (std::max(memory_limit, kMemoryOfTheProcess) - kMemoryOfTheProcess) / kMemoryPerSession;
  common::Log(common::Severity::kInfo, "capacity",
              {{"context_limit", config.context_limit()},
               {"worker_count", config.worker_count()},
               {"descriptor_limit", common::FileDescriptorLimit()},
               {"sessions_by_descriptors", by_descriptors},
               {"memory_limit_bytes", memory_limit},
               {"sessions_by_memory", by_memory}});
  if (by_descriptors < config.context_limit()) {
    common::Log(common::Severity::kWarning, "descriptor_limit_below_context_limit",
                {{"descriptor_limit", common::FileDescriptorLimit()},
                 {"context_limit", config.context_limit()},
                 {"session_count", by_descriptors},
                 {"detail", "raise the hard limit of open files, or lower context_limit"}});
  }
  if (by_memory < config.context_limit()) {
    common::Log(common::Severity::kWarning, "memory_limit_below_context_limit",
                {{"memory_limit_bytes", memory_limit},
                 {"context_limit", config.context_limit()},
                 {"session_count", by_memory},
                 {"detail", "raise the memory limit of the container, or lower context_limit"}});
  }
}

// What sessions will be told, for whoever wonders why a peer does not come.
void LogRealmAddresses(const ims::config::v1::AgwConfig& config) {
  for (const ims::config::v1::RealmConfig& realm : config.realms()) {
    for (const ims::config::v1::RealmAddress& address : realm.addresses()) {
      common::Log(common::Severity::kInfo, "realm_address",
                  {{"realm", realm.name()},
                   {"bind", address.bind()},
                   {"advertised", address.advertised()},
                   {"first_port", realm.first_port()},
                   {"last_port", realm.last_port()}});
    }
  }
}

absl::StatusOr<std::shared_ptr<const TlsIdentity>> MakeIdentity(
    const ims::config::v1::AgwConfig& config) {
  return TlsIdentity::Generate(
      {.common_name = config.instance_id(),
       .now = absl::Now(),
       .validity = common::ToDuration(config.tls().certificate_rotation()) + kCertificateReserve});
}

// How soon changed files of certificates are noticed.
constexpr absl::Duration kLookAtCertificates = absl::Seconds(1);

// Calls `task` again and again, on a thread of its own.
class PeriodicTask {
 public:
  PeriodicTask(absl::Duration interval, std::function<void()> task)
      : thread_([this, interval, task = std::move(task)] { Run(interval, task); }) {}
  ~PeriodicTask() {
    {
      common::MutexLock lock(mutex_);
      stopping_ = true;
    }
    stop_.notify_one();
    thread_.join();
  }

 private:
  // The analysis does not follow a condition variable that takes the lock by reference.
  void Run(absl::Duration interval,
           const std::function<void()>& task) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    common::NameThisThread("certificates");
    common::MutexLock lock(mutex_);
    while (!stopping_) {
      const common::MonotonicTime next = common::MonotonicTime::Now() + interval;
      while (!stopping_ && common::MonotonicTime::Now() < next) {
        stop_.wait_until(mutex_, next.ToChrono());
      }
      if (!stopping_) task();
    }
  }

  common::Mutex mutex_;
  std::condition_variable_any stop_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace

// In the order they are made; they go in the reverse order, unless ~Server() says otherwise.
class Server::Parts {
 public:
  Parts(const ims::config::v1::AgwConfig& server_config,
        const std::shared_ptr<const TlsIdentity>& identity,
        RealmCertificates certificates_of_realms)
      : config(server_config),
        limits(MakeContextLimits(config)),
        realm_certificates(std::move(certificates_of_realms)),
        realms(MakeRealms(config,
                          [this](PortPoolLow low) {
                            event_sink(Event{absl::Now(), "", 0, {}, low});
                          })),
        own_addresses(OwnAddresses(config, realms, InterfaceAddresses())),
        admission(config.context_limit(), DescriptorCapacity(config), config.priority_share()),
        metrics(std::make_shared<Metrics>(common::ToDuration(config.drain_time()) +
                                          common::ToDuration(config.drain_close_time()))),
        service_metrics(std::make_shared<common::ServiceMetrics>(
            "agw", std::vector<std::string>{config.iq().tls().certificate_file()})),
        log(config.notification_log_size(),
            [metrics = metrics](const ims::iq::v1::Notification& notification) {
              metrics->CountNotification(notification);
              LogNotification(notification);
            }),
        event_sink([this](Event event) { log.Append(std::move(event)); }),
        // The bits of a random number, so that two starts never share an incarnation.
        state(config.instance_id(),
              absl::StrFormat("%016x", absl::Uniform<uint64_t>(absl::BitGen())),
              config.worker_count(), realms, admission, log),
        workers(std::make_unique<WorkerPool>(
            config.worker_count(),
            WorkerOptions{realms, own_addresses, limits, event_sink, admission,
                          TlsIdentities(identity, realm_certificates.identities()),
                          [metrics = metrics](const WorkerCounters& counters) {
                            metrics->Count(counters);
                          }})),
        streams(state, log),
        service(*workers, state, streams, [this] { TellWhetherDraining(); }) {
    AnnounceIdentity("", identity);
    for (const auto& [realm, of_realm] : realm_certificates.identities()) {
      AnnounceIdentity(realm, of_realm);
    }
    metrics->SetSources({.status = [this] { return state.Status(); },
                         .dropped_notification_count = [this] { return log.dropped_count(); },
                         .admission = &admission});
  }

  void AnnounceIdentity(const std::string& realm,
                        const std::shared_ptr<const TlsIdentity>& identity) {
    state.SetIdentity(realm, identity);
    metrics->SetCertificateExpiry(state.FirstCertificateEnd());
    if (!realm.empty()) metrics->SetCertificateFilesUsable(realm, true);
    common::Log(common::Severity::kInfo, "certificate_in_use",
                {{"realm", realm}, {"fingerprint", identity->fingerprint().ToString()}});
  }

  // To those who watch the status, and to the health service once there is one.
  void TellWhetherDraining() {
    {
      common::MutexLock lock(health_mutex);
      if (grpc != nullptr) grpc->SetServing(!state.draining());
    }
    streams.PushStatus();
  }

  void SetGrpcServer(std::unique_ptr<common::GrpcServer> server) {
    {
      common::MutexLock lock(health_mutex);
      grpc = std::move(server);
    }
    TellWhetherDraining();
  }

  void UseIdentity(const std::string& realm, const std::shared_ptr<const TlsIdentity>& identity) {
    workers->SetIdentity(realm, identity);
    AnnounceIdentity(realm, identity);
    streams.PushStatus();
  }

  // Makes a new certificate if it is time, and looks whether those of realms have changed.
  void LookAtCertificates() {
    if (common::MonotonicTime::Now() >= next_rotation) {
      next_rotation += common::ToDuration(config.tls().certificate_rotation());
      const absl::StatusOr<std::shared_ptr<const TlsIdentity>> identity = MakeIdentity(config);
      if (identity.ok()) {
        UseIdentity("", *identity);
      } else {
        common::Log(common::Severity::kError, "certificate_rotation_failed",
                    {{"detail", identity.status().message()}});
      }
    }
    const RealmIdentities before = realm_certificates.identities();
    for (const RealmCertificates::Change& change : realm_certificates.Look(absl::Now())) {
      metrics->CountCertificateReload(change.realm, change.identity.ok());
      if (!change.identity.ok()) {
        metrics->SetCertificateFilesUsable(change.realm, false);
        common::Log(common::Severity::kError, "certificate_files_refused",
                    {{"realm", change.realm}, {"detail", change.identity.status().message()}});
      } else if (*change.identity != before.at(change.realm)) {
        UseIdentity(change.realm, *change.identity);
      } else {
        metrics->SetCertificateFilesUsable(change.realm, true);
        common::Log(common::Severity::kInfo, "certificate_files_restored",
                    {{"realm", change.realm}});
      }
    }
  }

  const ims::config::v1::AgwConfig config;
  const ContextLimits limits;
  RealmCertificates realm_certificates;  // Of the thread of `certificate_look`, once that runs.
  const RealmTable realms;
  const std::vector<common::OwnAddressRange> own_addresses;
  Admission admission;
  const std::shared_ptr<Metrics> metrics;
  const std::shared_ptr<common::ServiceMetrics> service_metrics;
  NotificationLog log;
  const EventSink event_sink;
  GatewayState state;
  std::unique_ptr<WorkerPool> workers;
  GatewayStreams streams;
  MediaGatewayService service;
  common::MonotonicTime next_rotation =
      common::MonotonicTime::Now() + common::ToDuration(config.tls().certificate_rotation());
  std::unique_ptr<PeriodicTask> certificate_look;
  std::unique_ptr<common::HttpEndpoint> http;
  // Calls come as soon as there is a server, before it is here.
  common::Mutex health_mutex;
  std::unique_ptr<common::GrpcServer> grpc;
};

absl::StatusOr<std::unique_ptr<Server>> Server::Start(ims::config::v1::AgwConfig config) {
  SetDefaults(&config);
  common::ConfigErrors errors;
  Validate(config, &errors);
  RETURN_IF_ERROR(errors.ToStatus("configuration"));
  RETURN_IF_ERROR(ResolveRealmAddresses(InterfaceAddresses(), &config));
  RETURN_IF_ERROR(CheckRealmAddresses(config));
  RETURN_IF_ERROR(CheckSynGatePermission());
  common::RaiseFileDescriptorLimit();
  LogRealmAddresses(config);
  LogCapacity(config);
  WarnOfEphemeralPorts(config);
  ASSIGN_OR_RETURN(RealmCertificates realm_certificates,
                   RealmCertificates::Read(config, absl::Now()));
  ASSIGN_OR_RETURN(std::shared_ptr<const TlsIdentity> identity, MakeIdentity(config));
  auto parts = std::make_unique<Parts>(config, identity, std::move(realm_certificates));
  Parts* raw_parts = parts.get();
  parts->certificate_look = std::make_unique<PeriodicTask>(
      kLookAtCertificates, [raw_parts] { raw_parts->LookAtCertificates(); });
  common::HttpEndpoint::Sources sources;
  sources.metrics = {parts->metrics, parts->service_metrics};
  sources.ready = [raw_parts] {
    return raw_parts->admission.draining() ? absl::UnavailableError("draining") : absl::OkStatus();
  };
  ASSIGN_OR_RETURN(parts->http, common::HttpEndpoint::Start(config.http(), std::move(sources)));
  common::GrpcServerOptions grpc_options;
  grpc_options.client_refused = [metrics = parts->service_metrics] {
    metrics->CountRefusedClient();
  };
  ASSIGN_OR_RETURN(
      std::unique_ptr<common::GrpcServer> grpc,
      common::GrpcServer::Start(
          config.iq(), {{ims::iq::v1::MediaGatewayService::service_full_name(), &parts->service}},
          grpc_options));
  parts->SetGrpcServer(std::move(grpc));
  std::unique_ptr<Server> server(new Server(std::move(parts)));
  common::Log(common::Severity::kInfo, "agw_started",
              {{"instance_id", config.instance_id()},
               {"incarnation", raw_parts->state.incarnation()},
               {"iq_port", server->iq_port()},
               {"http_port", server->http_port()}});
  return server;
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() {
  parts_->streams.CloseAll();
  parts_->grpc->Shutdown(absl::Seconds(5));
  parts_->certificate_look.reset();
  parts_->workers.reset();
  common::Log(common::Severity::kInfo, "agw_stopped");
}

int Server::iq_port() const { return parts_->grpc->port(); }
int Server::http_port() const { return parts_->http->port(); }

void Server::DrainToStop() {
  parts_->state.Stop();
  parts_->TellWhetherDraining();
}

uint32_t Server::context_count() const { return parts_->admission.context_count(); }

void Server::CloseContexts() { parts_->workers->CloseContexts(drain_close_time()); }

absl::Duration Server::drain_close_time() const {
  return common::ToDuration(parts_->config.drain_close_time());
}

absl::Duration Server::drain_time() const {
  return common::ToDuration(parts_->config.drain_time());
}

}  // namespace agw
