// An IMS-AGW in memory, which can be nasty.

#ifndef ALG_SERVICE_GATEWAY_TESTING_FAKE_MEDIA_GATEWAY_H_
#define ALG_SERVICE_GATEWAY_TESTING_FAKE_MEDIA_GATEWAY_H_

#include <condition_variable>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/gateway/media_gateway.h"
#include "common/mutex.h"
#include "ims/iq/v1/error_reason.pb.h"

namespace alg {

// An error as an IMS-AGW sends it.
absl::Status IqError(absl::StatusCode code, ims::iq::v1::ErrorReason reason);

// Keeps the rules of ims.iq.v1 that a client can notice: repeated transactions, existing and
// unknown terminations, revisions. Its addresses are those of the scenario files: T1
// 192.0.2.10:40002, 40004 and so on, T2 203.0.113.10:30002, 30004, ... Thread-safe.
class FakeMediaGateway : public MediaGateway {
 public:
  // With `thread_count` 0 it acts and answers before the call returns. Else that many threads act
  // and answer, and take the calls that wait in any order, as gRPC may; ThreadSanitizer then sees
  // the procedures of the IMS-ALG as they run in the service.
  explicit FakeMediaGateway(int thread_count = 0);

  // Answers the calls that wait. Not to be destroyed by a `done`.
  ~FakeMediaGateway() override;

  // The next call of `method` ("ReserveConnectionPoint") fails and does nothing; for a Reserve or
  // Configure of a given side use `FailNextOn`.
  void FailNext(absl::string_view method, absl::Status status);
  void FailNextOn(absl::string_view method, ims::iq::v1::Side side, absl::Status status);

  // The next call of `method` is done, but its answer is lost: `kUnavailable`.
  void LoseNextAnswer(absl::string_view method);

  // Calls of `method` are not answered, nor done, until their scope is cancelled or `EndHeld()`.
  void Hold(absl::string_view method);

  // Ends the calls that are held with that status, or does and answers them, and holds no more.
  void EndHeld(const absl::Status& status);
  void DoHeld();
  size_t held_count() const;

  // "Reserve 1 T1", "Configure 1 T2", "Release 1", "Release", "Audit": what was asked for, in
  // order.
  std::vector<std::string> log() const;
  void ClearLog();

  // The requests, in order.
  std::vector<ims::iq::v1::ReserveConnectionPointRequest> reserves() const;
  std::vector<ims::iq::v1::ReserveAndConfigureConnectionPointRequest> reserves_and_configures()
      const;
  std::vector<ims::iq::v1::ConfigureConnectionPointRequest> configures() const;

  // What is reserved now.
  size_t context_count() const;
  size_t termination_count() const;
  std::string only_context_id() const;

  void ReserveConnectionPoint(ims::iq::v1::ReserveConnectionPointRequest request,
                              const CallScope& scope,
                              Done<ims::iq::v1::ReserveConnectionPointResponse> done) override;
  void ReserveAndConfigureConnectionPoint(
      ims::iq::v1::ReserveAndConfigureConnectionPointRequest request, const CallScope& scope,
      Done<ims::iq::v1::ReserveAndConfigureConnectionPointResponse> done) override;
  void ConfigureConnectionPoint(ims::iq::v1::ConfigureConnectionPointRequest request,
                                const CallScope& scope,
                                Done<ims::iq::v1::ConfigureConnectionPointResponse> done) override;
  void ReleaseTermination(ims::iq::v1::ReleaseTerminationRequest request, const CallScope& scope,
                          Done<ims::iq::v1::ReleaseTerminationResponse> done) override;
  void AuditContext(ims::iq::v1::AuditContextRequest request, const CallScope& scope,
                    Done<ims::iq::v1::AuditContextResponse> done) override;

 private:
  using TerminationKey = std::pair<uint32_t, ims::iq::v1::Side>;

  struct Context {
    std::map<TerminationKey, ims::iq::v1::TerminationAudit> terminations;
    std::string controller_state;
    uint64_t revision = 0;
  };

  // What is to happen to the next calls of a method.
  struct Mischief {
    std::string method;
    ims::iq::v1::Side side = ims::iq::v1::SIDE_UNSPECIFIED;  // Any.
    absl::Status status;
    bool after_the_deed = false;
  };

  struct Held {
    uint64_t id;
    absl::AnyInvocable<void(absl::Status)> end;  // With OK: does and answers it.
  };

  // The first reply to a transaction, and what was asked for.
  struct Reply {
    std::string request;
    std::string response;
  };

  // Runs `task` at once, or leaves it to the threads.
  void Run(absl::AnyInvocable<void()> task);
  void RunTasks();

  template <typename Request, typename Response>
  void Serve(const char* method, const std::string& log_line, const Request& request,
             const CallScope& scope, Done<Response> done,
             absl::StatusOr<Response> (FakeMediaGateway::*deed)(const Request&));
  template <typename Request, typename Response>
  void Answer(const char* method, const Request& request, Done<Response> done,
              absl::StatusOr<Response> (FakeMediaGateway::*deed)(const Request&));

  template <typename Request, typename Response>
  absl::StatusOr<Response> Reserve(const Request& request);
  absl::StatusOr<ims::iq::v1::ConfigureConnectionPointResponse> Configure(
      const ims::iq::v1::ConfigureConnectionPointRequest& request);
  absl::StatusOr<ims::iq::v1::ReleaseTerminationResponse> Release(
      const ims::iq::v1::ReleaseTerminationRequest& request);
  absl::StatusOr<ims::iq::v1::AuditContextResponse> Audit(
      const ims::iq::v1::AuditContextRequest& request);
  absl::Status StoreControllerState(Context& context, const ims::iq::v1::ControllerState& state);

  mutable common::Mutex mutex_;
  std::map<std::string, Context> contexts_;
  uint64_t last_revision_ = 0;
  std::map<std::tuple<std::string, std::string>, Reply> replies_;
  std::vector<Mischief> mischief_;
  std::vector<std::string> held_methods_;
  std::vector<Held> held_;
  uint64_t last_held_id_ = 0;
  std::vector<std::string> log_;
  std::vector<ims::iq::v1::ReserveConnectionPointRequest> reserves_;
  std::vector<ims::iq::v1::ReserveAndConfigureConnectionPointRequest> reserves_and_configures_;
  std::vector<ims::iq::v1::ConfigureConnectionPointRequest> configures_;

  std::condition_variable_any task_came_;
  std::vector<absl::AnyInvocable<void()>> tasks_;
  std::mt19937 random_;  // With its default seed, so that a run can be repeated.
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

// A directory of gateways that the test names. Not thread-safe while it is changed.
class FakeGatewayDirectory : public GatewayDirectory {
 public:
  void Add(GatewayInfo info, std::shared_ptr<MediaGateway> media_gateway);
  void Clear() { gateways_.clear(); }

  // What `Find()` says of one that was not added. `kNotFound` unless set.
  void set_missing(absl::Status missing) { missing_ = std::move(missing); }

  std::vector<Gateway> Reachable() const override { return gateways_; }
  absl::StatusOr<Gateway> Find(absl::string_view instance_id,
                               absl::string_view incarnation) const override;

 private:
  std::vector<Gateway> gateways_;
  absl::Status missing_ = absl::NotFoundError("no such IMS-AGW");
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_TESTING_FAKE_MEDIA_GATEWAY_H_
