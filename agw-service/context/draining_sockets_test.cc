#include "agw-service/context/draining_sockets.h"

#include <sys/socket.h>

#include <memory>
#include <utility>

#include "common/check.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

TEST(DrainingSockets, TakeDescriptorsOfTheBudgetAndDoWithoutWhenNoneIsLeft) {
  EventLoop loop;
  const auto scratch = std::make_unique<Scratch>();
  DescriptorBudget descriptors(1);
  {
    DrainingSockets sockets(loop, *scratch, descriptors);
    for (int i = 0; i < 2; ++i) {
      int ends[2];
      CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
      const OwnedFd peer(ends[1]);
      sockets.Add(OwnedFd(ends[0]));
      EXPECT_EQ(descriptors.available(), 0);
      // The first is kept open, the second is closed: nothing comes, or the end does.
      char octet;
      EXPECT_EQ(recv(peer.get(), &octet, 1, 0), i == 0 ? -1 : 0);
    }
  }
  EXPECT_EQ(descriptors.available(), 1);
}

}  // namespace
}  // namespace agw
