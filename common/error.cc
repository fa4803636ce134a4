#include "common/error.h"

#include <string>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"

namespace common {
namespace {

constexpr char kTypeUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";

}  // namespace

absl::Status MakeError(absl::StatusCode code, absl::string_view message, const ErrorInfo& info) {
  google::rpc::ErrorInfo proto;
  proto.set_reason(info.reason);
  proto.set_domain(info.domain);
  for (const auto& [key, value] : info.metadata) (*proto.mutable_metadata())[key] = value;
  absl::Status status(code, message);
  status.SetPayload(kTypeUrl, absl::Cord(proto.SerializeAsString()));
  return status;
}

ErrorInfo GetErrorInfo(const absl::Status& status) {
  ErrorInfo info;
  absl::optional<absl::Cord> payload = status.GetPayload(kTypeUrl);
  google::rpc::ErrorInfo proto;
  if (!payload.has_value() || !proto.ParseFromString(std::string(*payload))) return info;
  info.reason = proto.reason();
  info.domain = proto.domain();
  for (const auto& [key, value] : proto.metadata()) info.metadata.emplace_back(key, value);
  return info;
}

std::string ErrorReasonOf(const absl::Status& status) { return GetErrorInfo(status).reason; }

std::string ErrorMetadata(const absl::Status& status, absl::string_view key) {
  for (const auto& [name, value] : GetErrorInfo(status).metadata) {
    if (name == key) return value;
  }
  return "";
}

}  // namespace common
