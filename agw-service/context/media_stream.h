// H.248's stream: the two terminations of one m-line of SDP, and what happens between them. Called
// `MediaStream` here, since a `ByteStream` is something else: one of the two connections.
//
//   1. One side's event makes the other side connect, if the interlinkage says so.
//   2. When both connections are established, a through-connection passes bytes on.
//   3. The end of one side, or its failure, is an end for the other side too: docs/half-close.md.

#ifndef AGW_SERVICE_CONTEXT_MEDIA_STREAM_H_
#define AGW_SERVICE_CONTEXT_MEDIA_STREAM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "agw-service/bearer/through_connection.h"
#include "agw-service/context/buffered_bytes.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/context/event.h"
#include "agw-service/context/termination.h"
#include "agw-service/context/worker_resources.h"
#include "agw-service/msrp/msrp_rewriting.h"
#include "agw-service/msrp/msrp_transformer.h"
#include "agw-service/net/timer.h"

namespace agw {

// Lives on one worker.
class MediaStream final : private Termination::Observer {
 public:
  // `resources` outlives the stream; `report` is called for everything the IMS-ALG is told.
  MediaStream(WorkerResources& resources, std::function<void(Side, EventKind)> report)
      : resources_(resources),
        report_(std::move(report)),
        await_other_side_(resources.loop),
        half_close_silence_(resources.loop) {}

  MediaStream(const MediaStream&) = delete;
  MediaStream& operator=(const MediaStream&) = delete;

  // Reserves the termination of `side`, which does not exist yet; configures it too if `remote` is
  // given. Errors: those of the Iq calls; then nothing has changed.
  absl::Status Reserve(Side side, const LocalDescriptor& local,
                       const absl::optional<RemoteDescriptor>& remote,
                       const BearerControl& control);

  // The termination exists.
  absl::Status CheckConfigure(Side side, const RemoteDescriptor& remote,
                              const BearerControl& control) const;

  // By the last order, closes what belongs to another peer (a fork's), keeps or replaces the connection.
  void Configure(Side side, const RemoteDescriptor& remote, const BearerControl& control);

  // Ends the termination, which exists, and with it the other side's connection.
  void ReleaseTermination(Side side);

  // Ends both connections.
  void CloseForDrain();

  // nullptr if it does not exist.
  const Termination* termination(Side side) const { return at(side).get(); }

  const Interlinkage& interlinkage() const { return interlinkage_; }

  // What the peer of `side` should have been told as the path of its far end; empty if that is not known, or if the
  // stream is application-agnostic.
  std::string LocalMsrpPath(Side side) const;
  TerminationStatistics Statistics(Side side) const;

  bool empty() const { return access_ == nullptr && core_ == nullptr; }

  // A connection exists, or may still come about before a timer ends it.
  bool active() const;

 private:
  const std::unique_ptr<Termination>& at(Side side) const {
    return side == Side::kAccess ? access_ : core_;
  }
  std::unique_ptr<Termination>& at(Side side) { return side == Side::kAccess ? access_ : core_; }

  // Whether events at `side` make the other side connect.
  bool Triggers(Side side) const;

  void OnTcpEstablished(Side side) override;
  void OnEstablished(Side side) override;
  void OnSetupFailed(Side side, bool final) override;
  void OnReplaced(Side side, ByteStream& next) override;
  void OnReplacementAbandoned(Side side) override;
  void OnBearerReady(Side side, const Readiness& readiness) override;
  void OnReadingAllowed(Side) override { UpdateInterest(); }
  void Report(Side side, EventKind kind) override { report_(side, std::move(kind)); }

  // Closes the connection of another peer than the one that `side` is to have now.
  void GiveUpConnection(Side side);

  // An application-aware stream waits for the paths of both peers.
  bool MayStart() const;
  void StartThroughConnection();

  // From `source` to the other side, by the paths of both peers as they are now.
  MsrpRewriting RewritingFrom(Side source) const;
  void UpdateRewriting();

  // Counts what it moved. What comes of it is the caller's affair.
  absl::optional<ThroughConnection::Failure> MoveOctets(Side side, const Readiness& readiness);

  // Neither gate is closed for octets that come from `side`, nor do they come too fast.
  bool MayRead(Side side) const;
  void UpdateInterest();
  void UpdateBufferedBytes();
  void KeepByteCounts();
  void StopThroughConnection();
  void EndThroughConnection(const ThroughConnection::Failure& failure);
  void EndForBufferLimit(Side side);
  void FinishThroughConnection();
  void AwaitOtherSide(Side waiting);
  void WatchHalfClosed();

  // Octets that came in, and octets that the peers' kernels have taken; a slow taker only adds to
  // the latter.
  uint64_t ProgressCount() const;

  WorkerResources& resources_;
  const std::function<void(Side, EventKind)> report_;
  Interlinkage interlinkage_;
  std::unique_ptr<Termination> access_;
  std::unique_ptr<Termination> core_;
  // Of what comes from a side; null where the stream is application-agnostic.
  std::unique_ptr<MsrpTransformer> from_access_;
  std::unique_ptr<MsrpTransformer> from_core_;

  std::unique_ptr<ThroughConnection> through_;  // Goes before what it refers to.

  // Whose connection has broken while its next one is expected: the other side's has carried octets, and
  // waits. What is known of their messages (the two above) is kept until then.
  absl::optional<Side> lost_side_;

  // Of octets that the peer of a side has not taken; null if there are none.
  std::unique_ptr<BufferedBytes::Account> buffered_for_access_;
  std::unique_ptr<BufferedBytes::Account> buffered_for_core_;

  Timer await_other_side_;    // By the side that is established.
  Timer half_close_silence_;  // Since one direction has ended.
  uint64_t progress_at_last_look_ = 0;
};

}  // namespace agw

#endif  // AGW_SERVICE_CONTEXT_MEDIA_STREAM_H_
