#include "iqctl/client/alg_client.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/error.h"
#include "grpcpp/client_context.h"
#include "ims/alg/v1/session_service.grpc.pb.h"
#include "iqctl/client/call_error.h"

namespace iqctl {

using ims::alg::v1::GetSessionRequest;
using ims::alg::v1::GetSessionResponse;
using ims::alg::v1::ReleaseSessionRequest;
using ims::alg::v1::ReleaseSessionResponse;
using ims::alg::v1::SessionService;

absl::StatusOr<ims::alg::v1::GetStatusResponse> GetAlgStatus(const Endpoint& endpoint) {
  grpc::ClientContext context;
  endpoint.Prepare(&context);
  ims::alg::v1::GetStatusResponse response;
  const grpc::Status status =
      SessionService::NewStub(endpoint.channel)->GetStatus(&context, {}, &response);
  if (!status.ok()) return ToCallStatus(status, endpoint.is_plaintext);
  return response;
}

template <typename Response, typename Call>
absl::StatusOr<Response> AlgClient::AtAny(const Call& call) {
  absl::Status error = absl::UnavailableError("the IMS-ALG's name has no address");
  for (const EndpointOrError& candidate : endpoints_) {
    error = candidate.endpoint.status();
    if (error.ok()) {
      grpc::ClientContext context;
      candidate.endpoint->Prepare(&context);
      const std::unique_ptr<SessionService::Stub> stub =
          SessionService::NewStub(candidate.endpoint->channel);
      Response response;
      error = ToCallStatus(call(*stub, &context, &response), candidate.endpoint->is_plaintext);
      if (error.ok()) return response;
    }
    error = Annotate(error, absl::StrCat("IMS-ALG at ", candidate.address));
    // What has a reason was said by an IMS-ALG. One that is silent may be a pod that has gone.
    const bool is_silent = absl::IsUnavailable(error) || absl::IsDeadlineExceeded(error);
    if (!is_silent || !common::ErrorReasonOf(error).empty()) break;
  }
  return error;
}

absl::StatusOr<GetSessionResponse> AlgClient::GetSession(const std::string& session_id) {
  GetSessionRequest request;
  request.set_session_id(session_id);
  return AtAny<GetSessionResponse>([&request](SessionService::Stub& stub,
                                              grpc::ClientContext* context,
                                              GetSessionResponse* response) {
    return stub.GetSession(context, request, response);
  });
}

absl::StatusOr<ReleaseSessionResponse> AlgClient::ReleaseSession(const std::string& session_id) {
  ReleaseSessionRequest request;
  request.set_session_id(session_id);
  return AtAny<ReleaseSessionResponse>([&request](SessionService::Stub& stub,
                                                  grpc::ClientContext* context,
                                                  ReleaseSessionResponse* response) {
    return stub.ReleaseSession(context, request, response);
  });
}

}  // namespace iqctl
