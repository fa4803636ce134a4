#include "alg-service/session/outcome.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

TEST(Outcome, EveryRejectReasonHasItsValueInTheApi) {
  std::set<int> values;
  for (int i = 0; i <= static_cast<int>(RejectReason::kMediaMismatch); ++i) {
    const auto reason = static_cast<RejectReason>(i);
    const ims::alg::v1::RejectReason value = ToProto(reason);
    EXPECT_EQ(ims::alg::v1::RejectReason_Name(value),
              absl::StrCat("REJECT_REASON_", ToString(reason)));
    values.insert(value);
  }
  // All but UNSPECIFIED.
  EXPECT_EQ(static_cast<int>(values.size()),
            ims::alg::v1::RejectReason_descriptor()->value_count() - 1);
}

}  // namespace
}  // namespace alg
