// Linux takes the port of an outgoing connection that nobody bound from its ephemeral range
// (net.ipv4.ip_local_port_range, by default 32768 to 60999), unless it is reserved
// (net.ipv4.ip_local_reserved_ports). A port of a realm that is in that range may be taken when a
// session wants it.

#ifndef AGW_SERVICE_EPHEMERAL_PORTS_H_
#define AGW_SERVICE_EPHEMERAL_PORTS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "ims/config/v1/agw_config.pb.h"

namespace agw {

// True if a port from `first_port` to `last_port` is in `ephemeral_range` ("32768 60999") and not
// in `reserved_ports` ("8080,10000-29999"). The two are what the files of the sysctls contain;
// false where they cannot be read.
bool HasEphemeralPort(uint32_t first_port, uint32_t last_port, absl::string_view ephemeral_range,
                      absl::string_view reserved_ports);

// Logs a warning for each realm with such ports, with the sysctl to set.
void WarnOfEphemeralPorts(const ims::config::v1::AgwConfig& config);

}  // namespace agw

#endif  // AGW_SERVICE_EPHEMERAL_PORTS_H_
