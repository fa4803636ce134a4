#include "agw-service/worker/worker_pool.h"

#include <fstream>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agw-service/realm/ip_realm.h"
#include "agw-service/tls/tls_identities.h"
#include "agw-service/tls/tls_identity.h"
#include "common/mutex.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace agw {
namespace {

using common::IsOk;

class WorkerPoolTest : public testing::Test {
 protected:
  static std::vector<IpRealm> MakeRealms() {
    std::vector<IpRealm> realms(1);
    realms[0].name = "both";
    realms[0].access_default = realms[0].core_default = true;
    const common::IpAddress ip = *common::IpAddress::Parse("127.0.0.50");
    realms[0].addresses.push_back(
        {ip, ip, std::make_unique<PortPool>(20000, 29999, absl::ZeroDuration())});
    return realms;
  }

  static std::shared_ptr<const TlsIdentity> MakeIdentity() {
    return *TlsIdentity::Generate({.now = absl::Now()});
  }

  // Runs `task` on the worker of the context and waits for it.
  template <typename Task>
  auto Call(absl::string_view context_id, Task task) {
    return CallOn(pool_->WorkerOf(context_id), std::move(task));
  }
  template <typename Task>
  static auto CallOn(Worker& worker, Task task) {
    std::packaged_task<std::invoke_result_t<Task, ContextTable&>(ContextTable&)> packaged(
        std::move(task));
    auto result = packaged.get_future();
    worker.Post(std::move(packaged));
    return result.get();
  }

  absl::Status Reserve(const std::string& context_id) {
    return Call(context_id, [&](ContextTable& contexts) {
      return (*contexts.FindOrCreate(context_id))
          ->ReserveConnectionPoint(
              {1, Side::kAccess},
              {.ip_realm = "", .transport_protocol = TransportProtocol::kTcpTls}, absl::nullopt, {},
              absl::nullopt);
    });
  }

  const RealmTable realms_{MakeRealms()};
  const std::vector<common::OwnAddressRange> own_addresses_ = realms_.OwnAddresses();
  const ContextLimits limits_ = {};
  common::Mutex mutex_;
  std::vector<Event> events_ ABSL_GUARDED_BY(mutex_);
  const EventSink event_sink_ = [this](Event event) {
    common::MutexLock lock(mutex_);
    events_.push_back(std::move(event));
  };
  Admission admission_{1000};
  const std::shared_ptr<const TlsIdentity> identity_ = MakeIdentity();
  std::unique_ptr<WorkerPool> pool_ = std::make_unique<WorkerPool>(
      4, WorkerOptions{realms_, own_addresses_, limits_, event_sink_, admission_,
                       TlsIdentities(identity_), [](const WorkerCounters&) {}});
};

TEST_F(WorkerPoolTest, AllTasksOfAContextRunOnTheThreadOfItsWorker) {
  std::set<std::thread::id> threads;
  for (int i = 0; i < 50; ++i) {
    const std::string id = absl::StrCat("context-", i);
    const auto thread_of = [](ContextTable&) { return std::this_thread::get_id(); };
    const std::thread::id first = Call(id, thread_of);
    EXPECT_NE(first, std::this_thread::get_id());
    EXPECT_EQ(Call(id, thread_of), first);
    EXPECT_EQ(&pool_->WorkerOf(id), &pool_->WorkerOf(std::string(id)));
    threads.insert(first);
  }
  EXPECT_EQ(threads.size(), 4u) << "a worker has nothing to do";
}

TEST_F(WorkerPoolTest, AnOperatorSeesWhichThreadIsAWorker) {
  std::set<std::string> names;
  for (const std::unique_ptr<Worker>& worker : pool_->workers()) {
    names.insert(CallOn(*worker, [](ContextTable&) {
      std::ifstream comm("/proc/thread-self/comm");
      std::string name;
      std::getline(comm, name);
      return name;
    }));
  }
  EXPECT_EQ(names, std::set<std::string>({"worker/0", "worker/1", "worker/2", "worker/3"}));
}

TEST_F(WorkerPoolTest, TasksRunInTheOrderTheyWerePosted) {
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) {
    pool_->WorkerOf("c1").Post([&order, i](ContextTable&) { order.push_back(i); });
  }
  Call("c1", [](ContextTable&) { return 0; });
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[i], i);
}

TEST_F(WorkerPoolTest, EachContextIsInTheTableOfItsWorkerOnly) {
  for (int i = 0; i < 20; ++i) ASSERT_THAT(Reserve(absl::StrCat("context-", i)), IsOk());
  size_t total = 0;
  for (const std::unique_ptr<Worker>& worker : pool_->workers()) {
    total += CallOn(*worker, [](ContextTable& contexts) { return contexts.size(); });
  }
  EXPECT_EQ(total, 20u);
  EXPECT_EQ(admission_.context_count(), 20u);
}

TEST_F(WorkerPoolTest, StopsWithContextsAndGivesTheirPortsBack) {
  for (int i = 0; i < 20; ++i) ASSERT_THAT(Reserve(absl::StrCat("context-", i)), IsOk());
  const PortPool& ports = *realms_.realms()[0].addresses[0].ports;
  EXPECT_EQ(ports.in_use(), 20u);
  pool_.reset();
  EXPECT_EQ(ports.in_use(), 0u);
  EXPECT_EQ(admission_.context_count(), 0u);
}

TEST_F(WorkerPoolTest, WhatWasPostedBeforeTheStopIsStillDone) {
  int done = 0;
  for (int i = 0; i < 100; ++i) {
    pool_->WorkerOf("c1").Post([&done](ContextTable& contexts) {
      EXPECT_THAT(contexts.FindOrCreate("c1"), IsOk());
      ++done;
    });
  }
  pool_.reset();
  EXPECT_EQ(done, 100);
}

TEST_F(WorkerPoolTest, ATaskThatATaskPostsAtTheEndStillFindsTheContexts) {
  ASSERT_THAT(Reserve("c1"), IsOk());
  size_t context_count = 0;
  Worker& worker = pool_->WorkerOf("c1");
  worker.Post([&](ContextTable&) {
    // The stop comes meanwhile, so that this turn is the last one.
    absl::SleepFor(absl::Milliseconds(50));
    worker.Post([&](ContextTable&) {
      worker.Post([&](ContextTable& contexts) { context_count = contexts.size(); });
    });
  });
  pool_.reset();
  EXPECT_EQ(context_count, 1u);
}

TEST_F(WorkerPoolTest, ANewIdentityIsForNewTerminationsAndOldOnesKeepTheirs) {
  const auto fingerprint = [](ContextTable& contexts) {
    return contexts.Find("old")->FindTermination({1, Side::kAccess})->identity()->fingerprint();
  };
  ASSERT_THAT(Reserve("old"), IsOk());
  const std::shared_ptr<const TlsIdentity> next = MakeIdentity();
  pool_->SetIdentity("", next);
  EXPECT_EQ(Call("old", fingerprint), identity_->fingerprint());
  ASSERT_THAT(Reserve("new"), IsOk());
  EXPECT_EQ(Call("new",
                 [](ContextTable& contexts) {
                   return contexts.Find("new")
                       ->FindTermination({1, Side::kAccess})
                       ->identity()
                       ->fingerprint();
                 }),
            next->fingerprint());
}

TEST_F(WorkerPoolTest, ANewIdentityOfARealmIsForThatRealm) {
  const std::shared_ptr<const TlsIdentity> next = MakeIdentity();
  pool_->SetIdentity("both", next);
  ASSERT_THAT(Reserve("new"), IsOk());
  EXPECT_EQ(Call("new",
                 [](ContextTable& contexts) {
                   return contexts.Find("new")
                       ->FindTermination({1, Side::kAccess})
                       ->identity()
                       ->fingerprint();
                 }),
            next->fingerprint());
  EXPECT_EQ(
      Call("new",
           [](ContextTable& contexts) { return contexts.resources().identities.Of("other"); }),
      identity_);
}

}  // namespace
}  // namespace agw
