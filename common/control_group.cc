#include "common/control_group.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "common/read_file.h"

namespace common {
namespace {

// Version 1 writes "no limit" as the largest number of whole pages.
constexpr uint64_t kNoLimit = uint64_t{1} << 62;

// The words of a file; empty if there is none.
std::vector<std::string> WordsOf(const std::string& file_name) {
  const absl::StatusOr<std::string> content = ReadFile(file_name);
  if (!content.ok()) return {};
  return absl::StrSplit(*content, absl::ByAnyChar(" \n"), absl::SkipEmpty());
}

absl::optional<double> NumberIn(const std::vector<std::string>& words, size_t index) {
  double number = 0;
  if (index >= words.size() || !absl::SimpleAtod(words[index], &number)) return absl::nullopt;
  return number;
}

template <typename T>
void Tighten(T value, absl::optional<T>* limit) {
  *limit = limit->has_value() ? std::min(**limit, value) : value;
}

void ReadCpu(absl::optional<double> quota, absl::optional<double> period,
             ControlGroupLimits* limits) {
  // "max", or -1, is no limit.
  if (quota.has_value() && *quota > 0 && period.has_value() && *period > 0) {
    Tighten(*quota / *period, &limits->cpu_count);
  }
}

void ReadMemory(absl::optional<double> bytes, ControlGroupLimits* limits) {
  if (bytes.has_value() && *bytes > 0 && *bytes < static_cast<double>(kNoLimit)) {
    Tighten(static_cast<uint64_t>(*bytes), &limits->memory_bytes);
  }
}

// What one group's folder says, for any version and controller: the files of others are not there.
void ReadGroup(const std::string& folder, ControlGroupLimits* limits) {
  const std::vector<std::string> cpu_max = WordsOf(folder + "/cpu.max");
  ReadCpu(NumberIn(cpu_max, 0), NumberIn(cpu_max, 1), limits);
  ReadCpu(NumberIn(WordsOf(folder + "/cpu.cfs_quota_us"), 0),
          NumberIn(WordsOf(folder + "/cpu.cfs_period_us"), 0), limits);
  ReadMemory(NumberIn(WordsOf(folder + "/memory.max"), 0), limits);
  ReadMemory(NumberIn(WordsOf(folder + "/memory.limit_in_bytes"), 0), limits);
}

}  // namespace

ControlGroupLimits ReadControlGroupLimits(const std::string& mount_point,
                                          const std::string& membership_file) {
  ControlGroupLimits limits;
  // "0::/kubepods/pod1" is version 2, "4:cpu,cpuacct:/kubepods/pod1" is version 1.
  for (const std::string& line : WordsOf(membership_file)) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    const std::string hierarchy =
        parts[1].empty() ? mount_point : absl::StrCat(mount_point, "/", parts[1]);
    // From the group up to the root, which alone is there if the group has a namespace of its own.
    for (absl::string_view group = parts[2];;) {
      ReadGroup(absl::StrCat(hierarchy, group), &limits);
      const size_t slash = group.rfind('/');
      if (slash == absl::string_view::npos || group == "/") break;
      group = group.substr(0, slash);
    }
    ReadGroup(hierarchy, &limits);
  }
  return limits;
}

uint64_t HostMemoryBytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

uint32_t UsableCpuCount() {
  cpu_set_t affinity;
  const uint32_t allowed = sched_getaffinity(0, sizeof(affinity), &affinity) == 0
                               ? static_cast<uint32_t>(CPU_COUNT(&affinity))
                               : std::max(1u, std::thread::hardware_concurrency());
  const absl::optional<double> limit = ReadControlGroupLimits().cpu_count;
  if (!limit.has_value()) return allowed;
  return std::min(allowed, std::max(1u, static_cast<uint32_t>(std::ceil(*limit))));
}

}  // namespace common
