// Giving back what an IMS-AGW has reserved.

#ifndef ALG_SERVICE_SESSION_RELEASE_H_
#define ALG_SERVICE_SESSION_RELEASE_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "alg-service/gateway/gateway_directory.h"
#include "alg-service/session/session_resources.h"
#include "alg-service/session/task.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace alg {

// Whether that run of the IMS-AGW is lost, and everything it had reserved with it.
bool IsLost(const GatewayDirectory& directory, const GatewayInfo& gateway);

// Releases what `termination` names: a context, a stream of it or one termination. Whatever becomes
// of the request it was reserved for: it has a deadline of its own, and asks up to three times
// while the IMS-AGW does not answer.
//
// With `expected_revision` only if the record of the session still is the one its caller knows.
// Without one for those who want it gone in whatever state it is: the network function, when the
// session is over.
//
// OK, with the statistics: the IMS-AGW has released it. OK, without any: there was nothing, or the
// IMS-AGW is lost and everything with it. Other results are errors of Iq: `kAborted`
// (REVISION_CONFLICT) if the record has changed; after an uncertain one (session_error.h) nobody
// knows.
Task<absl::StatusOr<ims::iq::v1::ReleaseTerminationResponse>> Release(
    std::shared_ptr<SessionResources> resources, Gateway gateway,
    ims::iq::v1::TerminationId termination, absl::optional<uint64_t> expected_revision);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_RELEASE_H_
