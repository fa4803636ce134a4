#include "tests/quickstart/ladder.h"

#include <string>

#include "gtest/gtest.h"
#include "tests/quickstart/flow.h"

namespace quickstart {
namespace {

TEST(Ladder, DrawsStepsByTime) {
  const absl::Time start = absl::Now();
  Ladder ladder;
  ladder.Add({.time = start + absl::Milliseconds(1234),
              .number = "11",
              .from = Party::kGateway,
              .to = Party::kCore,
              .label = "SYN",
              .facts = {"to the core", "and more"}});
  ladder.Add({.time = start + absl::Milliseconds(5),
              .number = "10",
              .from = Party::kPhone,
              .to = Party::kGateway,
              .label = "SYN",
              .facts = {"no answer"},
              .style = Step::Style::kLost});
  ladder.Add({.time = start + absl::Milliseconds(1300),
              .number = "",
              .from = Party::kCore,
              .to = Party::kPhone,
              .label = "MSRP",
              .facts = {},
              .style = Step::Style::kTls});
  EXPECT_EQ(ladder.Draw(start),
            "    ms  step UE B          IMS-AGW         IMS-ALG         core A\n"
            "     5  10    │───── SYN ──✕  │               │               │ no answer\n"
            "  1234  11    │               │───── SYN ─────┼──────────────▶│ to the core\n"
            "              │               │               │               │ and more\n"
            "  1300        │◀══════════════┼───────────────┼──── MSRP ─────│\n");
}

TEST(LineChanges, ShowsOnlyWhatIsNotInBoth) {
  EXPECT_EQ(LineChanges("a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\nd\r\n"),
            "    - b\n"
            "    + B\n"
            "    + d\n");
}

}  // namespace
}  // namespace quickstart
