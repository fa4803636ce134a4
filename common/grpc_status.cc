#include "common/grpc_status.h"

#include <string>

#include "absl/strings/string_view.h"
#include "common/error.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace common {

// Both enumerations are that of google.rpc.Code.
static_assert(static_cast<int>(absl::StatusCode::kPermissionDenied) ==
              static_cast<int>(grpc::StatusCode::PERMISSION_DENIED));
static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) ==
              static_cast<int>(grpc::StatusCode::UNAUTHENTICATED));

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const std::string message(status.message());
  const ErrorInfo info = GetErrorInfo(status);
  std::string details;
  if (!info.reason.empty()) {
    google::rpc::ErrorInfo error_info;
    error_info.set_reason(info.reason);
    error_info.set_domain(info.domain);
    for (const auto& [key, value] : info.metadata) {
      (*error_info.mutable_metadata())[key] = value;
    }
    google::rpc::Status proto;
    proto.set_code(static_cast<int>(status.code()));
    proto.set_message(message);
    proto.add_details()->PackFrom(error_info);
    details = proto.SerializeAsString();
  }
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), message, details);
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  google::rpc::Status proto;
  if (!status.error_details().empty() && proto.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : proto.details()) {
      google::rpc::ErrorInfo error_info;
      if (!detail.UnpackTo(&error_info)) continue;
      ErrorInfo info{error_info.reason(), error_info.domain(), {}};
      for (const auto& [key, value] : error_info.metadata()) info.metadata.emplace_back(key, value);
      return MakeError(code, status.error_message(), info);
    }
  }
  return absl::Status(code, status.error_message());
}

}  // namespace common
