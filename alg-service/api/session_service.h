// The gRPC service of the IMS-ALG.

#ifndef ALG_SERVICE_API_SESSION_SERVICE_H_
#define ALG_SERVICE_API_SESSION_SERVICE_H_

#include "absl/time/time.h"
#include "alg-service/session/session_control.h"
#include "ims/alg/v1/session_service.grpc.pb.h"

namespace alg {

// Checks each request, hands it to SessionControl with the deadline of the call, which is cancelled
// there when it is cancelled here, and sends back what comes. Thread-safe.
class SessionService : public ims::alg::v1::SessionService::CallbackService {
 public:
  // `control` outlives the service. `call_timeout` is for calls without a deadline.
  SessionService(SessionControl& control, absl::Duration call_timeout)
      : control_(control), call_timeout_(call_timeout) {}

  grpc::ServerUnaryReactor* ProcessOffer(grpc::CallbackServerContext* call,
                                         const ims::alg::v1::ProcessOfferRequest* request,
                                         ims::alg::v1::ProcessOfferResponse* response) override;
  grpc::ServerUnaryReactor* ProcessAnswer(grpc::CallbackServerContext* call,
                                          const ims::alg::v1::ProcessAnswerRequest* request,
                                          ims::alg::v1::ProcessAnswerResponse* response) override;
  grpc::ServerUnaryReactor* RejectOffer(grpc::CallbackServerContext* call,
                                        const ims::alg::v1::RejectOfferRequest* request,
                                        ims::alg::v1::RejectOfferResponse* response) override;
  grpc::ServerUnaryReactor* ReleaseSession(grpc::CallbackServerContext* call,
                                           const ims::alg::v1::ReleaseSessionRequest* request,
                                           ims::alg::v1::ReleaseSessionResponse* response) override;
  grpc::ServerUnaryReactor* GetSession(grpc::CallbackServerContext* call,
                                       const ims::alg::v1::GetSessionRequest* request,
                                       ims::alg::v1::GetSessionResponse* response) override;
  grpc::ServerUnaryReactor* GetStatus(grpc::CallbackServerContext* call,
                                      const ims::alg::v1::GetStatusRequest* request,
                                      ims::alg::v1::GetStatusResponse* response) override;

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Handle(grpc::CallbackServerContext* call, const Request* request,
                                   Response* response,
                                   void (SessionControl::*method)(const Request&, const CallScope&,
                                                                  SessionControl::Done<Response>));

  SessionControl& control_;
  const absl::Duration call_timeout_;
};

}  // namespace alg

#endif  // ALG_SERVICE_API_SESSION_SERVICE_H_
