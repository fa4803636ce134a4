#include "agw-service/context/iq_error.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "common/error.h"

namespace agw {

absl::Status IqError(absl::StatusCode code, absl::string_view reason, absl::string_view message,
                     absl::string_view field) {
  common::ErrorInfo info{.reason = std::string(reason), .domain = "iq.ims", .metadata = {}};
  if (field.empty()) return common::MakeError(code, message, info);
  info.metadata.emplace_back("field", std::string(field));
  return common::MakeError(code, absl::StrCat(field, ": ", message), info);
}

}  // namespace agw
