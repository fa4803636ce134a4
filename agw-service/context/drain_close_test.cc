// Sessions that are left when a drain is over.

#include "agw-service/context/context.h"
#include "agw-service/context/testing/loopback_session.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

class DrainCloseTest : public testing::TestWithParam<bool> {
 protected:
  LoopbackSession session_{/*tls=*/GetParam()};
};

INSTANTIATE_TEST_SUITE_P(All, DrainCloseTest, testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls" : "Plain"; });

TEST_P(DrainCloseTest, EndBothConnectionsEachWithItsEventAndWhatItCounted) {
  session_.Open();
  session_.ue().Send("hello");
  session_.RunUntil([&] { return session_.core().received() == "hello"; });
  session_.harness().context().CloseForDrain();
  for (Side side : {Side::kAccess, Side::kCore}) {
    EXPECT_EQ(session_.Released(side), BearerReleased::Cause::kDrainDeadline);
    EXPECT_EQ(session_.StateOf(side), Termination::State::kReleased);
  }
  EXPECT_EQ(session_.harness().Last<BearerReleased>()->statistics.sent_byte_count, 5u);
  session_.RunUntil([&] {
    return session_.ue().sees() != Sees::kNothing && session_.core().sees() == Sees::kReset;
  });
}

TEST_P(DrainCloseTest, EndTheOnlyConnectionThereIs) {
  session_.Reserve(/*triggered=*/false);
  session_.ConnectUe();
  session_.RunUntil(
      [&] { return session_.StateOf(Side::kAccess) == Termination::State::kEstablished; });
  session_.harness().context().CloseForDrain();
  EXPECT_EQ(session_.Released(Side::kAccess), BearerReleased::Cause::kDrainDeadline);
  EXPECT_EQ(session_.Released(Side::kCore), absl::nullopt);
}

TEST_P(DrainCloseTest, WithoutAConnectionGoWithoutAnEvent) {
  session_.Reserve(/*triggered=*/true);
  session_.harness().context().CloseForDrain();
  EXPECT_TRUE(session_.harness().events().empty());
}

}  // namespace
}  // namespace agw
