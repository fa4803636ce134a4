// From an SDP offer to reserved terminations and the offer to send on.

#ifndef ALG_SERVICE_SESSION_OFFER_PROCEDURE_H_
#define ALG_SERVICE_SESSION_OFFER_PROCEDURE_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "alg-service/gateway/media_gateway.h"
#include "alg-service/session/environment.h"
#include "alg-service/session/offered_session.h"
#include "alg-service/session/session_id.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

// One run of ProcessOffer. Everything the offer needs is asked for at once; if a part fails, what
// was reserved is released before the answer, and another IMS-AGW is tried where that may help.
//
// A repeated request finds its terminations reserved (ALREADY_EXISTS) and takes what the context's
// audit tells, if the context's record is that of the same request.
//
// Runs on the threads that call back, on one at a time; keeps itself alive.
class OfferProcedure : public std::enable_shared_from_this<OfferProcedure> {
 public:
  using Done = MediaGateway::Done<ims::alg::v1::ProcessOfferResponse>;

  // `request` is well-formed; `ue_supports_e2ae` and `p_cscf_supports_e2ae` are what it says of the
  // registration. Errors are those of the API.
  static void Run(std::shared_ptr<Environment> environment,
                  const ims::alg::v1::ProcessOfferRequest& request, bool ue_supports_e2ae,
                  bool p_cscf_supports_e2ae, const CallScope& scope, Done done);

 private:
  // A termination asked for, and what came back.
  struct Part {
    ims::iq::v1::TerminationId termination;
    absl::Status status;
    ims::iq::v1::TransportAddress local_address;
    google::protobuf::RepeatedPtrField<ims::iq::v1::Fingerprint> local_fingerprints;
  };

  OfferProcedure(std::shared_ptr<Environment> environment, const CallScope& scope, Done done);

  void Start(const ims::alg::v1::ProcessOfferRequest& request, bool ue_supports_e2ae,
             bool p_cscf_supports_e2ae);
  void TryNextGateway();
  void ForwardWithoutGateway();
  void Reserve(const std::vector<const OfferedStream*>& streams);
  template <typename Response>
  MediaGateway::Done<Response> StorePart(size_t index);
  void OnReserved();
  void OnFailed(const absl::Status& failure);
  void AuditExisting();
  absl::Status TakeOver(const ims::iq::v1::AuditContextResponse& audit);
  void Forward();

  // Releases the context, or only what this run has reserved, and then does `then`.
  void ReleaseContext(absl::AnyInvocable<void()> then);
  void ReleaseOwnParts(absl::AnyInvocable<void()> then);

  CallScope AttemptScope() const;
  bool IsAbandoned() const;
  void Reject(const Rejection& rejection);
  void Fail(absl::Status error);

  const std::shared_ptr<Environment> environment_;
  const CallScope scope_;
  Done done_;

  RequestKey key_;
  OfferedSession session_;
  std::vector<Gateway> candidates_;
  size_t next_candidate_ = 0;
  absl::Status last_failure_;

  std::vector<Part> parts_;  // T1 and T2 of each stream, in turn.
  std::atomic<size_t> pending_count_{0};
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_OFFER_PROCEDURE_H_
