// Reads small files as a whole.

#ifndef COMMON_READ_FILE_H_
#define COMMON_READ_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace common {

// The content of the file. `kNotFound` or another code for its errno, with the name in the message,
// if it cannot be read; a folder cannot.
absl::StatusOr<std::string> ReadFile(const std::string& file_name);

}  // namespace common

#endif  // COMMON_READ_FILE_H_
