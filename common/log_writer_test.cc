#include "common/log_writer.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {
namespace {

using testing::HasSubstr;

constexpr size_t kCapacity = 64 * 1024;

// A log whose reader is the test.
class LogWriterTest : public testing::Test {
 protected:
  LogWriterTest() { EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0); }
  ~LogWriterTest() override {
    writer_.reset();
    CloseReader();
    close(ends_[1]);
  }

  void Start() { writer_ = std::make_unique<LogWriter>(ends_[1], kCapacity); }
  void CloseReader() {
    if (ends_[0] >= 0) close(ends_[0]);
    ends_[0] = -1;
  }

  // Reads until what was read ends with `end`.
  std::string ReadUntil(const std::string& end) {
    std::string text;
    std::array<char, 4096> buffer;
    while (!absl::EndsWith(text, end)) {
      const ssize_t count = read(ends_[0], buffer.data(), buffer.size());
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<size_t>(count));
    }
    return text;
  }

  std::array<int, 2> ends_;
  std::unique_ptr<LogWriter> writer_;
};

TEST_F(LogWriterTest, WritesLinesInTheirOrderAndWhole) {
  Start();
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string line = absl::StrCat(i, std::string(200, 'x'), "\n");
    writer_->Append(line);
    expected += line;
  }
  const std::string last(20'000, 'y');  // More than a pipe takes at a time.
  writer_->Append(last + "\n");
  EXPECT_EQ(ReadUntil("y\n"), expected + last + "\n");
  EXPECT_EQ(writer_->dropped_line_count(), 0u);
}

TEST_F(LogWriterTest, AReaderThatStallsGrowsNoMemoryHoldsUpNobodyAndLearnsWhatItMissed) {
  Start();
  const std::string line = std::string(999, 'x') + "\n";
  constexpr int kLineCount = 10'000;
  for (int i = 0; i < kLineCount; ++i) writer_->Append(line);  // Nobody reads, nobody waits.
  const uint64_t dropped = writer_->dropped_line_count();
  // The pipe and the queue hold some; neither can hold more than it has room for.
  EXPECT_GT(dropped, kLineCount - 1000u);
  EXPECT_LT(dropped, kLineCount - 60u);

  const std::string text = ReadUntil("}\n");
  EXPECT_THAT(text, HasSubstr(absl::StrCat(
                        "\"event\":\"log_lines_dropped\",\"line_count\":", dropped, "}\n")));
  const size_t written = static_cast<size_t>(std::count(text.begin(), text.end(), '\n')) - 1;
  EXPECT_EQ(written + dropped, size_t{kLineCount});

  writer_->Append("and on\n");
  EXPECT_EQ(ReadUntil("on\n"), "and on\n");
}

TEST_F(LogWriterTest, StopsThoughTheReaderStalls) {
  Start();
  for (int i = 0; i < 1000; ++i) writer_->Append(std::string(999, 'x') + "\n");
  writer_->Flush(absl::Milliseconds(10));
  writer_.reset();
}

TEST_F(LogWriterTest, LinesThatNobodyCanReadAnyMoreAreCounted) {
  Start();
  CloseReader();
  writer_->Append("lost\n");
  writer_->Flush(absl::Seconds(20));
  EXPECT_EQ(writer_->dropped_line_count(), 1u);
}

TEST_F(LogWriterTest, LinesThatComeTogetherAreWrittenTogether) {
  // A socket that keeps the limits of writes.
  std::array<int, 2> sockets;
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets.data()), 0);
  constexpr int kLineCount = 100;
  size_t write_count = 0;
  size_t size = 0;
  {
    LogWriter writer(sockets[1], kCapacity);
    for (int i = 0; i < kLineCount; ++i) writer.Append(std::string(99, 'x') + "\n");
    std::array<char, PIPE_BUF> buffer;
    while (size < 100 * kLineCount) {
      const ssize_t count = recv(sockets[0], buffer.data(), buffer.size(), 0);
      ASSERT_GT(count, 0);
      EXPECT_EQ(buffer[static_cast<size_t>(count) - 1], '\n');
      size += static_cast<size_t>(count);
      ++write_count;
    }
  }
  close(sockets[0]);
  close(sockets[1]);
  EXPECT_EQ(size, 100u * kLineCount);
  // Three at best; the thread may be late, so that the first lines wait for none.
  EXPECT_LT(write_count, kLineCount / 4u);
}

TEST_F(LogWriterTest, FlushWaitsUntilAllIsWritten) {
  Start();
  std::string text;
  std::thread reader([&] { text = ReadUntil("end\n"); });
  for (int i = 0; i < 50; ++i) writer_->Append(std::string(999, 'x') + "\n");
  writer_->Append("end\n");
  writer_->Flush(absl::Seconds(20));
  reader.join();
  EXPECT_EQ(text.size(), 50'004u);
}

}  // namespace
}  // namespace common
