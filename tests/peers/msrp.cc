#include "tests/peers/msrp.h"

#include <poll.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"

namespace peers {
namespace {

constexpr absl::string_view kLineEnd = "\r\n";

// Of the largest body of a chunk.
constexpr size_t kChunkSize = 64 * 1024;

absl::Status Malformed(absl::string_view what) {
  return absl::DataLossError(absl::StrCat("MSRP: ", what));
}

}  // namespace

struct MsrpSession::Frame {
  std::string transaction_id;
  int status = 0;  // 0: a SEND request.
  std::string to_path;
  std::string from_path;
  std::string message_id;
  std::string content_type;
  uint64_t range_start = 0;
  uint64_t range_end = 0;
  uint64_t total = 0;
  absl::string_view body;  // Part of `inbound_`.
  char flag = 0;
};

MsrpSession::MsrpSession(Connection* connection, std::string own_path, std::string remote_path)
    : connection_(connection),
      own_path_(std::move(own_path)),
      remote_path_(std::move(remote_path)) {}

absl::Status MsrpSession::SendMessage(absl::string_view content_type, absl::string_view body,
                                      absl::Duration timeout) {
  const std::string message_id = absl::StrCat("m", ++transaction_count_, "x");
  size_t offset = 0;
  do {
    const absl::string_view chunk = body.substr(offset, kChunkSize);
    const bool last = offset + chunk.size() == body.size();
    const std::string transaction_id = absl::StrCat("t", ++transaction_count_, "id");
    absl::StrAppend(&outbound_, "MSRP ", transaction_id, " SEND\r\n",  //
                    "To-Path: ", remote_path_, "\r\n",                 //
                    "From-Path: ", own_path_, "\r\n",                  //
                    "Message-ID: ", message_id, "\r\n");
    absl::StrAppend(&outbound_, "Byte-Range: ", offset + 1, "-", offset + chunk.size(), "/",
                    body.size(), "\r\n",                                //
                    "Content-Type: ", content_type, "\r\n\r\n", chunk,  //
                    "\r\n-------", transaction_id, last ? "$" : "+", "\r\n");
    ++awaited_response_count_;
    offset += chunk.size();
  } while (offset < body.size());
  return Run(absl::Now() + timeout, [this] { return awaited_response_count_ == 0; });
}

absl::StatusOr<MsrpMessage> MsrpSession::ReceiveMessage(absl::Duration timeout) {
  RETURN_IF_ERROR(Run(absl::Now() + timeout, [this] { return !messages_.empty(); }));
  MsrpMessage message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

template <typename Condition>
absl::Status MsrpSession::Run(absl::Time deadline, Condition done) {
  while (true) {
    const size_t size_before = inbound_.size();
    const Ending ending = connection_->ReceiveSome(&inbound_);
    const bool received_more = inbound_.size() > size_before;
    RETURN_IF_ERROR(TakeFrames());
    while (sent_ < outbound_.size()) {
      ASSIGN_OR_RETURN(const size_t count,
                       connection_->SendSome(absl::string_view(outbound_).substr(sent_)));
      if (count == 0) break;
      sent_ += count;
    }
    const bool all_sent = sent_ == outbound_.size();
    if (all_sent) {
      outbound_.clear();
      sent_ = 0;
      if (done()) return absl::OkStatus();
    }
    if (ending != Ending::kNone) {
      return absl::UnavailableError(absl::StrCat("the session ended with ", ToString(ending)));
    }
    // What TLS has decrypted already does not make the socket readable.
    if (received_more) continue;
    pollfd entry{.fd = connection_->socket().fd(), .events = POLLIN, .revents = 0};
    if (!all_sent) entry.events |= POLLOUT;
    const absl::Duration left = deadline - absl::Now();
    if (left <= absl::ZeroDuration() ||
        poll(&entry, 1, static_cast<int>(absl::ToInt64Milliseconds(left)) + 1) == 0) {
      return absl::DeadlineExceededError("MSRP: nothing more came in time");
    }
  }
}

absl::Status MsrpSession::TakeFrames() {
  size_t position = 0;
  while (true) {
    Frame frame;
    bool complete = false;
    RETURN_IF_ERROR(ReadFrame(&position, &frame, &complete));
    if (!complete) break;
    RETURN_IF_ERROR(HandleFrame(frame));
  }
  inbound_.erase(0, position);
  return absl::OkStatus();
}

absl::Status MsrpSession::ReadFrame(size_t* position, Frame* frame, bool* complete) const {
  const absl::string_view rest = absl::string_view(inbound_).substr(*position);
  *complete = false;
  const size_t first_line_end = rest.find(kLineEnd);
  if (first_line_end == absl::string_view::npos) return absl::OkStatus();
  const std::vector<absl::string_view> words =
      absl::StrSplit(rest.substr(0, first_line_end), absl::MaxSplits(' ', 3));
  if (words.size() < 3 || words[0] != "MSRP") return Malformed("no start line");
  frame->transaction_id = std::string(words[1]);
  const std::string end_line = absl::StrCat("-------", words[1]);
  if (words[2] != "SEND" && !absl::SimpleAtoi(words[2], &frame->status)) {
    return Malformed(absl::StrCat("unexpected method ", words[2]));
  }

  size_t cursor = first_line_end + kLineEnd.size();
  bool has_body = false;
  while (true) {
    const size_t line_end = rest.find(kLineEnd, cursor);
    if (line_end == absl::string_view::npos) return absl::OkStatus();
    const absl::string_view line = rest.substr(cursor, line_end - cursor);
    if (absl::StartsWith(line, end_line)) break;
    cursor = line_end + kLineEnd.size();
    if (line.empty()) {
      has_body = true;
      break;
    }
    const std::pair<absl::string_view, absl::string_view> header =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    if (header.first == "To-Path") frame->to_path = std::string(header.second);
    if (header.first == "From-Path") frame->from_path = std::string(header.second);
    if (header.first == "Message-ID") frame->message_id = std::string(header.second);
    if (header.first == "Content-Type") frame->content_type = std::string(header.second);
    if (header.first == "Byte-Range") {
      const std::vector<absl::string_view> numbers =
          absl::StrSplit(header.second, absl::ByAnyChar("-/"));
      if (numbers.size() != 3 || !absl::SimpleAtoi(numbers[0], &frame->range_start) ||
          !absl::SimpleAtoi(numbers[1], &frame->range_end) ||
          !absl::SimpleAtoi(numbers[2], &frame->total) || frame->range_start == 0 ||
          frame->range_end + 1 < frame->range_start) {
        return Malformed("Byte-Range");
      }
    }
  }
  if (has_body) {
    const size_t size = frame->range_end + 1 - frame->range_start;
    if (rest.size() < cursor + size + kLineEnd.size()) return absl::OkStatus();
    frame->body = rest.substr(cursor, size);
    if (rest.substr(cursor + size, kLineEnd.size()) != kLineEnd) return Malformed("end of body");
    cursor += size + kLineEnd.size();
  }
  const size_t frame_end = cursor + end_line.size() + 1 + kLineEnd.size();
  if (rest.size() < frame_end) return absl::OkStatus();
  if (!absl::StartsWith(rest.substr(cursor), end_line)) return Malformed("no end line");
  frame->flag = rest[cursor + end_line.size()];
  *position += frame_end;
  *complete = true;
  return absl::OkStatus();
}

absl::Status MsrpSession::HandleFrame(const Frame& frame) {
  if (frame.to_path != own_path_ || frame.from_path != remote_path_) {
    return Malformed(
        absl::StrCat("paths changed: To-Path ", frame.to_path, ", From-Path ", frame.from_path));
  }
  if (frame.status != 0) {
    if (frame.status != 200) return Malformed(absl::StrCat("response ", frame.status));
    --awaited_response_count_;
    return absl::OkStatus();
  }
  if (frame.range_start != partial_.body.size() + 1) return Malformed("a chunk is missing");
  absl::StrAppend(&partial_.body, frame.body);
  ++partial_.chunk_count;
  absl::StrAppend(&outbound_, "MSRP ", frame.transaction_id, " 200 OK\r\n",  //
                  "To-Path: ", remote_path_, "\r\n",                         //
                  "From-Path: ", own_path_, "\r\n",                          //
                  "-------", frame.transaction_id, "$\r\n");
  if (frame.flag == '$') {
    if (partial_.body.size() != frame.total) return Malformed("the message is not whole");
    partial_.content_type = frame.content_type;
    messages_.push_back(std::exchange(partial_, MsrpMessage()));
  }
  return absl::OkStatus();
}

}  // namespace peers
