#include "alg-service/config.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/config_file.h"
#include "common/ip_address.h"

namespace alg {
namespace {

using common::ConfigErrors;
using ims::config::v1::AlgConfig;

constexpr char kDefaultApiAddress[] = "127.0.0.1:7050";
constexpr char kDefaultHttpAddress[] = "127.0.0.1:9050";
constexpr char kDefaultGatewayTarget[] = "127.0.0.1:7060";

void CheckListenAddress(const std::string& address, const char* path, ConfigErrors& errors) {
  if (!common::TransportAddress::Parse(address).ok()) {
    errors.Add(path, absl::StrCat("\"", address, "\" is not IP:PORT or [IP]:PORT"));
  }
}

void CheckTls(const ims::config::v1::MutualTls& tls, const std::string& path, bool is_server,
              ConfigErrors& errors) {
  if (tls.certificate_file().empty()) errors.Add(path + ".certificate_file", "is missing");
  if (tls.key_file().empty()) errors.Add(path + ".key_file", "is missing");
  if (tls.ca_file().empty()) errors.Add(path + ".ca_file", "is missing");
  if (is_server && !tls.server_name().empty()) {
    errors.Add(path + ".server_name", "is only for a client");
  }
  if (!is_server && !tls.allowed_client_names().empty()) {
    errors.Add(path + ".allowed_client_names", "is only for a server");
  }
}

absl::Duration CheckDuration(bool is_set, const google::protobuf::Duration& value,
                             absl::Duration otherwise, absl::Duration least, absl::Duration most,
                             const char* path, ConfigErrors& errors) {
  if (!is_set) return otherwise;
  const absl::Duration duration = absl::Seconds(value.seconds()) + absl::Nanoseconds(value.nanos());
  if (duration < least || duration > most) {
    errors.Add(path, absl::StrCat("must be ", absl::FormatDuration(least), " to ",
                                  absl::FormatDuration(most)));
  }
  return duration;
}

SessionPolicy CheckPolicy(const ims::config::v1::SessionPolicy& file, ConfigErrors& errors) {
  SessionPolicy policy;
  policy.allow_sha1_fingerprints = file.allow_sha1_fingerprints();
  policy.access_realm = file.access_realm();
  policy.core_realm = file.core_realm();
  if (file.core_connect() == "alg_ordered") {
    policy.core_connect = ims::alg::v1::CORE_CONNECT_ALG_ORDERED;
  } else if (file.core_connect() == "triggered_by_tls") {
    policy.core_connect = ims::alg::v1::CORE_CONNECT_TRIGGERED_BY_TLS;
  } else if (!file.core_connect().empty() && file.core_connect() != "triggered") {
    errors.Add("policy.core_connect",
               "must be \"triggered\", \"alg_ordered\" or \"triggered_by_tls\"");
  }
  if (file.early_syn() == "latch") {
    policy.early_syn = ims::alg::v1::EARLY_SYN_LATCH;
  } else if (!file.early_syn().empty() && file.early_syn() != "drop") {
    errors.Add("policy.early_syn", "must be \"drop\" or \"latch\"");
  }
  return policy;
}

void Override(const ConfigOverrides& overrides, AlgConfig& file) {
  if (!overrides.api_address.empty()) {
    file.mutable_api()->set_listen_address(overrides.api_address);
  }
  if (!overrides.http_address.empty()) {
    file.mutable_http()->set_listen_address(overrides.http_address);
  }
  if (!overrides.gateway_targets.empty()) {
    *file.mutable_gateways()->mutable_targets() = {overrides.gateway_targets.begin(),
                                                   overrides.gateway_targets.end()};
  }
}

void FillDefaults(AlgConfig& file) {
  if (file.api().listen_address().empty()) {
    file.mutable_api()->set_listen_address(kDefaultApiAddress);
  }
  if (file.http().listen_address().empty()) {
    file.mutable_http()->set_listen_address(kDefaultHttpAddress);
  }
  if (file.gateways().targets().empty()) {
    file.mutable_gateways()->add_targets(kDefaultGatewayTarget);
  }
}

absl::StatusOr<Config> Check(AlgConfig file, const std::string& file_name,
                             const ConfigOverrides& overrides, ConfigErrors& errors) {
  Override(overrides, file);
  FillDefaults(file);
  Config config;
  CheckListenAddress(file.api().listen_address(), "api.listen_address", errors);
  if (file.api().has_tls()) CheckTls(file.api().tls(), "api.tls", true, errors);
  CheckListenAddress(file.http().listen_address(), "http.listen_address", errors);

  const ims::config::v1::GatewayConfig& gateways = file.gateways();
  for (int i = 0; i < gateways.targets_size(); ++i) {
    absl::StatusOr<HostPort> target = ParseHostPort(gateways.targets(i));
    if (target.ok()) {
      config.gateway_targets.push_back(*std::move(target));
    } else {
      errors.Add(absl::StrCat("gateways.targets[", i, "]"), target.status().message());
    }
  }
  if (gateways.has_tls()) CheckTls(gateways.tls(), "gateways.tls", false, errors);
  config.resolve_interval =
      CheckDuration(gateways.has_resolve_interval(), gateways.resolve_interval(), absl::Seconds(10),
                    absl::Seconds(1), absl::Hours(1), "gateways.resolve_interval", errors);
  config.call_timeout =
      CheckDuration(gateways.has_call_timeout(), gateways.call_timeout(), absl::Seconds(5),
                    absl::Milliseconds(100), absl::Minutes(1), "gateways.call_timeout", errors);
  config.policy = CheckPolicy(file.policy(), errors);
  if (!errors.empty()) {
    return errors.ToStatus(file_name.empty() ? "command line" : file_name);
  }
  config.file = std::move(file);
  return config;
}

}  // namespace

absl::StatusOr<Config> LoadConfig(const std::string& file_name, const ConfigOverrides& overrides) {
  AlgConfig file;
  ConfigErrors errors;
  if (!file_name.empty()) common::LoadYamlFile(file_name, &file, &errors);
  return Check(std::move(file), file_name, overrides, errors);
}

absl::StatusOr<Config> ParseConfig(absl::string_view yaml, const std::string& file_name,
                                   const ConfigOverrides& overrides) {
  AlgConfig file;
  ConfigErrors errors;
  common::LoadYaml(yaml, &file, &errors);
  return Check(std::move(file), file_name, overrides, errors);
}

}  // namespace alg
