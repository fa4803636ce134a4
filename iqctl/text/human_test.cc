#include "iqctl/text/human.h"

#include "gtest/gtest.h"

namespace iqctl {
namespace {

std::string HumanDuration(int64_t seconds, int32_t nanos) {
  google::protobuf::Duration duration;
  duration.set_seconds(seconds);
  duration.set_nanos(nanos);
  return ToHuman(duration);
}

TEST(Human, NamesOfEnums) {
  EXPECT_EQ(ShortName("SIDE_ACCESS", "SIDE_"), "access");
  EXPECT_EQ(ShortName("SIDE_UNSPECIFIED", "SIDE_"), "");
}

TEST(Human, Numbers) {
  EXPECT_EQ(WithSeparators(0), "0");
  EXPECT_EQ(WithSeparators(999), "999");
  EXPECT_EQ(WithSeparators(1000), "1,000");
  EXPECT_EQ(WithSeparators(1234567), "1,234,567");
  EXPECT_EQ(Counted(1, "session"), "1 session");
  EXPECT_EQ(Counted(2000, "session"), "2,000 sessions");
}

TEST(Human, Bytes) {
  EXPECT_EQ(ByteCount(0), "0 B");
  EXPECT_EQ(ByteCount(999), "999 B");
  EXPECT_EQ(ByteCount(1000), "1.0 kB");
  EXPECT_EQ(ByteCount(999'949), "999.9 kB");
  EXPECT_EQ(ByteCount(999'950), "1.0 MB");
  EXPECT_EQ(ByteCount(7'300'000'000'000'000), "7300.0 TB");
}

TEST(Human, Times) {
  EXPECT_EQ(HumanDuration(0, 0), "");
  EXPECT_EQ(HumanDuration(0, 1), "<1 ms");
  EXPECT_EQ(HumanDuration(0, 5'000'000), "5 ms");
  EXPECT_EQ(HumanDuration(12, 340'000'000), "12.3 s");
  EXPECT_EQ(HumanDuration(61, 0), "1m 1s");
  EXPECT_EQ(HumanDuration(3723, 0), "1h 2m");
  EXPECT_EQ(HumanDuration(200000, 0), "2d 7h");
  google::protobuf::Timestamp time;
  EXPECT_EQ(ToHuman(time), "");
  time.set_seconds(1767225600);
  time.set_nanos(123'999'999);
  EXPECT_EQ(ToHuman(time), "2026-01-01T00:00:00.123Z");
}

}  // namespace
}  // namespace iqctl
