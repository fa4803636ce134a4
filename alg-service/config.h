// The configuration of the service: file, defaults, checks.

#ifndef ALG_SERVICE_CONFIG_H_
#define ALG_SERVICE_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "alg-service/session/session_policy.h"
#include "common/config_file.h"
#include "common/name_resolver.h"
#include "ims/config/v1/alg_config.pb.h"

namespace alg {

// What was given on the command line; empty where it was not.
struct ConfigOverrides {
  std::string api_address;
  std::string http_address;
  std::vector<std::string> gateway_targets;
};

// Reads `file_name`, or nothing if it is empty, and applies `overrides` and the defaults.
// `kInvalidArgument` lists all mistakes, one a line.
absl::StatusOr<ims::config::v1::AlgConfig> LoadConfig(const std::string& file_name,
                                                      const ConfigOverrides& overrides);

// Gives every field that is absent its default (alg_config.proto has them).
void SetDefaults(ims::config::v1::AlgConfig* config);

// Tells `errors` all that is wrong with a configuration that has its defaults. Whether certificates
// can be used, and whether plaintext is allowed, is found out by those who use them.
void Validate(const ims::config::v1::AlgConfig& config, common::ConfigErrors* errors);

// Of a configuration that is valid.
std::vector<common::HostPort> MakeGatewayTargets(const ims::config::v1::AlgConfig& config);
SessionPolicy MakeSessionPolicy(const ims::config::v1::AlgConfig& config);

}  // namespace alg

#endif  // ALG_SERVICE_CONFIG_H_
