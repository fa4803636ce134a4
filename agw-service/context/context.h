// H.248's context: one session (a SIP dialogue) as the IMS-AGW sees it.
//
//     Context  "c1"                        one session
//       ├── MediaStream 1                  one m-line of its SDP
//       │     ├── Termination  access, T1  address, orders and connection towards the UE
//       │     └── Termination  core, T2    ... towards the IMS core network
//       └── MediaStream 2 ...
//
// The IMS-ALG makes, configures and releases terminations by the procedures of TS 23.334 clause 8;
// a context comes into being with its first termination and goes with its last one.

#ifndef AGW_SERVICE_CONTEXT_CONTEXT_H_
#define AGW_SERVICE_CONTEXT_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/context/history.h"
#include "agw-service/context/media_stream.h"
#include "agw-service/context/worker_resources.h"
#include "common/monotonic_time.h"

namespace agw {

// Lives on one worker. Every call that fails has changed nothing; the errors are those of the Iq
// call of the same name.
class Context {
 public:
  // `on_hanging` is called, from the event loop, when the context has no connection, can get none
  // and was not named for the hold time; it may destroy the context.
  Context(WorkerResources& resources, std::string id, std::function<void()> on_hanging);
  ~Context();

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // With `remote`, ReserveAndConfigureConnectionPoint.
  absl::Status ReserveConnectionPoint(TerminationKey key, const LocalDescriptor& local,
                                      const absl::optional<RemoteDescriptor>& remote,
                                      const BearerControl& control,
                                      const absl::optional<ControllerStateUpdate>& state,
                                      const absl::optional<ContextAttributes>& attributes = {});

  absl::Status ConfigureConnectionPoint(TerminationKey key, const RemoteDescriptor& remote,
                                        const BearerControl& control,
                                        const absl::optional<ControllerStateUpdate>& state,
                                        const absl::optional<ContextAttributes>& attributes = {});

  // A termination that was released, with what it counted.
  using Released = std::pair<TerminationKey, TerminationStatistics>;

  // Stream 0: all; without a side both of the stream. With `expected_revision` only if the stored
  // controller state has that revision.
  absl::StatusOr<std::vector<Released>> ReleaseTermination(
      uint32_t stream_id, absl::optional<Side> side,
      absl::optional<uint64_t> expected_revision = absl::nullopt);

  // The IMS-AGW has drained, and its time is over: ends all connections, each with its event.
  void CloseForDrain();

  // Some call named the context.
  void Touch();

  bool empty() const { return streams_.empty(); }
  const std::string& id() const { return id_; }
  absl::Time creation_time() const { return creation_time_; }
  const History& history() const { return history_; }
  const ContextAttributes& attributes() const { return attributes_; }
  const std::string& controller_state() const { return controller_state_; }
  uint64_t controller_state_revision() const { return controller_state_revision_; }

  // By stream id.
  const absl::btree_map<uint32_t, std::unique_ptr<MediaStream>>& media_streams() const {
    return streams_;
  }

  // nullptr if there is none.
  const Termination* FindTermination(TerminationKey key) const;

 private:
  absl::Status Reserve(TerminationKey key, const LocalDescriptor& local,
                       const absl::optional<RemoteDescriptor>& remote, const BearerControl& control,
                       const absl::optional<ControllerStateUpdate>& state,
                       const absl::optional<ContextAttributes>& attributes);
  absl::Status Configure(TerminationKey key, const RemoteDescriptor& remote,
                         const BearerControl& control,
                         const absl::optional<ControllerStateUpdate>& state,
                         const absl::optional<ContextAttributes>& attributes);
  absl::StatusOr<std::vector<Released>> Release(uint32_t stream_id, absl::optional<Side> side,
                                                absl::optional<uint64_t> expected_revision);

  // Remembers a call that begins; what it makes happen comes behind it.
  void RememberCall(ProcedureCall::Procedure procedure, uint32_t stream_id,
                    absl::optional<Side> side);
  void RememberFailure(const absl::Status& status);
  void Report(uint32_t stream_id, Side side, EventKind kind);

  // `field` is the request's, for the error.
  absl::Status CheckRevision(uint64_t expected_revision, absl::string_view field) const;
  absl::Status CheckControllerState(const absl::optional<ControllerStateUpdate>& state) const;

  // A first write that is there already: it came with another reservation of the same offer.
  bool IsStored(const ControllerStateUpdate& state) const;
  void StoreControllerState(const absl::optional<ControllerStateUpdate>& state);
  void WatchHanging();

  WorkerResources& resources_;
  const std::string id_;
  const std::function<void()> on_hanging_;
  const absl::Time creation_time_;
  History history_;
  absl::btree_map<uint32_t, std::unique_ptr<MediaStream>> streams_;
  ContextAttributes attributes_;
  std::string controller_state_;
  uint64_t controller_state_revision_ = 0;
  common::MonotonicTime last_named_;
  EventLoop::TimerId hanging_timer_ = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_CONTEXT_H_
