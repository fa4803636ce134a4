// What the IMS-ALG wants of an IMS-AGW: the procedures of Iq, whatever carries them.

#ifndef ALG_SERVICE_GATEWAY_MEDIA_GATEWAY_H_
#define ALG_SERVICE_GATEWAY_MEDIA_GATEWAY_H_

#include <memory>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "alg-service/gateway/cancellation.h"
#include "common/monotonic_time.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace alg {

// How long a call may take, and who may end it sooner.
struct CallScope {
  common::MonotonicTime deadline = common::MonotonicTime::InfiniteFuture();
  std::shared_ptr<Cancellation> cancellation;  // May be null.
};

// One IMS-AGW. The messages are values here, and their .proto says what each procedure does.
//
// Every call is asynchronous: `done` is called exactly once, on any thread, perhaps before the call
// returns. Its status has the code and the ErrorInfo of the IMS-AGW ("iq.ims"); without ErrorInfo
// `kUnavailable` means that it cannot be reached, `kDeadlineExceeded` and `kCancelled` that `scope`
// ended the call. After those three nobody knows whether the IMS-AGW has done it.
//
// Thread-safe.
class MediaGateway {
 public:
  template <typename Response>
  using Done = absl::AnyInvocable<void(absl::StatusOr<Response> result)>;

  virtual ~MediaGateway() = default;

  virtual void ReserveConnectionPoint(ims::iq::v1::ReserveConnectionPointRequest request,
                                      const CallScope& scope,
                                      Done<ims::iq::v1::ReserveConnectionPointResponse> done) = 0;
  virtual void ReserveAndConfigureConnectionPoint(
      ims::iq::v1::ReserveAndConfigureConnectionPointRequest request, const CallScope& scope,
      Done<ims::iq::v1::ReserveAndConfigureConnectionPointResponse> done) = 0;
  virtual void ConfigureConnectionPoint(
      ims::iq::v1::ConfigureConnectionPointRequest request, const CallScope& scope,
      Done<ims::iq::v1::ConfigureConnectionPointResponse> done) = 0;
  virtual void ReleaseTermination(ims::iq::v1::ReleaseTerminationRequest request,
                                  const CallScope& scope,
                                  Done<ims::iq::v1::ReleaseTerminationResponse> done) = 0;
  virtual void AuditContext(ims::iq::v1::AuditContextRequest request, const CallScope& scope,
                            Done<ims::iq::v1::AuditContextResponse> done) = 0;
};

}  // namespace alg

#endif  // ALG_SERVICE_GATEWAY_MEDIA_GATEWAY_H_
