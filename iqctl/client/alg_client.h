// Calls of the IMS-ALG.

#ifndef IQCTL_CLIENT_ALG_CLIENT_H_
#define IQCTL_CLIENT_ALG_CLIENT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ims/alg/v1/session_service.pb.h"
#include "iqctl/client/connection.h"

namespace iqctl {

// What one replica says of itself.
absl::StatusOr<ims::alg::v1::GetStatusResponse> GetAlgStatus(const Endpoint& endpoint);

// Any replica can answer for any session, so the endpoints are tried one after the other until one can be
// reached. Errors are those of the proto, and of ToCallStatus(), with the address in the message.
class AlgClient {
 public:
  explicit AlgClient(std::vector<EndpointOrError> endpoints) : endpoints_(std::move(endpoints)) {}

  absl::StatusOr<ims::alg::v1::GetSessionResponse> GetSession(const std::string& session_id);
  absl::StatusOr<ims::alg::v1::ReleaseSessionResponse> ReleaseSession(
      const std::string& session_id);

 private:
  template <typename Response, typename Call>
  absl::StatusOr<Response> AtAny(const Call& call);

  std::vector<EndpointOrError> endpoints_;
};

}  // namespace iqctl

#endif  // IQCTL_CLIENT_ALG_CLIENT_H_
