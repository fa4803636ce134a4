// Calls of an IMS-AGW as tasks.

#ifndef ALG_SERVICE_SESSION_IQ_CALL_H_
#define ALG_SERVICE_SESSION_IQ_CALL_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "alg-service/gateway/media_gateway.h"
#include "alg-service/session/task.h"

namespace alg {

// Calls `method` and ends with its answer. Like every task it has begun when this returns: several
// calls that are to be under way at once are begun before the first is awaited.
//
//     co_await Call(gateway, &MediaGateway::AuditContext, std::move(request), scope)
template <typename Request, typename Response>
Task<absl::StatusOr<Response>> Call(std::shared_ptr<MediaGateway> gateway,
                                    void (MediaGateway::*method)(Request, const CallScope&,
                                                                 MediaGateway::Done<Response>),
                                    Request request, CallScope scope) {
  Event answered;
  absl::StatusOr<Response> result = absl::UnknownError("not answered");
  (gateway.get()->*method)(std::move(request), scope,
                           [&answered, &result](absl::StatusOr<Response> response) {
                             result = std::move(response);
                             answered.Set();
                           });
  co_await answered;
  co_return result;
}

}  // namespace alg

#endif  // ALG_SERVICE_SESSION_IQ_CALL_H_
