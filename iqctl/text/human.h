// Values as people read them.

#ifndef IQCTL_TEXT_HUMAN_H_
#define IQCTL_TEXT_HUMAN_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"

namespace iqctl {

// "SIDE_ACCESS" without the prefix "SIDE_", in lower case: "access". "" for the value that says nothing.
std::string ShortName(absl::string_view value_name, absl::string_view prefix);

// "1,234,567"
std::string WithSeparators(uint64_t number);

// "1.2 MB", "734 B"; powers of ten.
std::string ByteCount(uint64_t bytes);

// "1h 2m", "12.3 s", "5 ms": two units at most. "" if it is absent, that is zero.
std::string ToHuman(const google::protobuf::Duration& duration);

// In UTC, "2026-01-31T12:00:00.123Z". "" if it is absent.
std::string ToHuman(const google::protobuf::Timestamp& time);

// "1 session", "2 sessions"
std::string Counted(uint64_t count, absl::string_view what);

}  // namespace iqctl

#endif  // IQCTL_TEXT_HUMAN_H_
