#include "alg-service/offer_answer/msrp_media.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"

namespace alg {
namespace {

constexpr absl::string_view kFingerprintAttribute = "fingerprint";

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

ptrdiff_t CountLines(const Section& section, char type) {
  return std::count_if(section.lines.begin(), section.lines.end(),
                       [type](const Line& line) { return line.type == type; });
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
  const Section& section = CountLines(media, 'c') > 0 ? media : description.session;
  const auto count = CountLines(section, 'c');
  if (count == 0) {
    return Rejection{RejectReason::kConnectionMissing,
                     "\"c=\" neither in the section nor in the session"};
  }
  if (count > 1) return Rejection{RejectReason::kAddressInvalid, "more than one \"c=\""};
  const absl::optional<ConnectionField> field = ParseConnectionField(section.Find('c')->value);
  if (!field.has_value()) {
    return Rejection{RejectReason::kAddressInvalid, "\"c=\" is malformed"};
  }
  if (!absl::EqualsIgnoreCase(field->network_type, "IN")) {
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

absl::variant<MsrpMedia, Rejection> ReadMsrpMedia(const SessionDescription& description,
                                                  const Section& media) {
  const MediaField field = *MediaFieldOf(media);
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

absl::variant<std::vector<Fingerprint>, Rejection> ReadRemoteFingerprints(
    const SessionDescription& description, const Section& media, absl::Span<const Fingerprint> own,
    bool allow_sha1) {
  std::vector<absl::string_view> values = media.Attributes(kFingerprintAttribute);
  if (values.empty()) values = description.session.Attributes(kFingerprintAttribute);
  if (values.empty()) {
    return Rejection{RejectReason::kFingerprintMissing, "no \"a=fingerprint\""};
  }

  std::vector<Fingerprint> usable;
  bool has_unknown = false;
  bool has_strong = false;
  for (absl::string_view value : values) {
    const absl::optional<Fingerprint> fingerprint = ParseFingerprint(value);
    if (!fingerprint.has_value()) {
      return Rejection{RejectReason::kFingerprintInvalid, "a broken \"a=fingerprint\""};
    }
    if (std::find(own.begin(), own.end(), *fingerprint) != own.end()) {
      return Rejection{RejectReason::kFingerprintReflected,
                       "a fingerprint of the IMS-AGW's own certificate"};
    }
    const std::string& hash_function = fingerprint->hash_function;
    if (hash_function == "md2" || hash_function == "md5") continue;
    if (!DigestSize(hash_function).has_value()) {
      has_unknown = true;
      continue;
    }
    if (hash_function != "sha-1") has_strong = true;
    usable.push_back(*fingerprint);
  }

  if (usable.empty()) {
    if (has_unknown) {
      return Rejection{RejectReason::kFingerprintUnknown, "no hash function that is known"};
    }
    return Rejection{RejectReason::kFingerprintDeprecated, "only md2 or md5, which prove nothing"};
  }
  if (!has_strong && !allow_sha1) {
    return Rejection{RejectReason::kFingerprintWeak, "nothing better than sha-1"};
  }
  return usable;
}

}  // namespace alg
