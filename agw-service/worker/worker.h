// A thread with an event loop and the contexts that live there.

#ifndef AGW_SERVICE_WORKER_WORKER_H_
#define AGW_SERVICE_WORKER_WORKER_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>

#include "absl/functional/any_invocable.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/net/event_loop.h"
#include "agw-service/tls/tls_identities.h"
#include "agw-service/worker/admission.h"
#include "agw-service/worker/context_table.h"

namespace agw {

// What all workers share. What it refers to outlives them.
struct WorkerOptions {
  const RealmTable& realms;
  const std::vector<common::OwnAddressRange>& own_addresses;
  const ContextLimits& limits;
  const EventSink& event_sink;
  Admission& admission;
  TlsIdentities identities;  // To begin with.

  // Is told about once a second what was counted since the last time. Thread-safe.
  std::function<void(const WorkerCounters&)> counter_sink;
};

// Thread-safe. No lock is taken while a byte moves; calls cross over as tasks.
class Worker {
 public:
  // Its thread is called "worker/NUMBER".
  Worker(size_t number, const WorkerOptions& options);

  // Releases all contexts and joins the thread. Tasks posted before run, and so do those that they
  // post; nobody else may post any more.
  ~Worker();

  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Runs `task` on the worker's thread. It gets values, never pointers into a context.
  void Post(absl::AnyInvocable<void(ContextTable&)> task);

 private:
  void Run(const WorkerOptions& options);

  EventLoop loop_;
  ContextTable* contexts_ = nullptr;  // Belongs to the thread.
  std::thread thread_;
};

}  // namespace agw

#endif  // AGW_SERVICE_WORKER_WORKER_H_
