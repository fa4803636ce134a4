// gRPC credentials from the configuration: mutual TLS (1.2 or newer), or plaintext where that is
// allowed. Certificates, keys and authorities are read again when their files change; connections
// that are up keep theirs.

#ifndef COMMON_GRPC_SECURITY_H_
#define COMMON_GRPC_SECURITY_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "ims/config/v1/endpoint.pb.h"

namespace common {

// What `config.listen_address` is to be served with. Clients must show a certificate of the
// authorities; one that has none of `allowed_client_names`, if there are any, gets
// PERMISSION_DENIED from every call.
//
// `kInvalidArgument`: plaintext on an address that is not loopback, or a file that cannot be used;
// the message names it.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ims::config::v1::GrpcServer& config);

struct ChannelSecurity {
  std::shared_ptr<grpc::ChannelCredentials> credentials;

  // The name expected in the server's certificate, if it is not the host of the address: to be set
  // as the channel argument GRPC_SSL_TARGET_NAME_OVERRIDE_ARG. Empty: leave it.
  std::string server_name;
};

// How to connect to `target` ("HOST:PORT"). `tls` is null for plaintext, which is refused unless
// the host is a loopback address or "localhost", or `allow_plaintext_beyond_loopback`. Errors as
// above.
absl::StatusOr<ChannelSecurity> MakeChannelSecurity(const ims::config::v1::MutualTls* tls,
                                                    absl::string_view target,
                                                    bool allow_plaintext_beyond_loopback);

// Whether the peer's certificate has one of `names` as subject alternative name (DNS name or URI).
bool PeerHasAnyName(const grpc::AuthContext& peer, const std::vector<std::string>& names);

}  // namespace common

#endif  // COMMON_GRPC_SECURITY_H_
