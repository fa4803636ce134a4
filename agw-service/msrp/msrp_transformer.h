// Application-aware MSRP for one direction of a media stream: rewrites To-Path and From-Path of each
// message on the way (TS 23.334 clause 5.19.5), and lets everything else pass octet by octet.
//
//      ┌─────────────── head ───────────────┐┌──────── body ────────┐┌── end-line ──┐
//      MSRP a786 SEND, To-Path, From-Path, …  of any size, or none    -------a786$
//        kept back until it is complete         passes as it comes      passes
//
// MEMORY. Between messages, and amid a body, a transformer owns nothing but the three texts of its
// `MsrpRewriting`. A head that arrives in pieces is kept on the heap until it is complete, at most
// `kMsrpHeadLimit`. Octets in which nothing changes are returned as they lie in memory; others are
// put together in memory that all transformers of the worker share.
//
// B2BUA. A message whose To-Path does not name the IMS-AGW passes as it came: the peer answers it
// with 481, and that response, which names its own peer, comes back the same way.

#ifndef AGW_SERVICE_MSRP_MSRP_TRANSFORMER_H_
#define AGW_SERVICE_MSRP_MSRP_TRANSFORMER_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "agw-service/bearer/transformer.h"
#include "agw-service/msrp/end_line_search.h"
#include "agw-service/msrp/msrp_counters.h"
#include "agw-service/msrp/msrp_head.h"
#include "agw-service/msrp/msrp_rewriting.h"

namespace agw {

// What the transformers of a worker share: where they put together what goes to a sink.
struct MsrpScratch {
  std::string rewritten;
};

// Errors are `kInvalidArgument` with the text of an `MsrpFramingError`.
class MsrpTransformer : public Transformer {
 public:
  // Both references must outlive the transformer and belong to its worker.
  MsrpTransformer(MsrpRewriting rewriting, MsrpScratch& scratch, MsrpCounters& counters)
      : rewriting_(std::move(rewriting)), scratch_(scratch), counters_(counters) {}

  // For messages whose head is not complete yet.
  void SetRewriting(MsrpRewriting rewriting) { rewriting_ = std::move(rewriting); }

  absl::StatusOr<absl::Span<const char>> Transform(absl::Span<const char> bytes) override;

  // The end of a connection amid a message is a loss like others, which the sink's peer sees from
  // the end that follows. A head that is not complete goes nowhere.
  absl::StatusOr<absl::Span<const char>> Finish() override;

  // Ends an unfinished message with the flag '#' (RFC 4975 clause 7.1).
  absl::Span<const char> OnSourceReplaced() override;

  void OnSinkReplaced() override;

 private:
  class Output;

  enum class Part : uint8_t { kHead, kBody, kDroppedBody };

  // Takes octets from the beginning of `rest`: at most one head, or what there is of one.
  absl::Status TakeHead(absl::string_view& rest, Output& output);

  // Passes `head_` on, whose octets are `octets`; `kept` if they will not stay where they are.
  void PassHead(absl::string_view octets, bool kept, Output& output);

  void EndMessage(char flag);

  // Lets go of a head that is complete or will not be.
  void ForgetHead();

  MsrpRewriting rewriting_;
  MsrpScratch& scratch_;
  MsrpCounters& counters_;
  std::unique_ptr<std::string> kept_back_;  // The beginning of a head; nullptr if there is none.
  MsrpHead head_;
  EndLineSearch end_line_search_;
  Part part_ = Part::kHead;
  bool is_send_ = false;
};

}  // namespace agw

#endif  // AGW_SERVICE_MSRP_MSRP_TRANSFORMER_H_
