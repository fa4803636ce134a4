// The version of both services and of iqctl; that of the chart and its images is the same.

#ifndef COMMON_VERSION_H_
#define COMMON_VERSION_H_

namespace common {

// As https://semver.org has it.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace common

#endif  // COMMON_VERSION_H_
