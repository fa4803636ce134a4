// Checks that the configurations of both services have in common. A service reads its configuration
// in three steps: LoadYaml() (config_file.h), SetDefaults() for what is absent, Validate() for what
// is wrong; afterwards the message is all there is.

#ifndef COMMON_CONFIG_CHECK_H_
#define COMMON_CONFIG_CHECK_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/config_file.h"
#include "google/protobuf/duration.pb.h"
#include "ims/config/v1/endpoint.pb.h"

namespace common {

absl::Duration ToDuration(const google::protobuf::Duration& duration);

// `duration` is finite.
google::protobuf::Duration ToProto(absl::Duration duration);

// Tells `errors` of values that are not between `low` and `high`, both included.
class RangeChecker {
 public:
  explicit RangeChecker(ConfigErrors* errors) : errors_(errors) {}

  void Number(absl::string_view path, uint64_t value, uint64_t low, uint64_t high) const;
  void Time(absl::string_view path, const google::protobuf::Duration& value, absl::Duration low,
            absl::Duration high) const;

 private:
  ConfigErrors* errors_;
};

// `address` must be "IP:PORT" or "[IP]:PORT".
void ValidateListenAddress(const std::string& path, const std::string& address,
                           ConfigErrors* errors);

// The fields of `tls` must be those of a server, or of a client. Whether the files can be used is
// found out by grpc_security.h.
void ValidateServerTls(const ims::config::v1::MutualTls& tls, const std::string& path,
                       ConfigErrors* errors);
void ValidateClientTls(const ims::config::v1::MutualTls& tls, const std::string& path,
                       ConfigErrors* errors);

}  // namespace common

#endif  // COMMON_CONFIG_CHECK_H_
