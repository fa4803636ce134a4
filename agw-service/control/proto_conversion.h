// Iq's messages to the values of context/ and back. Every INVALID_ARGUMENT about the form of a
// request is made here, with the path of the field.

#ifndef AGW_SERVICE_CONTROL_PROTO_CONVERSION_H_
#define AGW_SERVICE_CONTROL_PROTO_CONVERSION_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "agw-service/context/context.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/context/event.h"
#include "google/protobuf/timestamp.pb.h"
#include "ims/iq/v1/media_gateway_service.pb.h"
#include "ims/iq/v1/notification.pb.h"
#include "ims/iq/v1/termination.pb.h"

namespace agw {

absl::Status CheckContextId(absl::string_view context_id, absl::string_view field);
absl::Status CheckTransactionId(absl::string_view transaction_id);

// A termination that must be named in full.
absl::StatusOr<TerminationKey> ToTerminationKey(const ims::iq::v1::TerminationId& id);

absl::StatusOr<LocalDescriptor> ToLocalDescriptor(const ims::iq::v1::LocalDescriptor& local);
absl::StatusOr<RemoteDescriptor> ToRemoteDescriptor(const ims::iq::v1::RemoteDescriptor& remote);

// Reserve takes no orders to act: `orders_allowed` is false for it.
absl::StatusOr<BearerControl> ToBearerControl(const ims::iq::v1::BearerControl& control,
                                              bool orders_allowed);

absl::StatusOr<absl::optional<ControllerStateUpdate>> ToControllerStateUpdate(
    bool present, const ims::iq::v1::ControllerState& state);

absl::StatusOr<absl::optional<ContextAttributes>> ToContextAttributes(
    bool present, const ims::iq::v1::ContextAttributes& attributes);

void SetTerminationId(absl::string_view context_id, TerminationKey key,
                      ims::iq::v1::TerminationId* out);
void SetStatistics(const TerminationStatistics& statistics,
                   ims::iq::v1::TerminationStatistics* out);
ims::iq::v1::Fingerprint ToProto(const Fingerprint& fingerprint);
ims::iq::v1::TransportAddress ToProto(const common::TransportAddress& address);
ims::iq::v1::Side ToProto(Side side);
google::protobuf::Timestamp ToProto(absl::Time time);

// Without `sequence_number`, which the log gives.
ims::iq::v1::Notification ToProto(const Event& event);

// Everything but the incarnation.
ims::iq::v1::AuditContextResponse Audit(const Context& context);

}  // namespace agw

#endif  // AGW_SERVICE_CONTROL_PROTO_CONVERSION_H_
