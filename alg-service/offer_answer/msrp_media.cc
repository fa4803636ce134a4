#include "alg-service/offer_answer/msrp_media.h"

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"

namespace alg {
namespace {

absl::optional<Rejection> CheckMediaField(const MediaField& field) {
  if (field.formats.size() != 1 || field.formats[0] != "*") {
    return Rejection{RejectReason::kFormatInvalid, "the format of an MSRP m-line is \"*\""};
  }
  if (!field.port_count.empty()) {
    return Rejection{RejectReason::kPortInvalid, "an MSRP m-line has one port"};
  }
  return absl::nullopt;
}

absl::optional<Rejection> CheckPath(const Section& media) {
  const std::vector<absl::string_view> paths = media.Attributes("path");
  if (paths.empty()) return Rejection{RejectReason::kPathMissing, "no \"a=path\""};
  if (paths.size() > 1) {
    return Rejection{RejectReason::kPathInvalid, "more than one \"a=path\""};
  }
  if (!ParsePath(paths[0]).has_value()) {
    return Rejection{RejectReason::kPathInvalid, "\"a=path\" is no list of MSRP URIs"};
  }
  return absl::nullopt;
}

absl::variant<absl::optional<Setup>, Rejection> ReadSetup(const SessionDescription& description,
                                                          const Section& media) {
  std::vector<absl::string_view> values = media.Attributes("setup");
  if (values.empty()) values = description.session.Attributes("setup");
  if (values.empty()) return absl::optional<Setup>();
  if (values.size() > 1) {
    return Rejection{RejectReason::kSetupInvalid, "more than one \"a=setup\""};
  }
  const absl::optional<Setup> setup = ParseSetup(values[0]);
  if (!setup.has_value()) {
    return Rejection{RejectReason::kSetupInvalid, "\"a=setup\" has an unknown value"};
  }
  return setup;
}

absl::variant<common::IpAddress, Rejection> ReadAddress(const SessionDescription& description,
                                                        const Section& media) {
  const auto count = std::count_if(media.lines.begin(), media.lines.end(),
                                   [](const Line& line) { return line.type == 'c'; });
  if (count > 1) return Rejection{RejectReason::kAddressInvalid, "more than one \"c=\""};
  const Line* line = count == 1 ? media.Find('c') : description.session.Find('c');
  if (line == nullptr) {
    return Rejection{RejectReason::kConnectionMissing,
                     "\"c=\" neither in the section nor in the session"};
  }
  const absl::optional<ConnectionField> field = ParseConnectionField(line->value);
  if (!field.has_value() || !absl::EqualsIgnoreCase(field->network_type, "IN")) {
    return Rejection{RejectReason::kAddressInvalid, "the network type of \"c=\" is not IN"};
  }
  const absl::StatusOr<common::IpAddress> ip = common::IpAddress::Parse(field->address);
  if (!ip.ok()) {
    return Rejection{RejectReason::kAddressInvalid, "the address of \"c=\" is no IP address"};
  }
  if (!absl::EqualsIgnoreCase(field->address_type, ip->is_ipv4() ? "IP4" : "IP6")) {
    return Rejection{RejectReason::kAddressInvalid,
                     "the address of \"c=\" is not of its address type"};
  }
  return *ip;
}

}  // namespace

bool HasTransport(const MediaField& field, absl::string_view transport) {
  return absl::EqualsIgnoreCase(field.proto, transport);
}

bool IsMsrp(const MediaField& field) {
  return absl::EqualsIgnoreCase(field.media, "message") &&
         (HasTransport(field, kMsrpOverTcp) || HasTransport(field, kMsrpOverTls));
}

absl::variant<MsrpMedia, Rejection> ReadMsrpMedia(const SessionDescription& description,
                                                  const Section& media) {
  const MediaField field = MediaFieldOf(media);
  if (absl::optional<Rejection> rejection = CheckMediaField(field)) return *rejection;
  if (absl::optional<Rejection> rejection = CheckPath(media)) return *rejection;

  MsrpMedia result;
  const auto setup = ReadSetup(description, media);
  if (const Rejection* rejection = absl::get_if<Rejection>(&setup)) return *rejection;
  result.setup = absl::get<absl::optional<Setup>>(setup);

  const auto ip = ReadAddress(description, media);
  if (const Rejection* rejection = absl::get_if<Rejection>(&ip)) return *rejection;
  result.address = {absl::get<common::IpAddress>(ip), field.port};
  return result;
}

}  // namespace alg
