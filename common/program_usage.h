// What --help and --version of our services say.

#ifndef COMMON_PROGRAM_USAGE_H_
#define COMMON_PROGRAM_USAGE_H_

#include "absl/strings/string_view.h"

namespace common {

// --help shows `message` and the flags of main.cc, not those of libraries; --version the version. Before
// absl::ParseCommandLine().
void SetProgramUsage(absl::string_view message);

}  // namespace common

#endif  // COMMON_PROGRAM_USAGE_H_
