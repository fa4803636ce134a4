#include "iqctl/client/call_error.h"

#include "common/error.h"
#include "common/grpc_status.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "grpcpp/support/status.h"
#include "gtest/gtest.h"

namespace iqctl {
namespace {

using common::StatusIs;
using testing::HasSubstr;

constexpr bool kTls = false;
constexpr bool kPlaintext = true;

// As gRPC 1.51 says it.
absl::Status NotConnected(const std::string& why, bool is_plaintext) {
  return ToCallStatus({grpc::StatusCode::UNAVAILABLE,
                       "failed to connect to all addresses; last error: UNKNOWN: "
                       "ipv4:192.0.2.1:7060: " +
                           why},
                      is_plaintext);
}

TEST(CallError, KeepsWhatAServiceSays) {
  const absl::Status said =
      common::MakeError(absl::StatusCode::kNotFound, "gone", {"SESSION_UNKNOWN", "alg.ims", {}});
  const absl::Status status = ToCallStatus(common::ToGrpcStatus(said), kTls);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "gone"));
  EXPECT_EQ(common::ErrorReasonOf(status), "SESSION_UNKNOWN");
  EXPECT_EQ(common::ErrorReasonOf(Annotate(status, "agw-1")), "SESSION_UNKNOWN");
  EXPECT_EQ(Annotate(status, "agw-1").message(), "agw-1: gone");
}

TEST(CallError, LeavesOutWhatTheCallerKnows) {
  EXPECT_THAT(NotConnected("Connection refused", kTls),
              StatusIs(absl::StatusCode::kUnavailable, "cannot connect: Connection refused"));
  EXPECT_THAT(NotConnected("Connection refused", kPlaintext),
              StatusIs(absl::StatusCode::kUnavailable, "cannot connect: Connection refused"));
}

TEST(CallError, TellsFailedTlsFromAnUnreachableServer) {
  for (const char* why :
       {"Ssl handshake failed: SSL_ERROR_SSL: certificate verify failed",
        "Custom verification check failed with error: UNAUTHENTICATED: Hostname Verification"}) {
    const absl::Status status = NotConnected(why, kTls);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnauthenticated, HasSubstr(why)));
    EXPECT_EQ(common::ErrorReasonOf(status), "TLS_FAILED");
  }
}

TEST(CallError, TakesAServerThatHangsUpAtOnceForOneThatRefusesUs) {
  const absl::Status with_tls = NotConnected("Socket closed", kTls);
  EXPECT_THAT(with_tls, StatusIs(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(common::ErrorReasonOf(with_tls), "CERTIFICATE_REFUSED");
  const absl::Status in_plaintext = NotConnected("Socket closed", kPlaintext);
  EXPECT_EQ(common::ErrorReasonOf(in_plaintext), "TLS_WANTED");
  // A connection that was up and broke is something else.
  EXPECT_THAT(ToCallStatus({grpc::StatusCode::UNAVAILABLE, "Socket closed"}, kTls),
              StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace iqctl
