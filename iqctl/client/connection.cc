#include "iqctl/client/connection.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/ip_address.h"
#include "common/status_macros.h"
#include "grpc/impl/codegen/grpc_types.h"
#include "grpcpp/support/channel_arguments.h"
#include "ims/config/v1/endpoint.pb.h"

namespace iqctl {
namespace {

using common::ChannelSecurity;
using common::IpAddress;
using common::TransportAddress;
using ims::config::v1::MutualTls;

// A server that has gone without a word is noticed after half a minute, so that a stream that says
// nothing is not waited for in vain.
constexpr int kKeepAliveTimeMs = 20000;
constexpr int kKeepAliveTimeoutMs = 10000;

bool IsPlaintext(const ConnectionOptions& options) { return options.ca_file.empty(); }

absl::Status CheckFilesAreThere(const ConnectionOptions& options) {
  std::vector<std::string> missing;
  if (options.ca_file.empty()) missing.push_back("--tls-ca");
  if (options.certificate_file.empty()) missing.push_back("--tls-cert");
  if (options.key_file.empty()) missing.push_back("--tls-key");
  if (missing.empty() || missing.size() == 3) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "TLS needs --tls-ca, --tls-cert and --tls-key; missing: ", absl::StrJoin(missing, ", ")));
}

absl::StatusOr<ChannelSecurity> MakeSecurity(const ConnectionOptions& options,
                                             const std::string& server_name) {
  MutualTls tls;
  tls.set_ca_file(options.ca_file);
  tls.set_certificate_file(options.certificate_file);
  tls.set_key_file(options.key_file);
  tls.set_server_name(server_name);
  absl::StatusOr<ChannelSecurity> security = ChannelSecurity::Make(
      IsPlaintext(options) ? nullptr : &tls, options.allow_plaintext_beyond_loopback);
  if (security.ok()) return security;
  // In the words of our options, not of a configuration file.
  return absl::InvalidArgumentError(absl::StrReplaceAll(
      security.status().message(),
      {{"certificate_file", "--tls-cert"}, {"key_file", "--tls-key"}, {"ca_file", "--tls-ca"}}));
}

std::string GrpcTarget(const TransportAddress& address) {
  return absl::StrCat(address.ip.is_ipv4() ? "ipv4:" : "ipv6:", address.ToString());
}

}  // namespace

void Endpoint::Prepare(grpc::ClientContext* call) const {
  call->set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(timeout));
}

Connector::Connector(ConnectionOptions options, common::NameResolver resolver, ChannelSecurity alg,
                     ChannelSecurity agw)
    : options_(std::move(options)),
      resolver_(std::move(resolver)),
      alg_security_(std::move(alg)),
      agw_security_(std::move(agw)) {}

absl::StatusOr<Connector> Connector::Make(ConnectionOptions options,
                                          common::NameResolver resolver) {
  RETURN_IF_ERROR(CheckFilesAreThere(options));
  ASSIGN_OR_RETURN(ChannelSecurity alg, MakeSecurity(options, options.alg_server_name));
  ASSIGN_OR_RETURN(ChannelSecurity agw, MakeSecurity(options, options.agw_server_name));
  return Connector(std::move(options), std::move(resolver), std::move(alg), std::move(agw));
}

absl::StatusOr<std::vector<EndpointOrError>> Connector::AlgEndpoints() const {
  return Resolve(options_.alg_targets, alg_security_);
}

absl::StatusOr<std::vector<EndpointOrError>> Connector::AgwEndpoints() const {
  return Resolve(options_.agw_targets, agw_security_);
}

absl::StatusOr<std::vector<EndpointOrError>> Connector::AgwEndpointsAt(
    const std::string& target) const {
  return Resolve({target}, agw_security_);
}

absl::StatusOr<std::vector<EndpointOrError>> Connector::Resolve(
    const std::vector<std::string>& targets, const ChannelSecurity& security) const {
  std::vector<EndpointOrError> endpoints;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepAliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepAliveTimeoutMs);
  for (const std::string& target : targets) {
    ASSIGN_OR_RETURN(const common::HostPort host_port, common::ParseHostPort(target));
    if (!security.CheckHost(host_port.host).ok()) {
      return absl::InvalidArgumentError(absl::StrCat(
          target, " is not on loopback: give --tls-ca, --tls-cert and --tls-key, or --plaintext"));
    }
    const absl::StatusOr<std::vector<IpAddress>> addresses = resolver_(host_port.host);
    if (!addresses.ok()) {
      endpoints.push_back({target, addresses.status()});
      continue;
    }
    for (const IpAddress& ip : *addresses) {
      const TransportAddress address{ip, host_port.port};
      const std::string name = address.ToString();
      const auto is_same = [&name](const EndpointOrError& known) { return known.address == name; };
      if (std::any_of(endpoints.begin(), endpoints.end(), is_same)) continue;
      ASSIGN_OR_RETURN(std::shared_ptr<grpc::Channel> channel,
                       security.NewChannel(host_port.host, GrpcTarget(address), arguments));
      endpoints.push_back(
          {name, Endpoint{name, std::move(channel), IsPlaintext(options_), options_.timeout}});
    }
  }
  return endpoints;
}

}  // namespace iqctl
