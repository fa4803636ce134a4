#include "common/log_writer.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/monotonic_time.h"
#include "common/thread_name.h"

namespace common {
namespace {

// How often a writer whose reader stalls looks whether it should stop.
constexpr int kStopLookMs = 100;

// How long lines wait for others.
constexpr absl::Duration kGatherTime = absl::Milliseconds(10);

std::string DroppedLine(uint64_t line_count) {
  return absl::StrCat(
      "{\"time\":\"", absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()),
      "\",\"level\":\"warning\",\"event\":\"log_lines_dropped\",\"line_count\":", line_count,
      "}\n");
}

}  // namespace

LogWriter::LogWriter(int fd, size_t capacity) : fd_(fd), capacity_(capacity) {
  // The thread inherits the mask. Signals are for threads that wait for them, and SIGPIPE is for
  // nobody.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

LogWriter::~LogWriter() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LogWriter::Append(std::string line) {
  bool wake = false;
  {
    MutexLock lock(mutex_);
    if (size_ + line.size() > capacity_) {
      ++dropped_line_count_;
      return;
    }
    size_ += line.size();
    lines_.push_back(std::move(line));
    wake = std::exchange(resting_, false) ||
           (size_ > capacity_ / 2 && std::exchange(gathering_, false));
  }
  if (wake) changed_.notify_all();
}

// The analysis does not follow a condition variable that takes the lock by reference.
void LogWriter::Flush(absl::Duration patience) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const MonotonicTime deadline = MonotonicTime::Now() + patience;
  MutexLock lock(mutex_);
  ++flush_count_;
  changed_.notify_all();
  while ((size_ > 0 || dropped_line_count_ > reported_line_count_) &&
         MonotonicTime::Now() < deadline) {
    changed_.wait_until(mutex_, deadline.ToChrono());
  }
  --flush_count_;
}

uint64_t LogWriter::dropped_line_count() const {
  MutexLock lock(mutex_);
  return dropped_line_count_;
}

bool LogWriter::stopping() const {
  MutexLock lock(mutex_);
  return stopping_;
}

// As for `Flush()`.
void LogWriter::Run() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  NameThisThread("log");
  MutexLock lock(mutex_);
  std::string text;
  while (WaitForLines()) {
    while (!stopping_ && (!lines_.empty() || dropped_line_count_ > reported_line_count_)) {
      const uint64_t line_count = TakeLines(&text);
      mutex_.Unlock();
      const bool written = Write(text);
      mutex_.Lock();
      size_ -= text.size();
      if (!written) reported_line_count_ = dropped_line_count_ += line_count;
    }
    if (flush_count_ > 0) changed_.notify_all();
  }
}

bool LogWriter::WaitForLines() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  while (lines_.empty() && dropped_line_count_ == reported_line_count_ && !stopping_) {
    resting_ = true;
    changed_.wait(mutex_);
  }
  resting_ = false;
  const MonotonicTime deadline = MonotonicTime::Now() + kGatherTime;
  gathering_ = size_ <= capacity_ / 2;
  while (gathering_ && flush_count_ == 0 && !stopping_ && MonotonicTime::Now() < deadline) {
    changed_.wait_until(mutex_, deadline.ToChrono());
  }
  gathering_ = false;
  return !stopping_;
}

uint64_t LogWriter::TakeLines(std::string* text) {
  text->clear();
  if (lines_.empty()) {
    // Not before what has found room since the gap; nothing says where exactly it was.
    *text = DroppedLine(dropped_line_count_ - reported_line_count_);
    size_ += text->size();
    reported_line_count_ = dropped_line_count_;
    return 1;
  }
  uint64_t line_count = 0;
  do {
    text->append(lines_.front());
    lines_.pop_front();
    ++line_count;
  } while (!lines_.empty() && text->size() + lines_.front().size() <= PIPE_BUF);
  return line_count;
}

bool LogWriter::Write(const std::string& text) const {
  for (size_t written = 0; written < text.size();) {
    // A pipe that is ready takes that much without blocking.
    pollfd ready{.fd = fd_, .events = POLLOUT, .revents = 0};
    if (poll(&ready, 1, kStopLookMs) <= 0) {
      if (stopping()) return false;
      continue;
    }
    const ssize_t count =
        write(fd_, text.data() + written, std::min<size_t>(text.size() - written, PIPE_BUF));
    if (count < 0 && errno != EINTR && errno != EAGAIN) return false;  // Nobody can read any more.
    if (count > 0) written += static_cast<size_t>(count);
  }
  return true;
}

}  // namespace common
