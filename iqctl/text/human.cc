#include "iqctl/text/human.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace iqctl {

std::string ShortName(absl::string_view value_name, absl::string_view prefix) {
  const absl::string_view name = absl::StripPrefix(value_name, prefix);
  return name == "UNSPECIFIED" ? "" : absl::AsciiStrToLower(name);
}

std::string WithSeparators(uint64_t number) {
  std::string digits = absl::StrCat(number);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string ByteCount(uint64_t bytes) {
  if (bytes < 1000) return absl::StrCat(bytes, " B");
  constexpr absl::string_view kUnits[] = {"kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes) / 1000;
  size_t unit = 0;
  for (; value >= 999.95 && unit + 1 < 4; ++unit) value /= 1000;
  return absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string ToHuman(const google::protobuf::Duration& duration) {
  const absl::Duration d = absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
  if (d == absl::ZeroDuration()) return "";
  if (d < absl::Milliseconds(1)) return "<1 ms";
  if (d < absl::Seconds(1)) return absl::StrFormat("%d ms", absl::ToInt64Milliseconds(d));
  if (d < absl::Minutes(1)) return absl::StrFormat("%.1f s", absl::ToDoubleSeconds(d));
  const int64_t seconds = absl::ToInt64Seconds(d);
  if (d < absl::Hours(1)) return absl::StrFormat("%dm %ds", seconds / 60, seconds % 60);
  if (d < absl::Hours(48)) return absl::StrFormat("%dh %dm", seconds / 3600, seconds / 60 % 60);
  return absl::StrFormat("%dd %dh", seconds / 86400, seconds / 3600 % 24);
}

std::string ToHuman(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ",
                          absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos()),
                          absl::UTCTimeZone());
}

std::string Counted(uint64_t count, absl::string_view what) {
  return absl::StrCat(WithSeparators(count), " ", what, count == 1 ? "" : "s");
}

}  // namespace iqctl
