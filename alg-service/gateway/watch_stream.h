// A server stream of gRPC, read until it ends.

#ifndef ALG_SERVICE_GATEWAY_WATCH_STREAM_H_
#define ALG_SERVICE_GATEWAY_WATCH_STREAM_H_

#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "common/grpc_status.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/client_callback.h"

namespace alg {

// Keeps itself alive until the stream has ended. Thread-safe.
template <typename Request, typename Response>
class WatchStream final : public grpc::ClientReadReactor<Response> {
 public:
  struct Handlers {
    std::function<void(const Response& response)> on_message;

    // The last call; afterwards both functions are destroyed.
    std::function<void(const absl::Status& status)> on_end;
  };

  // `start` hands context, request and reactor to the method of the stub. The handlers run on
  // gRPC's threads, one after the other.
  template <typename Start>
  static std::shared_ptr<WatchStream> Open(Request request, Handlers handlers, Start start) {
    std::shared_ptr<WatchStream> stream(new WatchStream(std::move(request), std::move(handlers)));
    stream->self_ = stream;
    start(&stream->context_, &stream->request_, stream.get());
    stream->StartRead(&stream->response_);
    stream->StartCall();
    return stream;
  }

  void Cancel() { context_.TryCancel(); }

 private:
  WatchStream(Request request, Handlers handlers)
      : request_(std::move(request)), handlers_(std::move(handlers)) {}

  void OnReadDone(bool ok) override {
    if (!ok) return;
    handlers_.on_message(response_);
    this->StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    std::shared_ptr<WatchStream> self = std::move(self_);
    Handlers handlers = std::move(handlers_);
    handlers.on_end(common::FromGrpcStatus(status));
  }

  grpc::ClientContext context_;
  const Request request_;
  Response response_;
  Handlers handlers_;
  std::shared_ptr<WatchStream> self_;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_WATCH_STREAM_H_
