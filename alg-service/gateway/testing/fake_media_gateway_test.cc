#include "alg-service/gateway/testing/fake_media_gateway.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/mutex.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

ims::iq::v1::ReserveConnectionPointRequest ReserveStream(int stream_id) {
  ims::iq::v1::ReserveConnectionPointRequest request;
  request.mutable_termination()->set_context_id("c1");
  request.mutable_termination()->set_stream_id(stream_id);
  request.mutable_termination()->set_side(ims::iq::v1::SIDE_ACCESS);
  request.set_transaction_id(absl::StrCat("t", stream_id));
  return request;
}

// The streams in the order in which `gateway` answered.
std::vector<int> AnsweredStreams(std::unique_ptr<FakeMediaGateway> gateway) {
  common::Mutex mutex;
  std::vector<int> answered;
  for (int stream_id = 1; stream_id <= 50; ++stream_id) {
    gateway->ReserveConnectionPoint(ReserveStream(stream_id), {}, [&, stream_id](const auto& r) {
      common::MutexLock lock(mutex);
      if (r.ok()) answered.push_back(stream_id);
    });
  }
  gateway.reset();
  return answered;
}

TEST(FakeMediaGateway, AnswersInOrderBeforeTheCallReturns) {
  const std::vector<int> answered = AnsweredStreams(std::make_unique<FakeMediaGateway>());
  EXPECT_EQ(answered.size(), 50u);
  EXPECT_TRUE(std::is_sorted(answered.begin(), answered.end()));
}

TEST(FakeMediaGateway, ItsThreadsAnswerEveryCallOnce) {
  std::vector<int> answered = AnsweredStreams(std::make_unique<FakeMediaGateway>(4));
  std::sort(answered.begin(), answered.end());
  ASSERT_EQ(answered.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(answered[i], i + 1);
}

}  // namespace
}  // namespace alg
