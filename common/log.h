// The log: one JSON object a line, on standard error.
//
//   Log(Severity::kWarning, "tls_failed", {{"context_id", id}, {"attempt_count", 3}});
//
//   {"time":"2024-03-01T12:00:00.123Z","level":"warning","event":"tls_failed","context_id":"c1",
//    "attempt_count":3}                                                            (in one line)
//
// `event` is a stable name in snake_case, for programs; field names likewise. Never log a payload
// byte or a key.

#ifndef COMMON_LOG_H_
#define COMMON_LOG_H_

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/variant.h"

namespace common {

enum class Severity { kDebug, kInfo, kWarning, kError };

// A name and a value of a log line. Refers to both, so it lives as long as the call of `Log()`.
class LogField {
 public:
  LogField(absl::string_view name, absl::string_view value) : name_(name), value_(value) {}
  LogField(absl::string_view name, const std::string& value)
      : LogField(name, absl::string_view(value)) {}
  LogField(absl::string_view name, const char* value) : LogField(name, absl::string_view(value)) {}
  LogField(absl::string_view name, bool value) : name_(name), value_(value) {}
  LogField(absl::string_view name, double value) : name_(name), value_(value) {}
  template <typename T, typename = std::enable_if_t<std::is_integral<T>::value>>
  LogField(absl::string_view name, T value) : name_(name) {
    if constexpr (std::is_signed<T>::value) {
      value_ = static_cast<int64_t>(value);
    } else {
      value_ = static_cast<uint64_t>(value);
    }
  }

  absl::string_view name() const { return name_; }
  const absl::variant<absl::string_view, int64_t, uint64_t, double, bool>& value() const {
    return value_;
  }

 private:
  absl::string_view name_;
  absl::variant<absl::string_view, int64_t, uint64_t, double, bool> value_;
};

// Writes the line if `severity` is at least the minimum. Bytes that are not UTF-8 become U+FFFD.
// Thread-safe. Never blocks: a thread writes what waits, which is at most 1 MiB; lines beyond that
// are dropped, counted, and made known with a line "log_lines_dropped" when the reader goes on.
// What waits when the process ends, or a CHECK fails, has half a second to be read.
void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields = {});

// Waits until all lines are written, for at most `patience`. For a process that ends without
// exit(). Thread-safe.
void FlushLog(absl::Duration patience);

// Lines that were dropped since the start, because the reader of standard error stalled or has
// gone. Thread-safe.
uint64_t DroppedLogLineCount();

// Lines below it are not written. kInfo unless set. Thread-safe.
void SetMinimumSeverity(Severity severity);

// Whether a line of `severity` would be written; for callers whose fields cost something.
bool IsLogged(Severity severity);

// For tests: while it lives, lines (without the line feed) go to `sink` instead of standard error.
// `sink` is called by the thread that logs, by one at a time, and must not log. One at a time
// lives.
class ScopedLogCapture {
 public:
  explicit ScopedLogCapture(std::function<void(absl::string_view line)> sink);
  ~ScopedLogCapture();

  ScopedLogCapture(const ScopedLogCapture&) = delete;
  ScopedLogCapture& operator=(const ScopedLogCapture&) = delete;
};

}  // namespace common

#endif  // COMMON_LOG_H_
