// gRPC credentials from the configuration: mutual TLS (1.2 or newer), or plaintext where that is
// allowed. Certificates, keys and authorities are read again when their files change; connections
// that are up keep theirs.

#ifndef COMMON_GRPC_SECURITY_H_
#define COMMON_GRPC_SECURITY_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "grpcpp/channel.h"
#include "grpcpp/security/auth_context.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/support/channel_arguments.h"
#include "ims/config/v1/endpoint.pb.h"

namespace common {

// What `config.listen_address` is to be served with. Clients must show a certificate of the
// authorities; one that has none of `allowed_client_names`, if there are any, gets
// PERMISSION_DENIED from every call; `client_refused` is called for each of those calls, by gRPC's
// threads.
//
// `kInvalidArgument`: plaintext on an address that is not loopback, or a file that cannot be used;
// the message names it.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ims::config::v1::GrpcServer& config, std::function<void()> client_refused);

// How this process connects to servers: one set of credentials, and one thread that reads their
// files again, for any number of channels. A value. Thread-safe.
class ChannelSecurity {
 public:
  // `tls` is null for plaintext. `kInvalidArgument`: a file that cannot be used; the message names
  // it.
  static absl::StatusOr<ChannelSecurity> Make(const ims::config::v1::MutualTls* tls,
                                              bool allow_plaintext_beyond_loopback);

  // Whether a channel to `host`, a name or an address without brackets, is allowed. Plaintext is
  // for loopback addresses and "localhost", unless `allow_plaintext_beyond_loopback`; else
  // `kInvalidArgument`.
  absl::Status CheckHost(absl::string_view host) const;

  // A channel to `target`, as gRPC writes an address of `host`: "ipv4:192.0.2.1:7060". The server's
  // certificate must be for `tls.server_name`, or for `host` if that is empty. Errors are those of
  // `CheckHost()`.
  absl::StatusOr<std::shared_ptr<grpc::Channel>> NewChannel(
      const std::string& host, const std::string& target,
      grpc::ChannelArguments arguments = {}) const;

 private:
  ChannelSecurity() = default;

  std::shared_ptr<grpc::ChannelCredentials> credentials_;
  bool is_plaintext_ = false;
  bool allow_plaintext_beyond_loopback_ = false;
  std::string server_name_;
};

// Whether the peer's certificate has one of `names` as subject alternative name (DNS name or URI).
bool PeerHasAnyName(const grpc::AuthContext& peer, const std::vector<std::string>& names);

}  // namespace common

#endif  // COMMON_GRPC_SECURITY_H_
