// main() of tests that make gRPC calls; grpc_lifetime.h says why they need one of their own.

#include "common/grpc_lifetime.h"
#include "gmock/gmock.h"

int main(int argc, char** argv) {
  common::GrpcLifetime grpc_lifetime;
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}
