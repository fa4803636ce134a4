#include "common/grpc_status.h"

#include "common/error.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace common {
namespace {

TEST(GrpcStatus, KeepsEveryCode) {
  for (int code = 1; code <= 16; ++code) {
    const absl::Status status(static_cast<absl::StatusCode>(code), "why");
    const grpc::Status converted = ToGrpcStatus(status);
    EXPECT_EQ(static_cast<int>(converted.error_code()), code);
    EXPECT_EQ(converted.error_message(), "why");
    EXPECT_EQ(FromGrpcStatus(converted), status);
  }
}

TEST(GrpcStatus, KeepsOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_THAT(FromGrpcStatus(grpc::Status::OK), IsOk());
}

TEST(GrpcStatus, HasNoDetailsWithoutErrorInfo) {
  EXPECT_EQ(ToGrpcStatus(absl::NotFoundError("gone")).error_details(), "");
}

TEST(GrpcStatus, PutsErrorInfoIntoTheStandardDetails) {
  const grpc::Status status =
      ToGrpcStatus(MakeError(absl::StatusCode::kInvalidArgument, "no stream",
                             {"FIELD_MISSING", "iq.ims", {{"field", "stream_id"}}}));
  google::rpc::Status proto;
  ASSERT_TRUE(proto.ParseFromString(status.error_details()));
  EXPECT_EQ(proto.code(), 3);
  EXPECT_EQ(proto.message(), "no stream");
  ASSERT_EQ(proto.details_size(), 1);
  EXPECT_EQ(proto.details(0).type_url(), "type.googleapis.com/google.rpc.ErrorInfo");
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(proto.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "FIELD_MISSING");
  EXPECT_EQ(info.domain(), "iq.ims");
  EXPECT_EQ(info.metadata().at("field"), "stream_id");
}

TEST(GrpcStatus, BringsErrorInfoBack) {
  const absl::Status status = MakeError(absl::StatusCode::kAborted, "stale",
                                        {"REVISION_STALE", "iq.ims", {{"revision", "7"}}});
  const absl::Status back = FromGrpcStatus(ToGrpcStatus(status));
  EXPECT_THAT(back, StatusIs(absl::StatusCode::kAborted, "stale"));
  EXPECT_EQ(ErrorReasonOf(back), "REVISION_STALE");
  EXPECT_EQ(GetErrorInfo(back).domain, "iq.ims");
  EXPECT_EQ(ErrorMetadata(back, "revision"), "7");
}

TEST(GrpcStatus, IgnoresDetailsItDoesNotKnow) {
  const absl::Status status =
      FromGrpcStatus(grpc::Status(grpc::StatusCode::INTERNAL, "odd", "\xff\xff not a message"));
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInternal, "odd"));
  EXPECT_EQ(ErrorReasonOf(status), "");
}

}  // namespace
}  // namespace common
