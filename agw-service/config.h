// The configuration of the service: file, defaults, checks.

#ifndef AGW_SERVICE_CONFIG_H_
#define AGW_SERVICE_CONFIG_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agw-service/context/event.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/realm/ip_realm.h"
#include "common/config_file.h"
#include "ims/config/v1/agw_config.pb.h"

namespace agw {

// What was given on the command line; empty where it was not.
struct ConfigOverrides {
  std::string instance_id;
  std::string iq_address;
  std::string http_address;
};

// Reads `file_name`, or nothing if it is empty, and applies `overrides` and the defaults.
// `kInvalidArgument` lists all mistakes, one a line.
absl::StatusOr<ims::config::v1::AgwConfig> LoadConfig(const std::string& file_name,
                                                      const ConfigOverrides& overrides);

// Gives every field that is absent its default (agw_config.proto has them).
void SetDefaults(ims::config::v1::AgwConfig* config);

// Tells `errors` all that is wrong with a configuration that has its defaults.
void Validate(const ims::config::v1::AgwConfig& config, common::ConfigErrors* errors);

// Of a configuration that is valid, with its addresses resolved (realm_addresses.h). Workers tell
// `on_port_pool_low`, if there is one, that an address has few ports left.
using PortPoolLowSink = std::function<void(PortPoolLow)>;
std::vector<IpRealm> MakeRealms(const ims::config::v1::AgwConfig& config,
                                const PortPoolLowSink& on_port_pool_low = nullptr);
ContextLimits MakeContextLimits(const ims::config::v1::AgwConfig& config);

}  // namespace agw

#endif  // AGW_SERVICE_CONFIG_H_
