#include "common/log.h"

#include <unistd.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/check.h"
#include "common/log_writer.h"
#include "common/mutex.h"

namespace common {
namespace {

std::atomic<Severity> minimum_severity{Severity::kInfo};

// Where lines go instead of standard error; looked at only if `is_captured`.
struct Capture {
  Mutex mutex;
  std::function<void(absl::string_view)> sink ABSL_GUARDED_BY(mutex);
};
Capture& GetCapture() {
  static Capture& capture = *new Capture;  // Never destroyed: threads may log until the end.
  return capture;
}
std::atomic<bool> is_captured{false};

constexpr size_t kQueueCapacity = 1024 * 1024;
constexpr absl::Duration kPatienceAtExit = absl::Milliseconds(500);

LogWriter& GetWriter() {
  // Never destroyed, as above.
  static LogWriter& writer = *[] {
    std::atexit([] { FlushLog(kPatienceAtExit); });
    SetLastWords([] { FlushLog(kPatienceAtExit); });
    return new LogWriter(STDERR_FILENO, kQueueCapacity);
  }();
  return writer;
}

absl::string_view NameOf(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return "debug";
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "error";
}

// The length of the UTF-8 character at the start of `text`, or 0 if there is none: a stray or
// missing continuation octet, a longer form than needed, a surrogate, or beyond U+10FFFF (RFC
// 3629).
size_t Utf8CharacterLength(absl::string_view text) {
  const auto octet = [text](size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const auto continues = [&octet](size_t i) { return (octet(i) & 0xc0) == 0x80; };
  const unsigned first = octet(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4 || !continues(1)) return 0;
  if (first < 0xe0) return 2;
  if (first == 0xe0 && octet(1) < 0xa0) return 0;
  if (first == 0xed && octet(1) > 0x9f) return 0;
  if (!continues(2)) return 0;
  if (first < 0xf0) return 3;
  if (first == 0xf0 && octet(1) < 0x90) return 0;
  if (first == 0xf4 && octet(1) > 0x8f) return 0;
  return continues(3) ? 4 : 0;
}

void AppendString(absl::string_view text, std::string* line) {
  line->push_back('"');
  while (!text.empty()) {
    const size_t length = Utf8CharacterLength(text);
    const char c = text.front();
    if (length == 0) {
      line->append("\xef\xbf\xbd");  // U+FFFD
    } else if (length > 1) {
      line->append(text.data(), length);
    } else if (c == '"' || c == '\\') {
      line->push_back('\\');
      line->push_back(c);
    } else if (c == '\n') {
      line->append("\\n");
    } else if (c == '\r') {
      line->append("\\r");
    } else if (c == '\t') {
      line->append("\\t");
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      absl::StrAppendFormat(line, "\\u%04x", static_cast<unsigned>(c));
    } else {
      line->push_back(c);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  line->push_back('"');
}

struct AppendValue {
  std::string* line;

  void operator()(absl::string_view value) const { AppendString(value, line); }
  void operator()(int64_t value) const { absl::StrAppend(line, value); }
  void operator()(uint64_t value) const { absl::StrAppend(line, value); }
  void operator()(bool value) const { line->append(value ? "true" : "false"); }
  void operator()(double value) const {
    // JSON has no infinities and no NaN.
    if (std::isfinite(value)) {
      absl::StrAppendFormat(line, "%.17g", value);
    } else {
      line->append("null");
    }
  }
};

void Write(std::string line) {
  if (is_captured.load(std::memory_order_acquire)) {
    Capture& capture = GetCapture();
    MutexLock lock(capture.mutex);
    if (capture.sink) return capture.sink(absl::string_view(line).substr(0, line.size() - 1));
  }
  GetWriter().Append(std::move(line));
}

}  // namespace

void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields) {
  if (!IsLogged(severity)) return;
  std::string line;
  line.reserve(256);
  absl::StrAppend(&line, "{\"time\":\"",
                  absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()),
                  "\",\"level\":\"", NameOf(severity), "\",\"event\":");
  AppendString(event, &line);
  for (const LogField& field : fields) {
    line.push_back(',');
    AppendString(field.name(), &line);
    line.push_back(':');
    absl::visit(AppendValue{&line}, field.value());
  }
  line.append("}\n");
  Write(std::move(line));
}

void FlushLog(absl::Duration patience) { GetWriter().Flush(patience); }

uint64_t DroppedLogLineCount() { return GetWriter().dropped_line_count(); }

void SetMinimumSeverity(Severity severity) {
  minimum_severity.store(severity, std::memory_order_relaxed);
}

bool IsLogged(Severity severity) {
  return severity >= minimum_severity.load(std::memory_order_relaxed);
}

ScopedLogCapture::ScopedLogCapture(std::function<void(absl::string_view)> sink) {
  Capture& capture = GetCapture();
  MutexLock lock(capture.mutex);
  capture.sink = std::move(sink);
  is_captured.store(true, std::memory_order_release);
}

ScopedLogCapture::~ScopedLogCapture() {
  Capture& capture = GetCapture();
  MutexLock lock(capture.mutex);
  capture.sink = nullptr;
  is_captured.store(false, std::memory_order_release);
}

}  // namespace common
