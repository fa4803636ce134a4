// The procedures as they run in the service: requests of many callers, IMS-AGWs that answer on
// threads of their own in any order, several replicas on the same sessions. Without gRPC, so that
// ThreadSanitizer sees everything.

#include <condition_variable>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "alg-service/gateway/testing/fake_media_gateway.h"
#include "alg-service/offer_answer/testing/descriptions.h"
#include "alg-service/session/session_control.h"
#include "common/error.h"
#include "common/monotonic_time.h"
#include "common/mutex.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace alg {
namespace {

namespace api = ims::alg::v1;
using common::ErrorReasonOf;
using common::IsOk;

CallScope Scope() {
  return {common::MonotonicTime::Now() + absl::Seconds(60), std::make_shared<Cancellation>()};
}

// Calls `call` with what takes the result, and waits for it.
template <typename Response, typename Call>
absl::StatusOr<Response> Await(Call call) {
  struct Shared {
    common::Mutex mutex;
    std::condition_variable_any done;
    absl::optional<absl::StatusOr<Response>> result;
  };
  auto shared = std::make_shared<Shared>();
  call([shared](absl::StatusOr<Response> response) {
    common::MutexLock lock(shared->mutex);
    shared->result = std::move(response);
    shared->done.notify_all();
  });
  common::MutexLock lock(shared->mutex);
  while (!shared->result.has_value()) shared->done.wait(shared->mutex);
  return *std::move(shared->result);
}

std::string TwoStreams(std::string sdp) { return sdp + sdp.substr(sdp.find("m=message")); }

class ThreadedTest : public testing::Test {
 protected:
  ThreadedTest() {
    auto directory = std::make_shared<FakeGatewayDirectory>();
    directory->Add({"agw-0", "run-1", false, 0, {}}, first_agw_);
    directory->Add({"agw-1", "run-1", false, 0, {}}, second_agw_);
    for (auto& replica : replicas_) {
      replica = std::make_unique<SessionControl>(
          directory,
          SessionPolicy{.core_connect = api::CORE_CONNECT_ALG_ORDERED,
                        .attempt_timeout = absl::Milliseconds(1)},
          std::make_shared<Metrics>());
    }
  }

  // Else the last to know an IMS-AGW might be one of its own threads.
  ~ThreadedTest() override {
    for (auto& replica : replicas_) replica->Stop();
  }

  static api::ProcessOfferRequest OfferRequest(const std::string& request_id) {
    api::ProcessOfferRequest request;
    request.set_request_id(request_id);
    request.set_direction(api::DIRECTION_TERMINATING);
    request.set_sdp(TwoStreams(OfferText()));
    request.mutable_e2ae_support()->mutable_indications()->set_ue(true);
    request.mutable_e2ae_support()->mutable_indications()->set_p_cscf(true);
    return request;
  }

  static absl::StatusOr<api::ProcessOfferResponse> Offer(SessionControl& replica,
                                                         const std::string& request_id) {
    return Await<api::ProcessOfferResponse>([&](auto done) {
      replica.ProcessOffer(OfferRequest(request_id), Scope(), std::move(done));
    });
  }

  static absl::StatusOr<api::ProcessAnswerResponse> Answer(SessionControl& replica,
                                                           const std::string& session_id) {
    api::ProcessAnswerRequest request;
    request.set_request_id("answer");
    request.set_session_id(session_id);
    request.set_sdp(TwoStreams(AnswerText()));
    return Await<api::ProcessAnswerResponse>(
        [&](auto done) { replica.ProcessAnswer(request, Scope(), std::move(done)); });
  }

  static absl::Status Release(SessionControl& replica, const std::string& session_id) {
    api::ReleaseSessionRequest request;
    request.set_session_id(session_id);
    return Await<api::ReleaseSessionResponse>(
               [&](auto done) { replica.ReleaseSession(request, Scope(), std::move(done)); })
        .status();
  }

  // What the IMS-AGWs hold when nobody is at work any more: what is late is cleaned up by itself.
  size_t ContextCountInTheEnd() {
    const common::MonotonicTime deadline = common::MonotonicTime::Now() + absl::Seconds(60);
    size_t count = 0;
    do {
      count = first_agw_->context_count() + second_agw_->context_count();
      std::this_thread::yield();
    } while (count > 0 && common::MonotonicTime::Now() < deadline);
    return count;
  }

  const std::shared_ptr<FakeMediaGateway> first_agw_ = std::make_shared<FakeMediaGateway>(3);
  const std::shared_ptr<FakeMediaGateway> second_agw_ = std::make_shared<FakeMediaGateway>(3);
  std::unique_ptr<SessionControl> replicas_[2];
};

TEST_F(ThreadedTest, ManyCallersSetUpAndReleaseSessionsAtOnce) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([this, caller] {
      for (int i = 0; i < 25; ++i) {
        SessionControl& one = *replicas_[i % 2];
        SessionControl& other = *replicas_[(i + 1) % 2];
        absl::StatusOr<api::ProcessOfferResponse> offer =
            Offer(one, absl::StrCat("request-", caller, "-", i));
        ASSERT_THAT(offer, IsOk());
        absl::StatusOr<api::ProcessAnswerResponse> answer = Answer(other, offer->session_id());
        ASSERT_THAT(answer, IsOk());
        EXPECT_FALSE(answer->session_ended());
        EXPECT_THAT(Release(one, offer->session_id()), IsOk());
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(ContextCountInTheEnd(), 0u);
}

TEST_F(ThreadedTest, RunsOfTheSameRequestLeaveOneSessionOrNone) {
  for (int i = 0; i < 25; ++i) {
    const std::string request_id = absl::StrCat("request-", i);
    std::vector<std::thread> callers;
    common::Mutex mutex;
    std::vector<std::string> session_ids;
    for (int caller = 0; caller < 4; ++caller) {
      callers.emplace_back([&, caller] {
        absl::StatusOr<api::ProcessOfferResponse> offer = Offer(*replicas_[caller % 2], request_id);
        if (!offer.ok()) {
          EXPECT_EQ(ErrorReasonOf(offer.status()), "SESSION_CHANGED") << offer.status();
          return;
        }
        absl::StatusOr<api::ProcessAnswerResponse> answer =
            Answer(*replicas_[(caller + 1) % 2], offer->session_id());
        // Whoever was given a session finds it there; another caller may be answering it.
        if (!answer.ok()) {
          EXPECT_EQ(ErrorReasonOf(answer.status()), "SESSION_CHANGED");
        }
        common::MutexLock lock(mutex);
        session_ids.push_back(offer->session_id());
      });
    }
    for (std::thread& caller : callers) caller.join();
    for (const std::string& session_id : session_ids) {
      EXPECT_THAT(Release(*replicas_[0], session_id), IsOk());
    }
  }
  EXPECT_EQ(ContextCountInTheEnd(), 0u);
}

TEST_F(ThreadedTest, CallersThatGoAwayLeaveNothing) {
  for (int i = 0; i < 50; ++i) {
    const CallScope scope = Scope();
    std::thread caller([&] { scope.cancellation->Cancel(); });
    absl::StatusOr<api::ProcessOfferResponse> offer =
        Await<api::ProcessOfferResponse>([&](auto done) {
          replicas_[0]->ProcessOffer(OfferRequest(absl::StrCat("request-", i)), scope,
                                     std::move(done));
        });
    caller.join();
    if (offer.ok()) {
      EXPECT_THAT(Release(*replicas_[1], offer->session_id()), IsOk());
    }
  }
  EXPECT_EQ(ContextCountInTheEnd(), 0u);
}

}  // namespace
}  // namespace alg
