// The configuration: file and flags to values that are known to be good.

#ifndef ALG_SERVICE_CONFIG_H_
#define ALG_SERVICE_CONFIG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "alg-service/gateway/name_resolver.h"
#include "alg-service/session/session_policy.h"
#include "ims/config/v1/alg_config.pb.h"

namespace alg {

// Immutable.
struct Config {
  // With every default filled in.
  ims::config::v1::AlgConfig file;

  // What is in it in another form.
  std::vector<HostPort> gateway_targets;
  absl::Duration resolve_interval;
  absl::Duration call_timeout;
  SessionPolicy policy;
};

// What was given on the command line; empty where it was not.
struct ConfigOverrides {
  std::string api_address;
  std::string http_address;
  std::vector<std::string> gateway_targets;
};

// Reads `file_name`, or nothing if it is empty, applies `overrides` and the defaults, and checks.
// `kInvalidArgument` lists all mistakes, one a line. Whether certificates can be used, and whether
// plaintext is allowed, is found out by those who use them.
absl::StatusOr<Config> LoadConfig(const std::string& file_name, const ConfigOverrides& overrides);

// The same for the text of a file; `file_name` is for messages.
absl::StatusOr<Config> ParseConfig(absl::string_view yaml, const std::string& file_name,
                                   const ConfigOverrides& overrides);

}  // namespace alg

#endif  // ALG_SERVICE_CONFIG_H_
