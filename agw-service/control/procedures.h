// The procedures of Iq that change a context (TS 23.334 clause 8), without what carries them.
//
// In two steps: `Prepare()` checks the form of a request, which any thread may do; what comes of it is
// run on the worker of the context, and fills the response. A transaction that has been run before gets
// its first reply again.

#ifndef AGW_SERVICE_CONTROL_PROCEDURES_H_
#define AGW_SERVICE_CONTROL_PROCEDURES_H_

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agw-service/worker/context_table.h"
#include "ims/iq/v1/media_gateway_service.pb.h"

namespace agw {

// Called once. Refers to the request, which outlives it. An error has changed nothing.
template <typename Response>
using Procedure = absl::AnyInvocable<absl::Status(ContextTable&, Response*)>;

// `kInvalidArgument` names the field.
absl::StatusOr<Procedure<ims::iq::v1::ReserveConnectionPointResponse>> Prepare(
    const ims::iq::v1::ReserveConnectionPointRequest& request);
absl::StatusOr<Procedure<ims::iq::v1::ReserveAndConfigureConnectionPointResponse>> Prepare(
    const ims::iq::v1::ReserveAndConfigureConnectionPointRequest& request);
absl::StatusOr<Procedure<ims::iq::v1::ConfigureConnectionPointResponse>> Prepare(
    const ims::iq::v1::ConfigureConnectionPointRequest& request);
absl::StatusOr<Procedure<ims::iq::v1::ReleaseTerminationResponse>> Prepare(
    const ims::iq::v1::ReleaseTerminationRequest& request);

absl::Status ContextUnknown();

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_PROCEDURES_H_
