#include "common/error.h"

#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace common {
namespace {

TEST(Error, CarriesItsReason) {
  const absl::Status status =
      MakeError(absl::StatusCode::kNotFound, "no such context",
                {"CONTEXT_UNKNOWN", "iq.ims", {{"context_id", "c1"}, {"incarnation", "i"}}});
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kNotFound, "no such context"));
  EXPECT_EQ(ErrorReasonOf(status), "CONTEXT_UNKNOWN");
  EXPECT_EQ(GetErrorInfo(status).domain, "iq.ims");
  EXPECT_EQ(ErrorMetadata(status, "context_id"), "c1");
  EXPECT_EQ(ErrorMetadata(status, "incarnation"), "i");
}

TEST(Error, HasNoReasonUnlessGiven) {
  EXPECT_EQ(ErrorReasonOf(absl::OkStatus()), "");
  EXPECT_EQ(ErrorReasonOf(absl::InternalError("x")), "");
  EXPECT_EQ(ErrorMetadata(absl::InternalError("x"), "key"), "");
}

TEST(Error, HasNoMetadataOfAnotherName) {
  const absl::Status status = MakeError(absl::StatusCode::kInternal, "x", {"R", "d", {{"a", "b"}}});
  EXPECT_EQ(ErrorMetadata(status, "A"), "");
}

}  // namespace
}  // namespace common
