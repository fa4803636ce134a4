// What the control group of this process (cgroups(7)), which is the container's in a pod, leaves to it.

#ifndef COMMON_CONTROL_GROUP_H_
#define COMMON_CONTROL_GROUP_H_

#include <cstdint>
#include <string>

#include "absl/types/optional.h"

namespace common {

struct ControlGroupLimits {
  absl::optional<double> cpu_count;       // CPU time per time: 1.5 is one and a half CPUs.
  absl::optional<uint64_t> memory_bytes;  // What the kernel keeps for the process included.
};

// The tightest limits of the group and those it is in; absent where there are none. Versions 1 and 2.
// `mount_point` and `membership_file` are for tests.
ControlGroupLimits ReadControlGroupLimits(const std::string& mount_point = "/sys/fs/cgroup",
                                          const std::string& membership_file = "/proc/self/cgroup");

// Of the whole host, for where there is no limit.
uint64_t HostMemoryBytes();

// How many threads find a CPU: those this process may run on, or fewer by its control group. At
// least 1.
uint32_t UsableCpuCount();

}  // namespace common

#endif  // COMMON_CONTROL_GROUP_H_
