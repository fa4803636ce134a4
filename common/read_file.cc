#include "common/read_file.h"

#include <cerrno>
#include <cstdio>

#include "absl/cleanup/cleanup.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace common {

absl::StatusOr<std::string> ReadFile(const std::string& file_name) {
  const std::string what = absl::StrCat("cannot read ", file_name);
  std::FILE* file = std::fopen(file_name.c_str(), "re");
  if (file == nullptr) return absl::ErrnoToStatus(errno, what);
  const absl::Cleanup close = [file] { std::fclose(file); };
  std::string content;
  char buffer[4096];
  size_t size = 0;
  while ((size = std::fread(buffer, 1, sizeof(buffer), file)) > 0) content.append(buffer, size);
  if (std::ferror(file) != 0) return absl::ErrnoToStatus(errno, what);
  return content;
}

}  // namespace common
