#include "tests/bench/iq_sessions.h"

#include <unistd.h>

#include <atomic>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/grpc_status.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "tests/peers/socket.h"

namespace bench {

namespace iq = ims::iq::v1;
using Stub = iq::MediaGatewayService::Stub;

namespace {

template <typename Request, typename Response>
absl::StatusOr<Response> Call(Stub& stub,
                              grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                           Response*),
                              const Request& request) {
  grpc::ClientContext call;
  call.set_deadline(absl::ToChronoTime(absl::Now() + peers::kPatience));
  Response response;
  const absl::Status status = common::FromGrpcStatus((stub.*method)(&call, request, &response));
  if (!status.ok()) return status;
  return response;
}

// No other one's, also of those that measure before or after us.
std::string NewContextId() {
  static std::atomic<int> number{0};
  return absl::StrCat("bench-", getpid(), "-", ++number);
}

void SetTermination(const std::string& context_id, iq::Side side, iq::TerminationId* termination) {
  termination->set_context_id(context_id);
  termination->set_stream_id(1);
  termination->set_side(side);
}

void SetAddress(const common::TransportAddress& address, iq::RemoteDescriptor* remote) {
  remote->mutable_address()->set_ip_address(address.ip.ToString());
  remote->mutable_address()->set_port(address.port);
}

}  // namespace

absl::StatusOr<std::unique_ptr<IqSessions>> IqSessions::Connect(const Options& options) {
  std::shared_ptr<grpc::Channel> channel =
      grpc::CreateChannel(options.iq_address, grpc::InsecureChannelCredentials());
  if (!channel->WaitForConnected(absl::ToChronoTime(absl::Now() + peers::kPatience))) {
    return absl::UnavailableError(absl::StrCat("nobody answers at ", options.iq_address));
  }
  return std::unique_ptr<IqSessions>(new IqSessions(options, channel));
}

IqSessions::IqSessions(const Options& options, const std::shared_ptr<grpc::Channel>& channel)
    : options_(options),
      stub_(iq::MediaGatewayService::NewStub(channel)),
      watcher_(std::make_unique<peers::NotificationWatcher>(channel)) {}

absl::StatusOr<std::vector<common::TransportAddress>> IqSessions::SetUp(size_t count) {
  const size_t before = context_ids_.size();
  for (size_t i = 0; i < count; ++i) {
    context_ids_.push_back(NewContextId());
  }
  std::vector<common::TransportAddress> addresses(count);
  RETURN_IF_ERROR(ForEach(count, [&](size_t i) -> absl::Status {
    ASSIGN_OR_RETURN(addresses[i], SetUpOne(context_ids_[before + i]));
    return absl::OkStatus();
  }));
  return addresses;
}

absl::Status IqSessions::Release(size_t count) {
  const size_t left = context_ids_.size() - count;
  RETURN_IF_ERROR(ForEach(count, [&](size_t i) { return ReleaseOne(context_ids_[left + i]); }));
  context_ids_.resize(left);
  return absl::OkStatus();
}

absl::StatusOr<common::TransportAddress> IqSessions::SetUpOne(const std::string& context_id) const {
  const bool is_aware = !options_.phone_path.empty();
  iq::ReserveConnectionPointRequest access;
  SetTermination(context_id, iq::SIDE_ACCESS, access.mutable_termination());
  access.set_transaction_id("1");
  access.mutable_local()->set_transport_protocol(is_aware ? iq::TRANSPORT_PROTOCOL_TCP_TLS_MSRP
                                                          : iq::TRANSPORT_PROTOCOL_TCP_TLS);
  access.mutable_local()->set_setup_mode(iq::SETUP_MODE_ACTPASS);
  access.mutable_local()->set_certificate_fingerprint_request(true);
  access.mutable_bearer_control()->mutable_syn_policy()->mutable_drop_all();
  access.mutable_bearer_control()->mutable_interlinkage()->set_topology(
      iq::Interlinkage::TOPOLOGY_T1_TO_T2);
  ASSIGN_OR_RETURN(const iq::ReserveConnectionPointResponse reserved,
                   Call(*stub_, &Stub::ReserveConnectionPoint, access));

  iq::ReserveAndConfigureConnectionPointRequest core;
  SetTermination(context_id, iq::SIDE_CORE, core.mutable_termination());
  core.set_transaction_id("2");
  core.mutable_local()->set_transport_protocol(is_aware ? iq::TRANSPORT_PROTOCOL_TCP_MSRP
                                                        : iq::TRANSPORT_PROTOCOL_TCP);
  core.mutable_local()->set_setup_mode(iq::SETUP_MODE_ACTPASS);
  SetAddress(options_.core, core.mutable_remote());
  if (is_aware) core.mutable_remote()->add_msrp_path(options_.core_path);
  core.mutable_bearer_control()->set_tcp_role(iq::TCP_ROLE_ACTIVE);
  RETURN_IF_ERROR(Call(*stub_, &Stub::ReserveAndConfigureConnectionPoint, core).status());

  iq::ConfigureConnectionPointRequest answer;
  SetTermination(context_id, iq::SIDE_ACCESS, answer.mutable_termination());
  answer.set_transaction_id("3");
  SetAddress({.ip = options_.phone_ip, .port = 0}, answer.mutable_remote());
  if (is_aware) answer.mutable_remote()->add_msrp_path(options_.phone_path);
  iq::Fingerprint* fingerprint = answer.mutable_remote()->add_fingerprints();
  fingerprint->set_hash_function("sha-256");
  fingerprint->set_digest(options_.phone_digest);
  answer.mutable_bearer_control()->set_tcp_role(iq::TCP_ROLE_PASSIVE);
  answer.mutable_bearer_control()->set_tls_role(iq::TLS_ROLE_SERVER);
  answer.mutable_bearer_control()->mutable_syn_policy()->mutable_accept_from();
  RETURN_IF_ERROR(Call(*stub_, &Stub::ConfigureConnectionPoint, answer).status());
  return common::TransportAddress::Parse(
      absl::StrCat(reserved.local_address().ip_address(), ":", reserved.local_address().port()));
}

absl::Status IqSessions::ReleaseOne(const std::string& context_id) const {
  iq::ReleaseTerminationRequest request;
  request.mutable_termination()->set_context_id(context_id);
  request.set_transaction_id("4");
  return Call(*stub_, &Stub::ReleaseTermination, request).status();
}

absl::Status IqSessions::ForEach(size_t count, const std::function<absl::Status(size_t)>& act) {
  std::atomic<size_t> next{0};
  common::Mutex mutex;
  absl::Status first_error;
  const auto run = [&] {
    for (size_t i; (i = next.fetch_add(1)) < count;) {
      const absl::Status status = act(i);
      if (status.ok()) continue;
      common::MutexLock lock(mutex);
      if (first_error.ok()) first_error = status;
      return;
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < kCallsAtOnce; ++i) threads.emplace_back(run);
  for (std::thread& thread : threads) thread.join();
  return first_error;
}

}  // namespace bench
