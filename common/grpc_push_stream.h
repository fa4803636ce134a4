// A server-streaming call that writes when there is something to write: for services that tell
// their clients what happens.

#ifndef COMMON_GRPC_PUSH_STREAM_H_
#define COMMON_GRPC_PUSH_STREAM_H_

#include "absl/base/thread_annotations.h"
#include "absl/types/optional.h"
#include "common/mutex.h"
#include "grpcpp/support/server_callback.h"

namespace common {

// One write is under way at a time; a client that does not read thus stops its own stream and no
// other: what it has not taken is the subclass's to keep, or not, in `Next()`. Thread-safe. Make it
// with `new`, and return it to gRPC; it deletes itself when the call is over.
template <typename Response>
class PushStream : public grpc::ServerWriteReactor<Response> {
 public:
  // Writes what `Next()` gives, unless a write is under way.
  void Wake() {
    MutexLock lock(mutex_);
    WriteNext();
  }

  // Ends the call with `status` once no write is under way. Only the first one counts.
  void Close(const grpc::Status& status) {
    MutexLock lock(mutex_);
    if (!closing_.has_value()) closing_ = status;
    WriteNext();
  }

 protected:
  ~PushStream() override = default;

  // The next message; nullopt if there is none now. Called with the stream's lock held.
  virtual absl::optional<Response> Next() = 0;

  // Whether `Next()` would give another one at once: then gRPC need not send the present one by
  // itself. Called with the stream's lock held, after `Next()`.
  virtual bool more_follows() const { return false; }

  // The call is over; the stream is deleted next.
  virtual void OnEnd() = 0;

 private:
  void OnWriteDone(bool ok) final {
    MutexLock lock(mutex_);
    writing_ = false;
    if (!ok && !closing_.has_value()) closing_ = grpc::Status::CANCELLED;
    WriteNext();
  }
  void OnCancel() final { Close(grpc::Status::CANCELLED); }
  void OnDone() final {
    OnEnd();
    delete this;
  }

  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (writing_ || finished_) return;
    if (closing_.has_value()) {
      finished_ = true;
      this->Finish(*closing_);
      return;
    }
    absl::optional<Response> next = Next();
    if (!next.has_value()) return;
    current_ = *std::move(next);
    writing_ = true;
    grpc::WriteOptions options;
    // The first carries the initial metadata, for whose sending gRPC would wait.
    if (begun_ && more_follows()) options.set_buffer_hint();
    begun_ = true;
    this->StartWrite(&current_, options);
  }

  Mutex mutex_;
  bool begun_ ABSL_GUARDED_BY(mutex_) = false;
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;
  absl::optional<grpc::Status> closing_ ABSL_GUARDED_BY(mutex_);
  Response current_ ABSL_GUARDED_BY(mutex_);  // Must stay as it is while it is written.
};

}  // namespace common

#endif  // COMMON_GRPC_PUSH_STREAM_H_
