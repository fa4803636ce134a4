// A server stream of gRPC that is opened again whenever it has ended.

#ifndef ALG_SERVICE_GATEWAY_WATCH_H_
#define ALG_SERVICE_GATEWAY_WATCH_H_

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/grpc_status.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"

namespace alg {

// A stream from its beginning to its end. Keeps itself alive until then. Thread-safe.
template <typename Request, typename Response>
class WatchStream final : public grpc::ClientReadReactor<Response> {
 public:
  struct Handlers {
    std::function<void(const Response& response)> on_message;

    // The last call. What the stream had of the channel is gone by then: whoever hears of the end
    // may be the one that lets the channel go (common/grpc_lifetime.h).
    std::function<void(const absl::Status& status)> on_end;
  };

  // `start` hands call, request and reactor to the method of the stub. The handlers run on
  // gRPC's threads, one after the other.
  template <typename Start>
  static std::shared_ptr<WatchStream> Open(Request request, Handlers handlers, Start start) {
    std::shared_ptr<WatchStream> stream(new WatchStream(std::move(request), std::move(handlers)));
    stream->self_ = stream;
    start(&stream->call_, &stream->request_, stream.get());
    stream->StartRead(&stream->response_);
    stream->StartCall();
    return stream;
  }

  void Cancel() { call_.TryCancel(); }

 private:
  WatchStream(Request request, Handlers handlers)
      : request_(std::move(request)), handlers_(std::move(handlers)) {}

  void OnReadDone(bool ok) override {
    if (!ok) return;
    handlers_.on_message(response_);
    this->StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    const absl::Status end = common::FromGrpcStatus(status);
    const Handlers handlers = std::move(handlers_);
    std::shared_ptr<WatchStream> self = std::move(self_);
    self.reset();  // Perhaps the last reference: nothing of this is used any more.
    handlers.on_end(end);
  }

  grpc::ClientContext call_;
  const Request request_;
  Response response_;
  Handlers handlers_;
  std::shared_ptr<WatchStream> self_;
};

// One stream after the other, with a pause in between that grows from 100 ms to 1 s as long as no
// message comes. Whoever makes one calls `Close()` before what the handlers use goes. Thread-safe.
template <typename Request, typename Response>
class Watch : public std::enable_shared_from_this<Watch<Request, Response>> {
 public:
  using Stream = WatchStream<Request, Response>;

  // Called for each message, and for the end of each stream, when the next one can be planned
  // already. They run on gRPC's threads, one after the other, and must not call `Close()`.
  explicit Watch(typename Stream::Handlers handlers) : handlers_(std::move(handlers)) {}

  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // When `Open()` may be called: `InfiniteFuture()` while a stream is open, and after `Close()`.
  common::MonotonicTime due() const {
    common::MutexLock lock(mutex_);
    return stream_ != nullptr || closing_ ? common::MonotonicTime::InfiniteFuture() : due_;
  }

  // Opens a stream, unless one is open. `start` as for `WatchStream::Open()`.
  template <typename Start>
  void Open(Request request, Start start) {
    auto self = this->shared_from_this();
    common::MutexLock lock(mutex_);
    if (stream_ != nullptr || closing_) return;
    stream_ = Stream::Open(std::move(request),
                           {[self](const Response& response) { self->OnMessage(response); },
                            [self](const absl::Status& status) { self->OnEnd(status); }},
                           std::move(start));
  }

  // Ends the stream and returns when no handler runs any more. None is called afterwards.
  void Close() {
    common::MutexLock lock(mutex_);
    closing_ = true;
    if (stream_ != nullptr) stream_->Cancel();
    while (stream_ != nullptr || telling_end_) end_told_.wait(mutex_);
  }

 private:
  static constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
  static constexpr absl::Duration kLongestPause = absl::Seconds(1);

  void OnMessage(const Response& response) {
    {
      common::MutexLock lock(mutex_);
      pause_ = kFirstPause;
      if (closing_) return;
    }
    handlers_.on_message(response);
  }

  void OnEnd(const absl::Status& status) {
    std::shared_ptr<Stream> ended;
    {
      common::MutexLock lock(mutex_);
      ended = std::move(stream_);
      // Spread, so that the replicas do not all come at the same time.
      absl::BitGen random;
      due_ = common::MonotonicTime::Now() + pause_ * absl::Uniform(random, 0.7, 1.3);
      pause_ = std::min(pause_ * 2, kLongestPause);
      telling_end_ = true;
    }
    ended.reset();
    handlers_.on_end(status);
    common::MutexLock lock(mutex_);
    telling_end_ = false;
    end_told_.notify_all();
  }

  const typename Stream::Handlers handlers_;

  mutable common::Mutex mutex_;
  std::condition_variable_any end_told_;
  std::shared_ptr<Stream> stream_ ABSL_GUARDED_BY(mutex_);  // Null while there is none.
  bool telling_end_ ABSL_GUARDED_BY(mutex_) = false;
  bool closing_ ABSL_GUARDED_BY(mutex_) = false;
  common::MonotonicTime due_ ABSL_GUARDED_BY(mutex_);
  absl::Duration pause_ ABSL_GUARDED_BY(mutex_) = kFirstPause;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_WATCH_H_
