#include "iqctl/error_report.h"

#include "common/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace iqctl {
namespace {

using testing::HasSubstr;

TEST(ErrorReport, HasTheTypedReasonItsMetadataAndTheRemedy) {
  EXPECT_EQ(ErrorReport(common::MakeError(absl::StatusCode::kInvalidArgument, "no id\033",
                                          {"FIELD_INVALID", "alg.ims", {{"field", "session_id"}}})),
            "iqctl: no id?\n"
            "  reason: INVALID_ARGUMENT, FIELD_INVALID (alg.ims), field=session_id\n"
            "  remedy: Check the argument.\n");
}

TEST(ErrorReport, WithoutAReasonTheCodeHasARemedy) {
  EXPECT_THAT(ErrorReport(absl::PermissionDeniedError("no")),
              HasSubstr("  reason: PERMISSION_DENIED\n"));
  EXPECT_THAT(RemedyFor(absl::PermissionDeniedError("no")), HasSubstr("allowed_client_names"));
  EXPECT_THAT(RemedyFor(absl::DeadlineExceededError("late")), HasSubstr("--timeout"));
}

TEST(ErrorReport, OurOwnFindingsNeedNoCode) {
  EXPECT_EQ(ErrorReport(absl::InvalidArgumentError("INSTANCE is missing")),
            "iqctl: INSTANCE is missing\n");
}

}  // namespace
}  // namespace iqctl
