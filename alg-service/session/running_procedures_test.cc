#include "alg-service/session/running_procedures.h"

#include <atomic>
#include <memory>
#include <thread>

#include "gtest/gtest.h"

namespace alg {
namespace {

// Tells that it goes.
struct Witness {
  std::atomic<bool>& gone;
  ~Witness() { gone = true; }
};

Task<int> WaitFor(Event& event, std::shared_ptr<Witness> witness) {
  co_await event;
  co_return witness->gone ? 0 : 7;
}

Task<int> WaitFor(Event& event) {
  co_await event;
  co_return 0;
}

Task<int> AtOnce() { co_return 0; }

TEST(RunningProcedures, StopWaitsUntilWhatAProcedureHoldsIsGone) {
  for (int i = 0; i < 100; ++i) {
    auto running = std::make_shared<RunningProcedures>();
    Event event;
    std::atomic<bool> task_gone{false}, done_gone{false};
    std::atomic<int> result{0};
    Deliver(running, nullptr, WaitFor(event, std::shared_ptr<Witness>(new Witness{task_gone})),
            [&result, witness = std::shared_ptr<Witness>(new Witness{done_gone})](int value) {
              result = value;
            });
    std::thread other([&event] { event.Set(); });
    running->Stop();
    EXPECT_TRUE(task_gone);
    EXPECT_TRUE(done_gone);
    EXPECT_EQ(result, 7);
    other.join();
  }
}

TEST(RunningProcedures, StopCancelsThoseUnderWayAndThoseThatBeginLater) {
  auto running = std::make_shared<RunningProcedures>();
  Event cancelled;
  auto first = std::make_shared<Cancellation>();
  first->AddListener([&cancelled] { cancelled.Set(); });
  Deliver(running, first, WaitFor(cancelled), [](int) {});
  EXPECT_FALSE(first->cancelled());
  running->Stop();
  EXPECT_TRUE(first->cancelled());

  auto second = std::make_shared<Cancellation>();
  Deliver(running, second, AtOnce(), [](int) {});
  EXPECT_TRUE(second->cancelled());
}

TEST(RunningProcedures, OneThatIsUnderWayMayBeginAnother) {
  auto running = std::make_shared<RunningProcedures>();
  auto cancellation = std::make_shared<Cancellation>();
  Event cancelled, end;
  cancellation->AddListener([&cancelled] { cancelled.Set(); });
  std::atomic<bool> second_ended{false};
  Deliver(running, cancellation, WaitFor(cancelled), [&](int) {
    Deliver(running, nullptr, WaitFor(end), [&second_ended](int) { second_ended = true; });
  });
  std::thread other([&] {
    while (!cancellation->cancelled()) std::this_thread::yield();
    end.Set();
  });
  running->Stop();
  EXPECT_TRUE(second_ended);
  other.join();
}

}  // namespace
}  // namespace alg
