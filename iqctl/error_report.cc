#include "iqctl/error_report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/error.h"
#include "iqctl/text/terminal.h"

namespace iqctl {
namespace {

struct Remedy {
  absl::string_view reason;
  absl::string_view text;
};

// Reasons of ims.alg.v1, ims.iq.v1 and our own that operators can meet.
constexpr Remedy kRemedies[] = {
    {"SESSION_UNKNOWN",
     "It has been released, or never was. The id is the session_id that ProcessOffer has returned "
     "and "
     "that the log of the IMS-ALG has."},
    {"GATEWAY_LOST",
     "Its IMS-AGW has ended, and its media with it; nothing is left to release. \"iqctl agw list\" "
     "shows which are there."},
    {"NO_GATEWAY", "\"iqctl check\" says which IMS-AGWs answer, and why others do not."},
    {"RECORD_TOO_NEW", "Repeat it: a newer replica of the IMS-ALG may get the call."},
    {"SESSION_CHANGED", "Repeat it."},
    {"REVISION_CONFLICT", "Repeat it."},
    {"FIELD_INVALID", "Check the argument."},
    {"FIELD_MISSING", "Check the argument."},
    {"CONTEXT_UNKNOWN",
     "It has been released, or never was. \"iqctl agw contexts INSTANCE\" lists those that are "
     "there."},
    {"STOPPING", "Start it again when it has ended."},
    {"TLS_FAILED",
     "Check --tls-ca (the authority of the server's certificate) and --tls-server-name (a name in "
     "it)."},
    {"CERTIFICATE_REFUSED",
     "Check --tls-cert: it must come from the authority in the service's ca_file, and not have "
     "ended."},
    {"TLS_WANTED", "Give --tls-ca, --tls-cert and --tls-key, or check the port."},
};

absl::string_view RemedyForCode(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnavailable:
      return "Check the address (--alg, --agw), and whether the service runs.";
    case absl::StatusCode::kDeadlineExceeded:
      return "Check the address and what is on the way, or give it more time with --timeout.";
    case absl::StatusCode::kPermissionDenied:
      return "Use a certificate with one of the names in the service's allowed_client_names.";
    case absl::StatusCode::kUnimplemented:
      return "The service does not know this call: it is older than this program, or another one.";
    default:
      return "";
  }
}

}  // namespace

std::string RemedyFor(const absl::Status& error) {
  const std::string reason = common::ErrorReasonOf(error);
  for (const Remedy& remedy : kRemedies) {
    if (remedy.reason == reason) return std::string(remedy.text);
  }
  return std::string(RemedyForCode(error.code()));
}

std::string ErrorReport(const absl::Status& error) {
  std::string report = absl::StrCat("iqctl: ", Printable(error.message()), "\n");
  const common::ErrorInfo info = common::GetErrorInfo(error);
  // What we found ourselves needs no code.
  if (!info.reason.empty() || !absl::IsInvalidArgument(error)) {
    absl::StrAppend(&report, "  reason: ", absl::StatusCodeToString(error.code()));
    if (!info.reason.empty()) {
      absl::StrAppend(&report, ", ", Printable(info.reason), " (", Printable(info.domain), ")");
    }
    for (const auto& [key, value] : info.metadata) {
      absl::StrAppend(&report, ", ", Printable(key), "=", Printable(value));
    }
    absl::StrAppend(&report, "\n");
  }
  const std::string remedy = RemedyFor(error);
  if (!remedy.empty()) absl::StrAppend(&report, "  remedy: ", remedy, "\n");
  return report;
}

}  // namespace iqctl
