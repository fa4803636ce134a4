#include "alg-service/gateway/gateway_directory.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace alg {

bool IsUsableGatewayName(absl::string_view name) {
  return !name.empty() && name.size() <= 80 && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.' || c == ':';
  });
}

}  // namespace alg
