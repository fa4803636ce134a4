// Releases that must not be forgotten.

#ifndef ALG_SERVICE_SESSION_TERMINATION_RELEASE_H_
#define ALG_SERVICE_SESSION_TERMINATION_RELEASE_H_

#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "alg-service/gateway/media_gateway.h"

namespace alg {

// Releases what `termination` names, independent of the request it was reserved for: with a
// deadline of its own, up to three times while the IMS-AGW cannot be reached. What is not there is
// released. `done` gets the statistics, empty if there was nothing; an error means that the
// IMS-AGW's own timers must do it.
void ReleaseSurely(const std::shared_ptr<MediaGateway>& media_gateway,
                   ims::iq::v1::TerminationId termination, std::string transaction_id,
                   MediaGateway::Done<ims::iq::v1::ReleaseTerminationResponse> done);

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_TERMINATION_RELEASE_H_
