#include "common/grpc_security.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/ip_address.h"
#include "common/read_file.h"
#include "common/status_macros.h"
#include "grpc/grpc_security_constants.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/auth_metadata_processor.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace common {
namespace {

using ims::config::v1::MutualTls;

// How soon a changed file is noticed.
constexpr unsigned kRefreshSeconds = 1;

// Lets calls through whose peer has one of the names.
class NameCheck : public grpc::AuthMetadataProcessor {
 public:
  NameCheck(std::vector<std::string> names, std::function<void()> client_refused)
      : names_(std::move(names)), client_refused_(std::move(client_refused)) {}

  bool IsBlocking() const override { return false; }

  grpc::Status Process(const InputMetadata&, grpc::AuthContext* peer, OutputMetadata*,
                       OutputMetadata*) override {
    if (PeerHasAnyName(*peer, names_)) return grpc::Status::OK;
    client_refused_();
    return grpc::Status(grpc::StatusCode::PERMISSION_DENIED,
                        "the client's certificate has none of the allowed names");
  }

 private:
  const std::vector<std::string> names_;
  const std::function<void()> client_refused_;
};

absl::StatusOr<std::string> ReadPem(absl::string_view field, const std::string& file_name) {
  if (file_name.empty()) return absl::InvalidArgumentError(absl::StrCat(field, " is not set"));
  absl::StatusOr<std::string> content = ReadFile(file_name);
  if (content.ok()) return content;
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", content.status().message()));
}

// Whether a server could use these. gRPC parses PEM nowhere else where its result can be seen
// before the first handshake; the credentials with reloading take anything.
bool IsUsable(const std::string& key, const std::string& certificate, const std::string& ca) {
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_key_cert_pairs.push_back({key, certificate});
  options.pem_root_certs = ca;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::SslServerCredentials(options), &port);
  const std::unique_ptr<grpc::ServerCompletionQueue> queue = builder.AddCompletionQueue();
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server != nullptr) server->Shutdown();
  // A queue must be empty when it goes.
  queue->Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue->Next(&tag, &ok)) continue;
  return server != nullptr && port != 0;
}

// That the files can be read and belong together.
absl::Status CheckFiles(const MutualTls& tls) {
  ASSIGN_OR_RETURN(const std::string certificate,
                   ReadPem("certificate_file", tls.certificate_file()));
  ASSIGN_OR_RETURN(const std::string key, ReadPem("key_file", tls.key_file()));
  ASSIGN_OR_RETURN(const std::string ca, ReadPem("ca_file", tls.ca_file()));
  if (!IsUsable(key, certificate, "")) {
    return absl::InvalidArgumentError(absl::StrCat("certificate_file ", tls.certificate_file(),
                                                   " and key_file ", tls.key_file(),
                                                   " are not a PEM certificate and its key"));
  }
  if (!IsUsable(key, certificate, ca)) {
    return absl::InvalidArgumentError(
        absl::StrCat("ca_file ", tls.ca_file(), " has no PEM certificates"));
  }
  return absl::OkStatus();
}

std::shared_ptr<grpc::experimental::CertificateProviderInterface> WatchFiles(const MutualTls& tls) {
  return std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      tls.key_file(), tls.certificate_file(), tls.ca_file(), kRefreshSeconds);
}

bool IsLoopbackHost(absl::string_view host) {
  if (host == "localhost") return true;
  const absl::StatusOr<IpAddress> ip = IpAddress::Parse(host);
  return ip.ok() && ip->IsLoopback();
}

absl::Status PlaintextRefused(absl::string_view address) {
  return absl::InvalidArgumentError(
      absl::StrCat(address,
                   " is not a loopback address: configure tls, or set "
                   "allow_plaintext_beyond_loopback"));
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ims::config::v1::GrpcServer& config, std::function<void()> client_refused) {
  ASSIGN_OR_RETURN(const TransportAddress address,
                   TransportAddress::Parse(config.listen_address()));
  if (!config.has_tls()) {
    if (!address.ip.IsLoopback() && !config.allow_plaintext_beyond_loopback()) {
      return PlaintextRefused(config.listen_address());
    }
    return grpc::InsecureServerCredentials();
  }
  const MutualTls& tls = config.tls();
  RETURN_IF_ERROR(CheckFiles(tls));
  // TLS 1.2 is the least that these credentials speak.
  grpc::experimental::TlsServerCredentialsOptions options(WatchFiles(tls));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  std::shared_ptr<grpc::ServerCredentials> credentials =
      grpc::experimental::TlsServerCredentials(options);
  if (credentials == nullptr) return absl::InternalError("gRPC refuses the TLS credentials");
  if (!tls.allowed_client_names().empty()) {
    credentials->SetAuthMetadataProcessor(
        std::make_shared<NameCheck>(std::vector<std::string>(tls.allowed_client_names().begin(),
                                                             tls.allowed_client_names().end()),
                                    std::move(client_refused)));
  }
  return credentials;
}

absl::StatusOr<ChannelSecurity> ChannelSecurity::Make(const MutualTls* tls,
                                                      bool allow_plaintext_beyond_loopback) {
  ChannelSecurity security;
  security.allow_plaintext_beyond_loopback_ = allow_plaintext_beyond_loopback;
  if (tls == nullptr) {
    security.is_plaintext_ = true;
    security.credentials_ = grpc::InsecureChannelCredentials();
    return security;
  }
  RETURN_IF_ERROR(CheckFiles(*tls));
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(WatchFiles(*tls));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  security.credentials_ = grpc::experimental::TlsCredentials(options);
  if (security.credentials_ == nullptr) {
    return absl::InternalError("gRPC refuses the TLS credentials");
  }
  security.server_name_ = tls->server_name();
  return security;
}

absl::Status ChannelSecurity::CheckHost(absl::string_view host) const {
  if (is_plaintext_ && !allow_plaintext_beyond_loopback_ && !IsLoopbackHost(host)) {
    return PlaintextRefused(host);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> ChannelSecurity::NewChannel(
    const std::string& host, const std::string& target, grpc::ChannelArguments arguments) const {
  RETURN_IF_ERROR(CheckHost(host));
  // The channel is to an address, the certificate is for a name.
  if (!is_plaintext_) {
    arguments.SetSslTargetNameOverride(server_name_.empty() ? host : server_name_);
  }
  return grpc::CreateCustomChannel(target, credentials_, arguments);
}

bool PeerHasAnyName(const grpc::AuthContext& peer, const std::vector<std::string>& names) {
  for (const char* property : {GRPC_PEER_DNS_PROPERTY_NAME, GRPC_PEER_URI_PROPERTY_NAME}) {
    for (const grpc::string_ref& value : peer.FindPropertyValues(property)) {
      const auto is_value = [&value](const std::string& name) { return value == name; };
      if (std::any_of(names.begin(), names.end(), is_value)) return true;
    }
  }
  return false;
}

}  // namespace common
