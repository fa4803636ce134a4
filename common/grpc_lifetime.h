// How long gRPC's threads live.

#ifndef COMMON_GRPC_LIFETIME_H_
#define COMMON_GRPC_LIFETIME_H_

#include <memory>

namespace grpc {
class Channel;
}  // namespace grpc

namespace common {

// Keeps gRPC and the threads of its callbacks while it lives; its end waits for them. Make one in
// main(), before anything else of gRPC, and let it go last.
//
// Without it those threads end with the last channel or server that has used callbacks. If that one
// goes in a callback, a thread waits for its own end, fails to, and frees the queue it is reading
// from: the process ends with "assertion failed: prior > 0" (gRPC 1.51.1).
class GrpcLifetime {
 public:
  GrpcLifetime();
  ~GrpcLifetime();

  GrpcLifetime(const GrpcLifetime&) = delete;
  GrpcLifetime& operator=(const GrpcLifetime&) = delete;

 private:
  std::shared_ptr<grpc::Channel> channel_;  // To nowhere; has used a callback.
};

}  // namespace common

#endif  // COMMON_GRPC_LIFETIME_H_
