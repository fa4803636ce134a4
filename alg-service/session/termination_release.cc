#include "alg-service/session/termination_release.h"

#include <utility>

#include "absl/time/clock.h"
#include "alg-service/session/session_error.h"
#include "common/log.h"

namespace alg {
namespace {

using ims::iq::v1::ReleaseTerminationRequest;
using ims::iq::v1::ReleaseTerminationResponse;

constexpr int kAttemptCount = 3;
constexpr absl::Duration kAttemptTime = absl::Seconds(1);

void Attempt(std::shared_ptr<MediaGateway> media_gateway, ReleaseTerminationRequest request,
             int attempts_left, MediaGateway::Done<ReleaseTerminationResponse> done) {
  const CallScope scope{absl::Now() + kAttemptTime, nullptr};
  MediaGateway& target = *media_gateway;
  ReleaseTerminationRequest copy = request;
  target.ReleaseTermination(
      std::move(copy), scope,
      [media_gateway = std::move(media_gateway), request = std::move(request), attempts_left,
       done = std::move(done)](absl::StatusOr<ReleaseTerminationResponse> result) mutable {
        if (result.status().code() == absl::StatusCode::kNotFound) {
          done(ReleaseTerminationResponse());
          return;
        }
        if (IsUncertain(result.status()) && attempts_left > 1) {
          Attempt(std::move(media_gateway), std::move(request), attempts_left - 1, std::move(done));
          return;
        }
        if (!result.ok()) {
          common::Log(common::Severity::kWarning, "release_failed",
                      {{"context_id", request.termination().context_id()},
                       {"code", absl::StatusCodeToString(result.status().code())},
                       {"detail", result.status().message()}});
        }
        done(std::move(result));
      });
}

}  // namespace

void ReleaseSurely(const std::shared_ptr<MediaGateway>& media_gateway,
                   ims::iq::v1::TerminationId termination, std::string transaction_id,
                   MediaGateway::Done<ReleaseTerminationResponse> done) {
  ReleaseTerminationRequest request;
  *request.mutable_termination() = std::move(termination);
  request.set_transaction_id(std::move(transaction_id));
  Attempt(media_gateway, std::move(request), kAttemptCount, std::move(done));
}

}  // namespace alg
