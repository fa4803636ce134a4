// main() of tests that make gRPC calls; grpc_lifetime.h says why they need one of their own.

#include "common/grpc_lifetime.h"
#include "gmock/gmock.h"

#if defined(__SANITIZE_THREAD__)
// Debian's gRPC, and what it is built on, are not instrumented, so ThreadSanitizer does not see
// what orders the threads of a call: what they copy or free, and a call's messages in gRPC's
// templates, look like races. Reports with such a frame say nothing; those without are ours.
extern "C" const char* __tsan_default_suppressions() {
  return "race:^grpc\n"        // grpc::, grpc_slice_...
         "race:grpc_core::\n"  // Also in what the standard library is made of there.
         "race:grpc_slice\n"
         "race:^tcp_\n"                      // gRPC's sockets.
         "race:alg::GatewayPool::Resolve\n"  // Gives gRPC an address, which its threads copy.
         "race:^encode_\n"                   // upb, gRPC's protobuf.
         "race:libgpr.so\n"
         "race:libabsl_\n"
         "race:libprotobuf.so\n";
}
#endif

int main(int argc, char** argv) {
  common::GrpcLifetime grpc_lifetime;
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
