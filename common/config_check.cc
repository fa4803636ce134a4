#include "common/config_check.h"

#include "absl/strings/str_cat.h"
#include "common/ip_address.h"

namespace common {
namespace {

using ims::config::v1::MutualTls;

void ValidateTlsFiles(const MutualTls& tls, const std::string& path, ConfigErrors* errors) {
  if (tls.certificate_file().empty()) errors->Add(path + ".certificate_file", "is missing");
  if (tls.key_file().empty()) errors->Add(path + ".key_file", "is missing");
  if (tls.ca_file().empty()) errors->Add(path + ".ca_file", "is missing");
}

}  // namespace

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration proto;
  proto.set_seconds(absl::ToInt64Seconds(duration));
  proto.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(proto.seconds()))));
  return proto;
}

void RangeChecker::Number(absl::string_view path, uint64_t value, uint64_t low,
                          uint64_t high) const {
  if (value < low || value > high) {
    errors_->Add(path, absl::StrCat("must be between ", low, " and ", high));
  }
}

void RangeChecker::Time(absl::string_view path, const google::protobuf::Duration& value,
                        absl::Duration low, absl::Duration high) const {
  const absl::Duration duration = ToDuration(value);
  if (duration < low || duration > high) {
    errors_->Add(path, absl::StrCat("must be between ", absl::FormatDuration(low), " and ",
                                    absl::FormatDuration(high)));
  }
}

void ValidateListenAddress(const std::string& path, const std::string& address,
                           ConfigErrors* errors) {
  if (!TransportAddress::Parse(address).ok()) {
    errors->Add(path, absl::StrCat("\"", address, "\" is not IP:PORT or [IP]:PORT"));
  }
}

void ValidateServerTls(const MutualTls& tls, const std::string& path, ConfigErrors* errors) {
  ValidateTlsFiles(tls, path, errors);
  if (!tls.server_name().empty()) errors->Add(path + ".server_name", "is only for a client");
}

void ValidateClientTls(const MutualTls& tls, const std::string& path, ConfigErrors* errors) {
  ValidateTlsFiles(tls, path, errors);
  if (!tls.allowed_client_names().empty()) {
    errors->Add(path + ".allowed_client_names", "is only for a server");
  }
}

}  // namespace common
