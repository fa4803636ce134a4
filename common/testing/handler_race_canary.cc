// A deliberate race between a handler of gRPC's and a worker, in the shape of our services: the
// handler posts a task to a thread and both write the same variable. ThreadSanitizer must report
// it; race_canary_test.sh checks that. Nothing here is right but the reports.

#include <condition_variable>
#include <cstdio>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/check.h"
#include "common/grpc_lifetime.h"
#include "common/mutex.h"
#include "common/testing/generic_call.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/slice.h"

namespace canary {

class Worker {
 public:
  Worker() : thread_([this] { Run(); }) {}

  ~Worker() {
    Post(nullptr);
    thread_.join();
  }

  void Post(std::function<void()> task) {
    common::MutexLock lock(mutex_);
    tasks_.push_back(std::move(task));
    posted_.notify_one();
  }

 private:
  void Run() {
    for (;;) {
      std::vector<std::function<void()>> tasks;
      {
        common::MutexLock lock(mutex_);
        while (tasks_.empty()) posted_.wait(mutex_);
        tasks.swap(tasks_);
      }
      for (const std::function<void()>& task : tasks) {
        if (task == nullptr) return;
        task();
      }
    }
  }

  common::Mutex mutex_;
  std::condition_variable_any posted_;
  std::vector<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  std::thread thread_;
};

class RacingService : public grpc::CallbackGenericService {
 public:
  explicit RacingService(Worker& worker) : worker_(worker) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    worker_.Post([this] { ++count_; });
    ++count_;  // Too late: the task may be running.
    return new Reactor;
  }

 private:
  class Reactor : public grpc::ServerGenericBidiReactor {
   public:
    Reactor() { StartRead(&request_); }
    void OnReadDone(bool) override {
      StartWriteAndFinish(&response_, grpc::WriteOptions(), grpc::Status::OK);
    }
    void OnDone() override { delete this; }

   private:
    const grpc::Slice slice_{"response"};
    grpc::ByteBuffer request_;
    grpc::ByteBuffer response_{&slice_, 1};
  };

  Worker& worker_;
  int count_ = 0;
};

}  // namespace canary

int main() {
  common::GrpcLifetime grpc_lifetime;
  canary::Worker worker;
  canary::RacingService service(worker);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  CHECK(server != nullptr);
  const auto channel =
      grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
  // A race is seen whatever comes first, but only while ThreadSanitizer remembers both.
  for (int i = 0; i < 100; ++i) {
    CHECK(common::CallMethod(channel, "/ims.test.v1.Example/Call", "request").ok());
  }
  server->Shutdown();
  std::puts("All calls are answered.");
}
