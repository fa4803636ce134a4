#include "iqctl/connection_options.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"
#include "iqctl/cli/command_line.h"

namespace iqctl {
namespace {

std::vector<std::string> SplitList(const std::string& text) {
  return absl::StrSplit(text, ',', absl::SkipEmpty());
}

// "NAME" for both services, or "alg=NAME,agw=NAME".
absl::Status ReadServerNames(const std::string& text, ConnectionOptions* options) {
  for (const std::string& part : SplitList(text)) {
    const std::pair<std::string, std::string> sides = absl::StrSplit(part, absl::MaxSplits('=', 1));
    if (part.find('=') == std::string::npos && part == text) {
      options->alg_server_name = options->agw_server_name = part;
    } else if (sides.first == "alg" && !sides.second.empty()) {
      options->alg_server_name = sides.second;
    } else if (sides.first == "agw" && !sides.second.empty()) {
      options->agw_server_name = sides.second;
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--tls-server-name is \"", text,
                                                     "\" and must be NAME or alg=NAME,agw=NAME"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

std::vector<Option> CommonOptions() {
  return {
      {"output",
       'o',
       "FORMAT",
       "How results are printed: for people, or for programs. JSON and YAML have the field names "
       "of the "
       ".proto files.",
       "table",
       "",
       {"table", "json", "yaml"}},
      {"alg", 0, "HOST:PORT",
       "The API of the IMS-ALG. Of several addresses of a name, or targets separated by commas, "
       "the first "
       "that answers is used.",
       "127.0.0.1:7050", "IQCTL_ALG"},
      {"agw", 0, "HOST:PORT,...", "Iq of the IMS-AGWs. A name stands for all its addresses.",
       "127.0.0.1:7060", "IQCTL_AGW"},
      {"tls-ca",
       0,
       "FILE",
       "PEM file: the authorities that the servers' certificates come from.",
       "",
       "IQCTL_TLS_CA",
       {},
       true},
      {"tls-cert",
       0,
       "FILE",
       "PEM file: our certificate, with its chain.",
       "",
       "IQCTL_TLS_CERT",
       {},
       true},
      {"tls-key", 0, "FILE", "PEM file: its key.", "", "IQCTL_TLS_KEY", {}, true},
      {"tls-server-name", 0, "NAME",
       "The name in the servers' certificates, if it is not the host of the address: NAME for both "
       "services, or alg=NAME,agw=NAME.",
       "", "IQCTL_TLS_SERVER_NAME"},
      {"plaintext", 0, "",
       "No TLS, also beyond loopback, where everybody on the way can read and change what is sent. "
       "Variables of the environment with TLS files are not looked at."},
      {"timeout", 0, "TIME", "How long a call may take: 500ms, 5s, 1min.", "5s", ""},
  };
}

absl::StatusOr<ConnectionOptions> ConnectionOptionsOf(const Invocation& invocation) {
  ConnectionOptions options;
  options.alg_targets = SplitList(invocation.Value("alg"));
  options.agw_targets = SplitList(invocation.Value("agw"));
  if (options.alg_targets.empty()) return absl::InvalidArgumentError("--alg names no address");
  if (options.agw_targets.empty()) return absl::InvalidArgumentError("--agw names no address");
  ASSIGN_OR_RETURN(options.timeout, DurationValue(invocation, "timeout"));
  if (invocation.Has("plaintext")) {
    for (const char* option : {"tls-ca", "tls-cert", "tls-key", "tls-server-name"}) {
      if (invocation.IsGiven(option)) {
        return absl::InvalidArgumentError(
            absl::StrCat("--plaintext and --", option, " exclude each other"));
      }
    }
    options.allow_plaintext_beyond_loopback = true;
    return options;
  }
  options.ca_file = invocation.Value("tls-ca");
  options.certificate_file = invocation.Value("tls-cert");
  options.key_file = invocation.Value("tls-key");
  RETURN_IF_ERROR(ReadServerNames(invocation.Value("tls-server-name"), &options));
  return options;
}

absl::StatusOr<Connector> MakeConnector(const Invocation& invocation) {
  ASSIGN_OR_RETURN(ConnectionOptions options, ConnectionOptionsOf(invocation));
  return Connector::Make(std::move(options));
}

}  // namespace iqctl
