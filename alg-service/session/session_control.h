// The IMS-ALG without its gRPC face: what each call of a network function does.

#ifndef ALG_SERVICE_SESSION_SESSION_CONTROL_H_
#define ALG_SERVICE_SESSION_SESSION_CONTROL_H_

#include <memory>
#include <vector>

#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/gateway/media_gateway.h"
#include "alg-service/metrics.h"
#include "alg-service/session/session_policy.h"
#include "alg-service/session/session_resources.h"
#include "alg-service/session/timers.h"
#include "ims/alg/v1/session_service.pb.h"

namespace alg {

// Requests are well-formed (api/request_check.h). `done` is called exactly once, on any thread,
// perhaps before the call returns; errors are those of ims.alg.v1. Each outcome is logged and
// counted.
//
// Calls under way keep what they need and go on when the object goes; what waits only to try again
// later gives up then. Who must not be outlived by them calls `Stop()` first. Thread-safe.
class SessionControl {
 public:
  template <typename Response>
  using Done = MediaGateway::Done<Response>;

  // Sessions remembered to spare audits; a record is some kilobytes.
  static constexpr size_t kCacheCapacity = 10'000;

  // With `timers` those instead of a thread of its own.
  SessionControl(std::shared_ptr<const GatewayDirectory> directory, SessionPolicy policy,
                 std::shared_ptr<Metrics> metrics, size_t cache_capacity = kCacheCapacity,
                 std::shared_ptr<Timers> timers = nullptr);
  ~SessionControl();

  SessionControl(const SessionControl&) = delete;
  SessionControl& operator=(const SessionControl&) = delete;

  // Gives up what waits only to try again later, cancels what waits for an IMS-AGW, and returns
  // when nothing is under way: within seconds, because what takes back a reservation goes on a
  // little. No calls may come meanwhile and afterwards.
  void Stop();

  void ProcessOffer(const ims::alg::v1::ProcessOfferRequest& request, const CallScope& scope,
                    Done<ims::alg::v1::ProcessOfferResponse> done);
  void ProcessAnswer(const ims::alg::v1::ProcessAnswerRequest& request, const CallScope& scope,
                     Done<ims::alg::v1::ProcessAnswerResponse> done);
  void RejectOffer(const ims::alg::v1::RejectOfferRequest& request, const CallScope& scope,
                   Done<ims::alg::v1::RejectOfferResponse> done);
  void ReleaseSession(const ims::alg::v1::ReleaseSessionRequest& request, const CallScope& scope,
                      Done<ims::alg::v1::ReleaseSessionResponse> done);
  void GetSession(const ims::alg::v1::GetSessionRequest& request, const CallScope& scope,
                  Done<ims::alg::v1::GetSessionResponse> done);

  // The IMS-AGWs that can be reached, sorted by instance id.
  std::vector<ims::alg::v1::KnownGateway> KnownGateways() const;

 private:
  const std::shared_ptr<ThreadTimers> own_timers_;  // Null if they are somebody else's.
  const std::shared_ptr<SessionResources> resources_;
};

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_SESSION_CONTROL_H_
