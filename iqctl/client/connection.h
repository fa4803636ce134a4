// How services are reached: addresses, TLS, time limits.

#ifndef IQCTL_CLIENT_CONNECTION_H_
#define IQCTL_CLIENT_CONNECTION_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/grpc_security.h"
#include "common/name_resolver.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace iqctl {

// As the options say.
struct ConnectionOptions {
  std::vector<std::string> alg_targets;  // HOST:PORT each.
  std::vector<std::string> agw_targets;

  // PEM files; all empty for plaintext.
  std::string ca_file;
  std::string certificate_file;
  std::string key_file;

  // The names expected in the servers' certificates; empty: the host of the address.
  std::string alg_server_name;
  std::string agw_server_name;

  bool allow_plaintext_beyond_loopback = false;
  absl::Duration timeout;  // Of each call.
};

// A channel to one address of a service, and what calls through it need. A value; thread-safe.
struct Endpoint {
  std::string address;  // "192.0.2.5:7060"
  std::shared_ptr<grpc::Channel> channel;
  bool is_plaintext = true;
  absl::Duration timeout;

  // Prepares a call that fails when the time is up, and at once if there is no connection to be had.
  void Prepare(grpc::ClientContext* call) const;
};

// What a target, or one of its addresses, has led to.
struct EndpointOrError {
  std::string address;  // Or the target itself if its name is not known.
  absl::StatusOr<Endpoint> endpoint;
};

// Thread-safe.
class Connector {
 public:
  // `kInvalidArgument`: the options are incomplete, or the files cannot be used; says which.
  static absl::StatusOr<Connector> Make(ConnectionOptions options,
                                        common::NameResolver resolver = common::ResolveWithSystem);

  // Every address behind the targets of the options, each once; nothing is connected to yet. Blocks
  // while names are looked up. `kInvalidArgument`: a target is malformed, or is beyond loopback and
  // there is neither TLS nor leave for plaintext.
  absl::StatusOr<std::vector<EndpointOrError>> AlgEndpoints() const;
  absl::StatusOr<std::vector<EndpointOrError>> AgwEndpoints() const;

  // The same for one IMS-AGW named by "HOST:PORT".
  absl::StatusOr<std::vector<EndpointOrError>> AgwEndpointsAt(const std::string& target) const;

  const ConnectionOptions& options() const { return options_; }

 private:
  Connector(ConnectionOptions options, common::NameResolver resolver, common::ChannelSecurity alg,
            common::ChannelSecurity agw);

  absl::StatusOr<std::vector<EndpointOrError>> Resolve(
      const std::vector<std::string>& targets, const common::ChannelSecurity& security) const;

  ConnectionOptions options_;
  common::NameResolver resolver_;
  common::ChannelSecurity alg_security_;
  common::ChannelSecurity agw_security_;
};

}  // namespace iqctl

#endif  // IQCTL_CLIENT_CONNECTION_H_
