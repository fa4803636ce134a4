#include "iqctl/client/call_error.h"

#include <initializer_list>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/error.h"
#include "common/grpc_status.h"

namespace iqctl {
namespace {

bool ContainsAny(absl::string_view text, std::initializer_list<absl::string_view> parts) {
  for (const absl::string_view part : parts) {
    if (absl::StrContains(text, part)) return true;
  }
  return false;
}

// "failed to connect to all addresses; last error: CODE: TARGET: WHAT" without what the caller knows.
std::string WhyNotConnected(absl::string_view message) {
  constexpr absl::string_view kIntroduction = "last error: ";
  const size_t error = message.find(kIntroduction);
  if (error == absl::string_view::npos) return std::string(message);
  const std::vector<std::string> parts =
      absl::StrSplit(message.substr(error + kIntroduction.size()), absl::MaxSplits(": ", 2));
  return parts.size() == 3 ? absl::StrCat("cannot connect: ", parts[2]) : std::string(message);
}

absl::Status TlsError(absl::string_view message, const char* reason) {
  return common::MakeError(absl::StatusCode::kUnauthenticated, message, {reason, "iqctl", {}});
}

}  // namespace

absl::Status ToCallStatus(const grpc::Status& status, bool is_plaintext) {
  const std::string& message = status.error_message();
  // gRPC says only in words what became of the connection.
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE ||
      !absl::StrContains(message, "failed to connect to all addresses")) {
    return common::FromGrpcStatus(status);
  }
  const bool was_closed = ContainsAny(message, {"Socket closed", "onnection reset", "recvmsg"});
  const absl::Status not_connected = absl::UnavailableError(WhyNotConnected(message));
  if (is_plaintext) {
    if (!was_closed) return not_connected;
    return TlsError("the server hung up: it seems to want TLS", "TLS_WANTED");
  }
  if (ContainsAny(message, {"andshake", "ertificate", "erification", "SSL_"})) {
    return TlsError(WhyNotConnected(message), "TLS_FAILED");
  }
  if (was_closed) {
    return TlsError(
        "the server hung up after the TLS handshake: it does not seem to accept our "
        "certificate",
        "CERTIFICATE_REFUSED");
  }
  return not_connected;
}

absl::Status Annotate(const absl::Status& status, absl::string_view what) {
  absl::Status annotated(status.code(), absl::StrCat(what, ": ", status.message()));
  status.ForEachPayload([&annotated](absl::string_view type, const absl::Cord& payload) {
    annotated.SetPayload(type, payload);
  });
  return annotated;
}

}  // namespace iqctl
