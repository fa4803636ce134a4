#include "alg-service/config.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/config_check.h"
#include "common/status_macros.h"

namespace alg {
namespace {

using ims::config::v1::AlgConfig;
using ims::config::v1::GatewayConfig;

}  // namespace

absl::StatusOr<AlgConfig> LoadConfig(const std::string& file_name,
                                     const ConfigOverrides& overrides) {
  AlgConfig config;
  common::ConfigErrors errors;
  if (!file_name.empty()) common::LoadYamlFile(file_name, &config, &errors);
  if (!overrides.api_address.empty()) {
    config.mutable_api()->set_listen_address(overrides.api_address);
  }
  if (!overrides.http_address.empty()) {
    config.mutable_http()->set_listen_address(overrides.http_address);
  }
  if (!overrides.gateway_targets.empty()) {
    *config.mutable_gateways()->mutable_targets() = {overrides.gateway_targets.begin(),
                                                     overrides.gateway_targets.end()};
  }
  SetDefaults(&config);
  Validate(config, &errors);
  RETURN_IF_ERROR(errors.ToStatus(file_name.empty() ? "command line" : file_name));
  return config;
}

void SetDefaults(AlgConfig* config) {
  if (config->api().listen_address().empty()) {
    config->mutable_api()->set_listen_address("127.0.0.1:7050");
  }
  if (config->http().listen_address().empty()) {
    config->mutable_http()->set_listen_address("127.0.0.1:9050");
  }
  GatewayConfig* gateways = config->mutable_gateways();
  if (gateways->targets().empty()) gateways->add_targets("127.0.0.1:7060");
  if (!gateways->has_resolve_interval()) {
    *gateways->mutable_resolve_interval() = common::ToProto(absl::Seconds(10));
  }
  if (!gateways->has_call_timeout()) {
    *gateways->mutable_call_timeout() = common::ToProto(absl::Seconds(5));
  }
  if (!gateways->has_attempt_timeout()) {
    *gateways->mutable_attempt_timeout() = common::ToProto(SessionPolicy().attempt_timeout);
  }
  if (!gateways->has_status_interval()) {
    *gateways->mutable_status_interval() = common::ToProto(absl::Seconds(2));
  }
  if (!gateways->has_lost_after()) {
    *gateways->mutable_lost_after() = common::ToProto(absl::Minutes(1));
  }
  ims::config::v1::SessionPolicy* policy = config->mutable_policy();
  if (policy->core_connect().empty()) policy->set_core_connect("triggered");
  if (policy->early_syn().empty()) policy->set_early_syn("drop");
}

void Validate(const AlgConfig& config, common::ConfigErrors* errors) {
  const common::RangeChecker check(errors);
  common::ValidateListenAddress("api.listen_address", config.api().listen_address(), errors);
  if (config.api().has_tls()) common::ValidateServerTls(config.api().tls(), "api.tls", errors);
  common::ValidateListenAddress("http.listen_address", config.http().listen_address(), errors);

  const GatewayConfig& gateways = config.gateways();
  for (int i = 0; i < gateways.targets_size(); ++i) {
    const absl::Status valid = common::ParseHostPort(gateways.targets(i)).status();
    if (!valid.ok()) errors->Add(absl::StrCat("gateways.targets[", i, "]"), valid.message());
  }
  if (gateways.has_tls()) common::ValidateClientTls(gateways.tls(), "gateways.tls", errors);
  check.Time("gateways.resolve_interval", gateways.resolve_interval(), absl::Seconds(1),
             absl::Hours(1));
  check.Time("gateways.call_timeout", gateways.call_timeout(), absl::Milliseconds(100),
             absl::Minutes(1));
  check.Time("gateways.attempt_timeout", gateways.attempt_timeout(), absl::Milliseconds(10),
             absl::Seconds(10));
  check.Time("gateways.status_interval", gateways.status_interval(), absl::Seconds(1),
             absl::Minutes(1));
  check.Time("gateways.lost_after", gateways.lost_after(), absl::Seconds(5), absl::Hours(24));

  const std::string& core_connect = config.policy().core_connect();
  if (core_connect != "triggered" && core_connect != "alg_ordered" &&
      core_connect != "triggered_by_tls") {
    errors->Add("policy.core_connect",
                "must be \"triggered\", \"alg_ordered\" or \"triggered_by_tls\"");
  }
  const std::string& early_syn = config.policy().early_syn();
  if (early_syn != "drop" && early_syn != "latch") {
    errors->Add("policy.early_syn", "must be \"drop\" or \"latch\"");
  }
}

std::vector<common::HostPort> MakeGatewayTargets(const AlgConfig& config) {
  std::vector<common::HostPort> targets;
  for (const std::string& target : config.gateways().targets()) {
    targets.push_back(*common::ParseHostPort(target));
  }
  return targets;
}

SessionPolicy MakeSessionPolicy(const AlgConfig& config) {
  SessionPolicy policy;
  if (config.policy().core_connect() == "alg_ordered") {
    policy.core_connect = ims::alg::v1::CORE_CONNECT_ALG_ORDERED;
  } else if (config.policy().core_connect() == "triggered_by_tls") {
    policy.core_connect = ims::alg::v1::CORE_CONNECT_TRIGGERED_BY_TLS;
  }
  if (config.policy().early_syn() == "latch") {
    policy.early_syn = ims::alg::v1::EARLY_SYN_LATCH;
  }
  policy.allow_sha1_fingerprints = config.policy().allow_sha1_fingerprints();
  policy.attempt_timeout = common::ToDuration(config.gateways().attempt_timeout());
  policy.access_realm = config.policy().access_realm();
  policy.core_realm = config.policy().core_realm();
  return policy;
}

}  // namespace alg
