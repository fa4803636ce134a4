#include "iqctl/client/agw_client.h"

#include <utility>

#include "common/status_macros.h"
#include "iqctl/client/call_error.h"

namespace iqctl {

namespace iq = ims::iq::v1;
using Stub = iq::MediaGatewayService::Stub;

namespace {

constexpr uint32_t kPageSize = 1000;

}  // namespace

template <typename Response>
absl::Status AgwStream<Response>::Finish() {
  return ToCallStatus(reader_->Finish(), is_plaintext_);
}

template class AgwStream<iq::WatchStatusResponse>;
template class AgwStream<iq::WatchNotificationsResponse>;

AgwClient::AgwClient(Endpoint endpoint)
    : endpoint_(std::move(endpoint)), stub_(iq::MediaGatewayService::NewStub(endpoint_.channel)) {}

template <typename Request, typename Response>
absl::StatusOr<Response> AgwClient::Call(Method<Request, Response> method, const Request& request) {
  grpc::ClientContext context;
  endpoint_.Prepare(&context);
  Response response;
  const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
  if (!status.ok()) return ToCallStatus(status, endpoint_.is_plaintext);
  return response;
}

absl::StatusOr<iq::GatewayStatus> AgwClient::GetStatus() {
  ASSIGN_OR_RETURN(iq::GetStatusResponse response,
                   (Call<iq::GetStatusRequest, iq::GetStatusResponse>(&Stub::GetStatus, {})));
  return std::move(*response.mutable_status());
}

absl::Status AgwClient::Drain() {
  return Call<iq::DrainRequest, iq::DrainResponse>(&Stub::Drain, {}).status();
}

absl::Status AgwClient::Undrain() {
  return Call<iq::UndrainRequest, iq::UndrainResponse>(&Stub::Undrain, {}).status();
}

absl::StatusOr<iq::ListContextsResponse> AgwClient::ListContexts() {
  iq::ListContextsResponse all;
  iq::ListContextsRequest request;
  request.set_page_size(kPageSize);
  do {
    ASSIGN_OR_RETURN(
        const iq::ListContextsResponse page,
        (Call<iq::ListContextsRequest, iq::ListContextsResponse>(&Stub::ListContexts, request)));
    all.mutable_context_ids()->MergeFrom(page.context_ids());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return all;
}

absl::StatusOr<iq::AuditContextResponse> AgwClient::AuditContext(const std::string& context_id) {
  iq::AuditContextRequest request;
  request.set_context_id(context_id);
  return Call<iq::AuditContextRequest, iq::AuditContextResponse>(&Stub::AuditContext, request);
}

std::shared_ptr<StatusStream> AgwClient::WatchStatus(absl::Duration interval) {
  iq::WatchStatusRequest request;
  const int64_t seconds = absl::IDivDuration(interval, absl::Seconds(1), &interval);
  request.mutable_interval()->set_seconds(seconds);
  request.mutable_interval()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(interval)));
  auto stream = std::make_shared<StatusStream>(stub_, endpoint_.is_plaintext);
  stream->reader_ = stub_->WatchStatus(&stream->context_, request);
  return stream;
}

std::shared_ptr<NotificationStream> AgwClient::WatchNotifications(uint64_t after_sequence_number,
                                                                  const std::string& incarnation) {
  iq::WatchNotificationsRequest request;
  request.set_after_sequence_number(after_sequence_number);
  request.set_incarnation(incarnation);
  auto stream = std::make_shared<NotificationStream>(stub_, endpoint_.is_plaintext);
  stream->reader_ = stub_->WatchNotifications(&stream->context_, request);
  return stream;
}

}  // namespace iqctl
