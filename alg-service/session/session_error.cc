#include "alg-service/session/session_error.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/error.h"

namespace alg {
namespace {

using ims::alg::v1::ErrorReason;

absl::StatusCode CodeOf(ErrorReason reason) {
  switch (reason) {
    case ims::alg::v1::ERROR_REASON_FIELD_MISSING:
    case ims::alg::v1::ERROR_REASON_FIELD_INVALID:
    case ims::alg::v1::ERROR_REASON_SDP_MALFORMED:
    case ims::alg::v1::ERROR_REASON_SDP_TOO_LARGE:
    case ims::alg::v1::ERROR_REASON_REQUEST_REUSED:
      return absl::StatusCode::kInvalidArgument;
    case ims::alg::v1::ERROR_REASON_SESSION_UNKNOWN:
    case ims::alg::v1::ERROR_REASON_GATEWAY_LOST:
      return absl::StatusCode::kNotFound;
    case ims::alg::v1::ERROR_REASON_ALREADY_ANSWERED:
    case ims::alg::v1::ERROR_REASON_NOT_OFFERED:
      return absl::StatusCode::kFailedPrecondition;
    case ims::alg::v1::ERROR_REASON_NO_GATEWAY:
    case ims::alg::v1::ERROR_REASON_RECORD_TOO_NEW:
      return absl::StatusCode::kUnavailable;
    case ims::alg::v1::ERROR_REASON_GATEWAY_FULL:
      return absl::StatusCode::kResourceExhausted;
    case ims::alg::v1::ERROR_REASON_SESSION_CHANGED:
      return absl::StatusCode::kAborted;
    case ims::alg::v1::ERROR_REASON_DIRECTION_UNSUPPORTED:
    case ims::alg::v1::ERROR_REASON_REOFFER_UNSUPPORTED:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kInternal;
  }
}

std::string NameOf(ErrorReason reason) {
  return std::string(absl::StripPrefix(ims::alg::v1::ErrorReason_Name(reason), "ERROR_REASON_"));
}

}  // namespace

absl::Status SessionError(ErrorReason reason, absl::string_view message,
                          std::vector<std::pair<std::string, std::string>> metadata) {
  return common::MakeError(CodeOf(reason), message,
                           {NameOf(reason), "alg.ims", std::move(metadata)});
}

absl::Status FieldError(ErrorReason reason, absl::string_view field, absl::string_view problem) {
  return SessionError(reason, absl::StrCat(field, " ", problem), {{"field", std::string(field)}});
}

absl::Status FromIqError(const absl::Status& status) {
  using ims::alg::v1::ERROR_REASON_GATEWAY_FULL;
  using ims::alg::v1::ERROR_REASON_GATEWAY_REFUSED;
  using ims::alg::v1::ERROR_REASON_NO_GATEWAY;
  using ims::alg::v1::ERROR_REASON_SESSION_CHANGED;
  using ims::alg::v1::ERROR_REASON_SESSION_UNKNOWN;

  const auto [reason, domain, metadata] = common::GetErrorInfo(status);
  if (domain == "alg.ims") return status;
  if (reason == "CONTEXT_UNKNOWN" || reason == "TERMINATION_UNKNOWN") {
    return SessionError(ERROR_REASON_SESSION_UNKNOWN, "there is no such session");
  }
  if (reason == "REVISION_CONFLICT") {
    return SessionError(ERROR_REASON_SESSION_CHANGED, "another replica changed the session");
  }
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
      return SessionError(ERROR_REASON_GATEWAY_FULL, "the IMS-AGW is full");
    case absl::StatusCode::kUnavailable:
      return SessionError(ERROR_REASON_NO_GATEWAY, "the IMS-AGW cannot be reached, or is draining");
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return common::MakeError(status.code(), "the IMS-AGW did not answer in time",
                               {NameOf(ERROR_REASON_NO_GATEWAY), "alg.ims", {}});
    default:
      return SessionError(ERROR_REASON_GATEWAY_REFUSED, "the IMS-AGW refused the request",
                          {{"iq_reason", reason}});
  }
}

bool IsUncertain(const absl::Status& iq_status) {
  if (!common::ErrorReasonOf(iq_status).empty()) return false;
  return iq_status.code() == absl::StatusCode::kUnavailable ||
         iq_status.code() == absl::StatusCode::kDeadlineExceeded ||
         iq_status.code() == absl::StatusCode::kCancelled;
}

bool IsWorthAnotherGateway(const absl::Status& iq_status) {
  return iq_status.code() == absl::StatusCode::kResourceExhausted ||
         iq_status.code() == absl::StatusCode::kUnavailable ||
         iq_status.code() == absl::StatusCode::kDeadlineExceeded;
}

bool HasIqReason(const absl::Status& status, absl::string_view reason) {
  const common::ErrorInfo info = common::GetErrorInfo(status);
  return info.domain == "iq.ims" && info.reason == reason;
}

}  // namespace alg
