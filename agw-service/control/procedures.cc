#include "agw-service/control/procedures.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/types/optional.h"
#include "agw-service/context/context.h"
#include "agw-service/context/descriptor.h"
#include "agw-service/context/iq_error.h"
#include "agw-service/control/proto_conversion.h"
#include "agw-service/tls/fingerprint.h"
#include "common/status_macros.h"

namespace agw {
namespace {

namespace iq = ims::iq::v1;

// Runs `operation(ContextTable&, Response*)` once for each transaction id.
template <typename Response, typename Request, typename Operation>
absl::StatusOr<Procedure<Response>> InTransaction(const Request& request, Operation operation) {
  RETURN_IF_ERROR(CheckTransactionId(request.transaction_id()));
  // The kind of the request is part of its content.
  const size_t content =
      absl::HashOf(Request::descriptor()->full_name(), request.SerializeAsString());
  return Procedure<Response>([&request, content, operation = std::move(operation)](
                                 ContextTable& contexts, Response* response) -> absl::Status {
    const std::string& id = request.termination().context_id();
    ASSIGN_OR_RETURN(const absl::optional<std::string> reply,
                     contexts.Replay(id, request.transaction_id(), content));
    if (reply.has_value()) {
      response->ParseFromString(*reply);
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(operation(contexts, response));
    Transaction transaction{request.transaction_id(), content, response->SerializeAsString()};
    if (contexts.Find(id) != nullptr) {
      contexts.Remember(id, std::move(transaction));
    } else {
      contexts.RememberRelease(id, std::move(transaction));
    }
    return absl::OkStatus();
  });
}

// Both kinds of reservation; `remote` is absent for the one without.
template <typename Response, typename Request>
absl::StatusOr<Procedure<Response>> PrepareReservation(const Request& request,
                                                       absl::optional<RemoteDescriptor> remote) {
  ASSIGN_OR_RETURN(const TerminationKey key, ToTerminationKey(request.termination()));
  ASSIGN_OR_RETURN(LocalDescriptor local, ToLocalDescriptor(request.local()));
  ASSIGN_OR_RETURN(BearerControl control, ToBearerControl(request.bearer_control(),
                                                          /*orders_allowed=*/remote.has_value()));
  ASSIGN_OR_RETURN(
      absl::optional<ControllerStateUpdate> state,
      ToControllerStateUpdate(request.has_controller_state(), request.controller_state()));
  ASSIGN_OR_RETURN(
      const absl::optional<ContextAttributes> attributes,
      ToContextAttributes(request.has_context_attributes(), request.context_attributes()));
  return InTransaction<Response>(
      request,
      [&request, key, local = std::move(local), remote = std::move(remote),
       control = std::move(control), state = std::move(state),
       attributes](ContextTable& contexts, Response* response) -> absl::Status {
        const std::string& context_id = request.termination().context_id();
        const absl::StatusOr<Context*> found =
            contexts.FindOrCreate(context_id, attributes.has_value() && attributes->privileged());
        const absl::Status reserved =
            found.ok()
                ? (*found)->ReserveConnectionPoint(key, local, remote, control, state, attributes)
                : found.status();
        if (!reserved.ok()) {
          contexts.EraseIfEmpty(context_id);
          contexts.CountRefusal(reserved);
          return reserved;
        }
        const Termination& termination = *(*found)->FindTermination(key);
        *response->mutable_local_address() = ToProto(termination.local_address());
        for (const HashFunction hash_function : local.fingerprint_hash_functions) {
          *response->add_local_fingerprints() =
              ToProto(termination.identity()->FingerprintBy(hash_function));
        }
        response->set_controller_state_revision((*found)->controller_state_revision());
        return absl::OkStatus();
      });
}

}  // namespace

absl::Status ContextUnknown() {
  return IqError(absl::StatusCode::kNotFound, "CONTEXT_UNKNOWN", "no such context");
}

absl::StatusOr<Procedure<iq::ReserveConnectionPointResponse>> Prepare(
    const iq::ReserveConnectionPointRequest& request) {
  return PrepareReservation<iq::ReserveConnectionPointResponse>(request, absl::nullopt);
}

absl::StatusOr<Procedure<iq::ReserveAndConfigureConnectionPointResponse>> Prepare(
    const iq::ReserveAndConfigureConnectionPointRequest& request) {
  if (!request.has_remote()) {
    return IqError(absl::StatusCode::kInvalidArgument, "FIELD_MISSING", "is required", "remote");
  }
  ASSIGN_OR_RETURN(RemoteDescriptor remote, ToRemoteDescriptor(request.remote()));
  return PrepareReservation<iq::ReserveAndConfigureConnectionPointResponse>(request,
                                                                            std::move(remote));
}

absl::StatusOr<Procedure<iq::ConfigureConnectionPointResponse>> Prepare(
    const iq::ConfigureConnectionPointRequest& request) {
  ASSIGN_OR_RETURN(const TerminationKey key, ToTerminationKey(request.termination()));
  ASSIGN_OR_RETURN(RemoteDescriptor remote, ToRemoteDescriptor(request.remote()));
  ASSIGN_OR_RETURN(BearerControl control,
                   ToBearerControl(request.bearer_control(), /*orders_allowed=*/true));
  ASSIGN_OR_RETURN(
      absl::optional<ControllerStateUpdate> state,
      ToControllerStateUpdate(request.has_controller_state(), request.controller_state()));
  ASSIGN_OR_RETURN(
      const absl::optional<ContextAttributes> attributes,
      ToContextAttributes(request.has_context_attributes(), request.context_attributes()));
  return InTransaction<iq::ConfigureConnectionPointResponse>(
      request,
      [&request, key, remote = std::move(remote), control = std::move(control),
       state = std::move(state), attributes](
          ContextTable& contexts, iq::ConfigureConnectionPointResponse* response) -> absl::Status {
        Context* const context = contexts.Find(request.termination().context_id());
        if (context == nullptr) return ContextUnknown();
        RETURN_IF_ERROR(context->ConfigureConnectionPoint(key, remote, control, state, attributes));
        response->set_controller_state_revision(context->controller_state_revision());
        return absl::OkStatus();
      });
}

absl::StatusOr<Procedure<iq::ReleaseTerminationResponse>> Prepare(
    const iq::ReleaseTerminationRequest& request) {
  const iq::TerminationId& termination = request.termination();
  RETURN_IF_ERROR(CheckContextId(termination.context_id(), "termination.context_id"));
  absl::optional<Side> side;
  if (termination.side() != iq::SIDE_UNSPECIFIED) {
    ASSIGN_OR_RETURN(const TerminationKey key, ToTerminationKey(termination));
    side = key.side;
  }
  absl::optional<uint64_t> expected_revision;
  if (request.has_expected_controller_state_revision()) {
    expected_revision = request.expected_controller_state_revision();
  }
  return InTransaction<iq::ReleaseTerminationResponse>(
      request,
      [&termination, side, expected_revision](
          ContextTable& contexts, iq::ReleaseTerminationResponse* response) -> absl::Status {
        Context* const context = contexts.Find(termination.context_id());
        if (context == nullptr) return ContextUnknown();
        ASSIGN_OR_RETURN(
            const std::vector<Context::Released> released,
            context->ReleaseTermination(termination.stream_id(), side, expected_revision));
        for (const auto& [key, statistics] : released) {
          iq::TerminationStatistics* proto = response->add_terminations();
          SetTerminationId(termination.context_id(), key, proto->mutable_termination());
          SetStatistics(statistics, proto);
        }
        contexts.EraseIfEmpty(termination.context_id());
        return absl::OkStatus();
      });
}

}  // namespace agw
