#include "alg-service/session/release.h"

#include <utility>

#include "alg-service/session/iq_call.h"
#include "alg-service/session/session_error.h"
#include "common/log.h"
#include "common/monotonic_time.h"

namespace alg {
namespace {

using ims::iq::v1::ReleaseTerminationRequest;
using ims::iq::v1::ReleaseTerminationResponse;

constexpr int kAttemptCount = 3;
constexpr absl::Duration kAttemptTime = absl::Seconds(1);

}  // namespace

bool IsLost(const GatewayDirectory& directory, const GatewayInfo& gateway) {
  return directory.Find(gateway.instance_id, gateway.incarnation).status().code() ==
         absl::StatusCode::kNotFound;
}

Task<absl::StatusOr<ReleaseTerminationResponse>> Release(
    std::shared_ptr<SessionResources> resources, Gateway gateway,
    ims::iq::v1::TerminationId termination, absl::optional<uint64_t> expected_revision) {
  ReleaseTerminationRequest request;
  *request.mutable_termination() = std::move(termination);
  // The same for all attempts: if only the answer was lost, the next one brings it.
  request.set_transaction_id(resources->ids.Next());
  if (expected_revision.has_value()) {
    request.set_expected_controller_state_revision(*expected_revision);
  }
  for (int attempts_left = kAttemptCount - 1;; --attempts_left) {
    const CallScope scope{common::MonotonicTime::Now() + kAttemptTime, nullptr};
    absl::StatusOr<ReleaseTerminationResponse> response =
        co_await Call(gateway.media_gateway, &MediaGateway::ReleaseTermination, request, scope);
    if (response.ok() || HasIqReason(response.status(), "REVISION_CONFLICT")) co_return response;
    if (response.status().code() == absl::StatusCode::kNotFound ||
        IsLost(*resources->directory, *gateway.info)) {
      co_return ReleaseTerminationResponse();
    }
    if (IsUncertain(response.status()) && attempts_left > 0) continue;
    common::Log(common::Severity::kWarning, "release_failed",
                {{"gateway", gateway.info->instance_id},
                 {"context_id", request.termination().context_id()},
                 {"code", absl::StatusCodeToString(response.status().code())},
                 {"detail", response.status().message()}});
    co_return response;
  }
}

}  // namespace alg
