// Log lines on their way to a descriptor, which is standard error outside of tests.

#ifndef COMMON_LOG_WRITER_H_
#define COMMON_LOG_WRITER_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "common/mutex.h"

namespace common {

// A thread of its own writes, so that a reader who stalls holds up nobody else. What waits for it
// is bounded: lines over the bound are dropped and counted, and when there is room again a line
// says how many they were ("log_lines_dropped"). Lines are gathered for 10 ms, so that many of them
// cost one wake-up and one write; a flush, or much that waits, ends that. Thread-safe.
class LogWriter {
 public:
  // Keeps at most `capacity` octets that are not written yet. `fd` stays the caller's, and open for
  // as long as the writer lives.
  LogWriter(int fd, size_t capacity);

  // Drops what the reader has not taken; call `Flush()` before.
  ~LogWriter();

  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // `line` ends with a line feed. Never blocks.
  void Append(std::string line);

  // Waits until everything is written, for at most `patience`.
  void Flush(absl::Duration patience);

  // Lines that were not written, since the beginning.
  uint64_t dropped_line_count() const;

 private:
  void Run();

  // Waits for the first line, and then a little for others. False: stop.
  bool WaitForLines() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Moves lines from the front of what waits into `text`, whole ones, as many as a write takes, and
  // says how many.
  uint64_t TakeLines(std::string* text) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Writes all of it unless the writer is stopped or nobody can read any more.
  bool Write(const std::string& text) const;
  bool stopping() const;

  const int fd_;
  const size_t capacity_;

  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> lines_ ABSL_GUARDED_BY(mutex_);
  size_t size_ ABSL_GUARDED_BY(mutex_) = 0;  // Of `lines_` and of what is being written, in octets.
  uint64_t dropped_line_count_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t reported_line_count_ ABSL_GUARDED_BY(mutex_) = 0;  // Of those dropped.
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int flush_count_ ABSL_GUARDED_BY(mutex_) = 0;     // Calls of `Flush()` under way.
  bool resting_ ABSL_GUARDED_BY(mutex_) = false;    // The thread waits for the first line.
  bool gathering_ ABSL_GUARDED_BY(mutex_) = false;  // It waits for others.
  std::thread thread_;
};

}  // namespace common

#endif  // COMMON_LOG_WRITER_H_
