#include "alg-service/gateway/connection_probe.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/monotonic_time.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

using common::MonotonicTime;
using Result = ConnectionProbe::Result;

// A port of 127.0.0.1 that belongs to the test.
class ConnectionProbeTest : public testing::Test {
 protected:
  ConnectionProbeTest() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = {*common::IpAddress::Parse("127.0.0.1"), ntohs(address.sin_port)};
  }
  ~ConnectionProbeTest() override { close(fd_); }

  static Result Await(ConnectionProbe& probe) {
    const MonotonicTime end = MonotonicTime::Now() + absl::Seconds(20);
    while (probe.Poll() == Result::kPending && MonotonicTime::Now() < end) {
    }
    return probe.Poll();
  }

  const int fd_;
  common::TransportAddress address_;
};

TEST_F(ConnectionProbeTest, SomebodyListens) {
  ASSERT_EQ(listen(fd_, 1), 0);
  ConnectionProbe probe(address_);
  EXPECT_EQ(Await(probe), Result::kAccepted);
}

TEST_F(ConnectionProbeTest, NobodyListens) {
  ConnectionProbe probe(address_);
  EXPECT_EQ(Await(probe), Result::kRefused);
}

TEST_F(ConnectionProbeTest, WhereNoConnectionCanBeNothingIsRefused) {
  ConnectionProbe probe({*common::IpAddress::Parse("224.0.0.1"), 7060});
  EXPECT_EQ(Await(probe), Result::kFailed);
}

}  // namespace
}  // namespace alg
