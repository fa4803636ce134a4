#include "agw-service/ephemeral_ports.h"

#include "gtest/gtest.h"

namespace agw {
namespace {

constexpr char kRange[] = "32768\t60999\n";

TEST(EphemeralPorts, AreFoundWhereTheRangesOverlap) {
  EXPECT_FALSE(HasEphemeralPort(10000, 29999, kRange, "\n"));
  EXPECT_FALSE(HasEphemeralPort(10000, 32767, kRange, "\n"));
  EXPECT_TRUE(HasEphemeralPort(10000, 32768, kRange, "\n"));
  EXPECT_TRUE(HasEphemeralPort(40000, 40000, kRange, "\n"));
  EXPECT_TRUE(HasEphemeralPort(60999, 65535, kRange, "\n"));
  EXPECT_FALSE(HasEphemeralPort(61000, 65535, kRange, "\n"));
}

TEST(EphemeralPorts, AreNoneIfAllAreReserved) {
  EXPECT_FALSE(HasEphemeralPort(40000, 49999, kRange, "40000-49999\n"));
  EXPECT_FALSE(HasEphemeralPort(30000, 39999, kRange, "8080,32768-35000,35001-39999\n"));
  EXPECT_FALSE(HasEphemeralPort(40000, 40000, kRange, "40000\n"));
  EXPECT_TRUE(HasEphemeralPort(40000, 49999, kRange, "40000-49998\n"));
  EXPECT_TRUE(HasEphemeralPort(40000, 49999, kRange, "40001-49999\n"));
  EXPECT_TRUE(HasEphemeralPort(40000, 49999, kRange, "40000-44000,44002-49999\n"));
}

TEST(EphemeralPorts, AreNotGuessedWhereTheKernelDoesNotSay) {
  EXPECT_FALSE(HasEphemeralPort(40000, 49999, "", ""));
  EXPECT_FALSE(HasEphemeralPort(40000, 49999, "32768", ""));
}

}  // namespace
}  // namespace agw
