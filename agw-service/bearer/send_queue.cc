#include "agw-service/bearer/send_queue.h"

#include "absl/status/statusor.h"
#include "agw-service/net/socket.h"
#include "common/status_macros.h"

namespace agw {

absl::Status SendQueue::Send(absl::Span<const char> bytes) {
  if (unsent_ == nullptr) {
    // A socket that takes only a part takes no more at once, so one call is enough.
    ASSIGN_OR_RETURN(const size_t sent, agw::Send(fd_, bytes));
    bytes.remove_prefix(sent);
    if (bytes.empty()) return absl::OkStatus();
    unsent_ = std::make_unique<std::vector<char>>();
    unsent_offset_ = 0;
  }
  unsent_->insert(unsent_->end(), bytes.begin(), bytes.end());
  return absl::OkStatus();
}

absl::Status SendQueue::Finish() {
  finish_requested_ = true;
  return FinishIfEmpty();
}

absl::Status SendQueue::Flush() {
  if (unsent_ != nullptr) {
    ASSIGN_OR_RETURN(const size_t sent,
                     agw::Send(fd_, absl::MakeConstSpan(*unsent_).subspan(unsent_offset_)));
    unsent_offset_ += sent;
    if (unsent_offset_ == unsent_->size()) unsent_.reset();
  }
  return FinishIfEmpty();
}

absl::Status SendQueue::FinishIfEmpty() {
  if (!finish_requested_ || finished_ || unsent_ != nullptr) return absl::OkStatus();
  finished_ = true;
  return ShutdownWrite(fd_);
}

size_t SendQueue::unsent_byte_count() const {
  const size_t fin = finish_requested_ && !finished_ ? 1 : 0;
  return fin + (unsent_ == nullptr ? 0 : unsent_->size() - unsent_offset_);
}

}  // namespace agw
