#include "alg-service/api/request_check.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "alg-service/session/session_error.h"
#include "common/ip_address.h"
#include "common/status_macros.h"

namespace alg {
namespace {

using ims::alg::v1::E2aeSupport;
using ims::alg::v1::ERROR_REASON_DIRECTION_UNSUPPORTED;
using ims::alg::v1::ERROR_REASON_FIELD_INVALID;
using ims::alg::v1::ERROR_REASON_FIELD_MISSING;
using ims::alg::v1::ERROR_REASON_SDP_TOO_LARGE;

constexpr size_t kLongestRequestId = 128;
constexpr size_t kLongestDialogueField = 255;
constexpr size_t kLargestSdp = 65'536;
constexpr int kHeaderLimit = 16;
constexpr size_t kLongestHeader = 2'048;

absl::Status CheckRequestId(const std::string& id) {
  if (id.empty()) return FieldError(ERROR_REASON_FIELD_MISSING, "request_id", "is missing");
  if (id.size() > kLongestRequestId ||
      !std::all_of(id.begin(), id.end(), [](unsigned char c) { return absl::ascii_isprint(c); })) {
    return FieldError(ERROR_REASON_FIELD_INVALID, "request_id",
                      "is not 1 to 128 printable ASCII characters");
  }
  return absl::OkStatus();
}

absl::Status CheckSdp(const std::string& sdp) {
  if (sdp.empty()) return FieldError(ERROR_REASON_FIELD_MISSING, "sdp", "is missing");
  if (sdp.size() > kLargestSdp) {
    return SessionError(ERROR_REASON_SDP_TOO_LARGE, "sdp is over 65,536 octets",
                        {{"field", "sdp"}, {"line", "1"}, {"sip_status", "413"}});
  }
  return absl::OkStatus();
}

absl::Status CheckSessionId(const std::string& id) {
  if (id.empty()) return FieldError(ERROR_REASON_FIELD_MISSING, "session_id", "is missing");
  return absl::OkStatus();
}

absl::Status CheckSignallingAddress(const std::string& address) {
  if (address.empty() || common::IpAddress::Parse(address).ok()) return absl::OkStatus();
  return FieldError(ERROR_REASON_FIELD_INVALID, "ue_signalling_address", "is not an IP address");
}

template <typename Values>
absl::Status CheckHeaders(const Values& values, const char* name) {
  const std::string field = absl::StrCat("e2ae_support.headers.", name);
  if (values.size() > kHeaderLimit) {
    return FieldError(ERROR_REASON_FIELD_INVALID, field, "has more than 16 values");
  }
  for (int i = 0; i < values.size(); ++i) {
    if (values[i].size() > kLongestHeader) {
      return FieldError(ERROR_REASON_FIELD_INVALID, absl::StrCat(field, "[", i, "]"),
                        "is over 2,048 octets");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDialogueField(const std::string& value, const char* name) {
  if (value.size() <= kLongestDialogueField) return absl::OkStatus();
  return FieldError(ERROR_REASON_FIELD_INVALID, absl::StrCat("dialogue.", name),
                    "is over 255 octets");
}

}  // namespace

absl::Status CheckRequest(const ims::alg::v1::ProcessOfferRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  switch (request.direction()) {
    case ims::alg::v1::DIRECTION_TERMINATING:
      break;
    case ims::alg::v1::DIRECTION_ORIGINATING:
      return SessionError(ERROR_REASON_DIRECTION_UNSUPPORTED,
                          "offers of the served UE are not handled", {{"field", "direction"}});
    case ims::alg::v1::DIRECTION_UNSPECIFIED:
      return FieldError(ERROR_REASON_FIELD_MISSING, "direction", "is missing");
    default:
      return FieldError(ERROR_REASON_FIELD_INVALID, "direction", "is unknown");
  }
  RETURN_IF_ERROR(CheckSdp(request.sdp()));
  const E2aeSupport::RegistrationHeaders& headers = request.e2ae_support().headers();
  RETURN_IF_ERROR(CheckHeaders(headers.security_client(), "security_client"));
  RETURN_IF_ERROR(CheckHeaders(headers.security_server(), "security_server"));
  RETURN_IF_ERROR(CheckSignallingAddress(request.ue_signalling_address()));
  RETURN_IF_ERROR(CheckDialogueField(request.dialogue().call_id(), "call_id"));
  RETURN_IF_ERROR(CheckDialogueField(request.dialogue().from_tag(), "from_tag"));
  RETURN_IF_ERROR(CheckDialogueField(request.dialogue().to_tag(), "to_tag"));
  if (!ims::alg::v1::CoreConnect_IsValid(request.core_connect())) {
    return FieldError(ERROR_REASON_FIELD_INVALID, "core_connect", "is unknown");
  }
  if (!ims::alg::v1::EarlySyn_IsValid(request.early_syn())) {
    return FieldError(ERROR_REASON_FIELD_INVALID, "early_syn", "is unknown");
  }
  return absl::OkStatus();
}

absl::Status CheckRequest(const ims::alg::v1::ProcessAnswerRequest& request) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id()));
  RETURN_IF_ERROR(CheckSessionId(request.session_id()));
  RETURN_IF_ERROR(CheckSdp(request.sdp()));
  return CheckSignallingAddress(request.ue_signalling_address());
}

absl::Status CheckRequest(const ims::alg::v1::RejectOfferRequest& request) {
  return CheckSessionId(request.session_id());
}

absl::Status CheckRequest(const ims::alg::v1::ReleaseSessionRequest& request) {
  return CheckSessionId(request.session_id());
}

absl::Status CheckRequest(const ims::alg::v1::GetSessionRequest& request) {
  return CheckSessionId(request.session_id());
}

}  // namespace alg
