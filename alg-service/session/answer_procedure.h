// From an SDP answer to configured terminations and the answer to send on.

#ifndef ALG_SERVICE_SESSION_ANSWER_PROCEDURE_H_
#define ALG_SERVICE_SESSION_ANSWER_PROCEDURE_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "alg-service/gateway/media_gateway.h"
#include "alg-service/session/environment.h"
#include "alg-service/session/offered_session.h"
#include "alg-service/session/session_id.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

// One run of ProcessAnswer. In this order, each step for all streams at once:
//
// 1. T1 of the first accepted stream, together with the record, whose revision makes this answer
// the
//    only one: of two replicas with different answers one is told so.
// 2. T1 of the others; streams that the answer has lost are released.
// 3. T2, where the trigger does not do it all.
//
// What an IMS-AGW refuses because of the answer (an address or fingerprint it does not take)
// rejects that m-line only. Another refusal ends the session. If the IMS-AGW cannot be reached
// nothing is released, so that the call can be repeated: a repetition does only what is missing.
//
// Runs on the threads that call back, on one at a time; keeps itself alive.
class AnswerProcedure : public std::enable_shared_from_this<AnswerProcedure> {
 public:
  using Done = MediaGateway::Done<ims::alg::v1::ProcessAnswerResponse>;

  // `request` is well-formed. Errors are those of the API.
  static void Run(std::shared_ptr<Environment> environment,
                  ims::alg::v1::ProcessAnswerRequest request, const SessionId& id,
                  const CallScope& scope, Done done);

 private:
  // A Configure, and what came back.
  struct Step {
    AnsweredStream* stream;
    ims::iq::v1::ConfigureConnectionPointRequest request;
    absl::Status status;
  };

  AnswerProcedure(std::shared_ptr<Environment> environment,
                  ims::alg::v1::ProcessAnswerRequest request, const CallScope& scope, Done done);

  void Start(const SessionId& id);
  void Audit();
  void OnAudited(const ims::iq::v1::AuditContextResponse& audit);
  void Decide();
  void ConfigureFirst();
  void OnFirstConfigured(AnsweredStream& stream, const absl::Status& status);
  void ConfigureOtherAccess();
  void ConfigureCores();
  void RunSteps(std::vector<Step> steps, absl::AnyInvocable<void()> then);

  // Counts each release in `pending_count_`.
  void ReleaseLostStreams();
  void Forward();
  void Answer(bool session_ended);

  // False if the session cannot go on; then the procedure has ended.
  bool TakeResult(AnsweredStream& stream, const absl::Status& status);
  bool IsConfigured(uint32_t stream_id, ims::iq::v1::Side side) const;
  static bool IsAccepted(const AnsweredStream& stream);
  void EndSession(absl::AnyInvocable<void()> then);
  void Remember(const ims::alg::v1::ProcessAnswerResponse& response);
  void Fail(absl::Status error);

  const std::shared_ptr<Environment> environment_;
  const ims::alg::v1::ProcessAnswerRequest request_;
  const CallScope scope_;
  Done done_;

  SessionDescription answer_;
  Gateway gateway_;
  std::string context_id_;
  std::shared_ptr<const OfferedSession> session_;
  ims::alg::v1::SessionRecord record_;  // With the answer.
  AnswerPlan plan_;

  // With an audit: what is configured already, if this answer has come before.
  absl::optional<ims::iq::v1::AuditContextResponse> audit_;
  bool is_repeated_ = false;
  int conflict_count_ = 0;

  std::vector<Step> steps_;
  std::atomic<size_t> pending_count_{0};
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_ANSWER_PROCEDURE_H_
