#include "agw-service/context/buffered_bytes.h"

#include "absl/time/time.h"

namespace agw {

BufferedBytes::Account::Account(BufferedBytes& bytes, std::function<void()> end)
    : bytes_(bytes),
      end_(std::move(end)),
      place_(bytes.accounts_.insert(bytes.accounts_.end(), this)) {}

BufferedBytes::Account::~Account() {
  bytes_.total_ -= byte_count_;
  bytes_.accounts_.erase(place_);
}

void BufferedBytes::Account::Set(size_t byte_count) {
  if (byte_count == byte_count_) return;
  bytes_.total_ += byte_count - byte_count_;
  byte_count_ = byte_count;
  bytes_.accounts_.splice(bytes_.accounts_.end(), bytes_.accounts_, place_);
  if (bytes_.total_ <= bytes_.limit_ || bytes_.end_some_.running()) return;
  // Not at once: whoever calls is in the midst of moving octets.
  bytes_.end_some_.Start(absl::ZeroDuration(), [bytes = &bytes_] { bytes->EndSome(); });
}

void BufferedBytes::EndSome() {
  while (total_ > limit_) {
    // A copy, for it may destroy the account.
    const std::function<void()> end = accounts_.front()->end_;
    // It is empty from here on, even if its owner keeps it for a while.
    accounts_.front()->Set(0);
    end();
  }
}

}  // namespace agw
