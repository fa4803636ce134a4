#include "alg-service/sdp/attributes.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/ip_address.h"

namespace alg {
namespace {

struct SetupName {
  Setup setup;
  absl::string_view name;
};
constexpr std::array<SetupName, 4> kSetupNames = {{{Setup::kActive, "active"},
                                                   {Setup::kPassive, "passive"},
                                                   {Setup::kActpass, "actpass"},
                                                   {Setup::kHoldconn, "holdconn"}}};

struct HashFunction {
  absl::string_view name;
  size_t digest_size;
};
constexpr std::array<HashFunction, 7> kHashFunctions = {{{"md2", 16},
                                                         {"md5", 16},
                                                         {"sha-1", 20},
                                                         {"sha-224", 28},
                                                         {"sha-256", 32},
                                                         {"sha-384", 48},
                                                         {"sha-512", 64}}};

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool IsAlnum(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); }

bool Contains(absl::string_view set, char c) { return set.find(c) != absl::string_view::npos; }

bool IsUnreserved(char c) { return IsAlnum(c) || Contains("-._~", c); }

// RFC 4975 clause 9, "token".
bool IsMsrpTokenChar(char c) {
  return c == 0x21 || (c >= 0x23 && c <= 0x27) || c == 0x2A || c == 0x2B || c == 0x2D ||
         c == 0x2E || (c >= 0x30 && c <= 0x39) || (c >= 0x41 && c <= 0x5A) ||
         (c >= 0x5E && c <= 0x7E);
}

bool IsToken(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsMsrpTokenChar);
}

// Characters of `allowed`, unreserved ones and "%" HEXDIG HEXDIG.
bool IsUriText(absl::string_view text, absl::string_view allowed) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsUnreserved(text[i]) || Contains(allowed, text[i])) continue;
    if (text[i] != '%' || i + 2 >= text.size()) return false;
    if (HexValue(text[i + 1]) < 0 || HexValue(text[i + 2]) < 0) return false;
    i += 2;
  }
  return true;
}

// RFC 3986 clause 3.2, with a port.
bool ParseAuthority(absl::string_view authority, MsrpUri& uri) {
  const size_t at = authority.find('@');
  if (at != absl::string_view::npos) {
    uri.user_info = std::string(authority.substr(0, at));
    if (!IsUriText(uri.user_info, "!$&'()*+,;=:")) return false;
    authority.remove_prefix(at + 1);
  }
  if (absl::ConsumePrefix(&authority, "[")) {
    const size_t end = authority.find(']');
    if (end == absl::string_view::npos) return false;
    uri.host = std::string(authority.substr(0, end));
    uri.is_ipv6_literal = true;
    authority.remove_prefix(end + 1);
    const absl::StatusOr<common::IpAddress> ip = common::IpAddress::Parse(uri.host);
    if (!ip.ok() || !ip->is_ipv6()) return false;
  } else {
    const size_t end = std::min(authority.find(':'), authority.size());
    uri.host = std::string(authority.substr(0, end));
    authority.remove_prefix(end);
    if (uri.host.empty() || !IsUriText(uri.host, "!$&'()*+,=")) return false;
  }
  const bool is_numeric = uri.is_ipv6_literal || common::IpAddress::Parse(uri.host).ok();
  if (authority.empty()) return !is_numeric;
  uint32_t port;
  if (!absl::ConsumePrefix(&authority, ":") || authority.empty() ||
      !std::all_of(authority.begin(), authority.end(), absl::ascii_isdigit) ||
      !absl::SimpleAtoi(authority, &port) || port == 0 || port > 65535) {
    return false;
  }
  uri.port = static_cast<uint16_t>(port);
  return true;
}

}  // namespace

absl::optional<Setup> ParseSetup(absl::string_view value) {
  value = absl::StripAsciiWhitespace(value);
  for (const SetupName& entry : kSetupNames) {
    if (absl::EqualsIgnoreCase(value, entry.name)) return entry.setup;
  }
  return absl::nullopt;
}

absl::string_view ToString(Setup setup) {
  for (const SetupName& entry : kSetupNames) {
    if (entry.setup == setup) return entry.name;
  }
  return "";
}

absl::optional<size_t> DigestSize(absl::string_view hash_function) {
  for (const HashFunction& entry : kHashFunctions) {
    if (hash_function == entry.name) return entry.digest_size;
  }
  return absl::nullopt;
}

absl::optional<Fingerprint> ParseFingerprint(absl::string_view value) {
  value = absl::StripAsciiWhitespace(value);
  const size_t space = value.find(' ');
  if (space == absl::string_view::npos) return absl::nullopt;
  Fingerprint fingerprint;
  fingerprint.hash_function = absl::AsciiStrToLower(value.substr(0, space));
  if (!IsToken(fingerprint.hash_function)) return absl::nullopt;

  const absl::string_view hex = value.substr(space + 1);
  if (hex.size() % 3 != 2) return absl::nullopt;
  for (size_t i = 0; i < hex.size(); i += 3) {
    const int high = HexValue(hex[i]);
    const int low = HexValue(hex[i + 1]);
    if (high < 0 || low < 0) return absl::nullopt;
    if (i + 2 < hex.size() && hex[i + 2] != ':') return absl::nullopt;
    fingerprint.digest.push_back(static_cast<uint8_t>(high * 16 + low));
  }
  const absl::optional<size_t> size = DigestSize(fingerprint.hash_function);
  if (size.has_value() && *size != fingerprint.digest.size()) return absl::nullopt;
  return fingerprint;
}

std::string ToString(const Fingerprint& fingerprint) {
  constexpr char kHexDigits[] = "0123456789ABCDEF";
  std::string text = absl::StrCat(fingerprint.hash_function, " ");
  for (size_t i = 0; i < fingerprint.digest.size(); ++i) {
    if (i > 0) text.push_back(':');
    text.push_back(kHexDigits[fingerprint.digest[i] >> 4]);
    text.push_back(kHexDigits[fingerprint.digest[i] & 0xF]);
  }
  return text;
}

absl::optional<MsrpUri> ParseMsrpUri(absl::string_view text) {
  MsrpUri uri;
  const size_t scheme_end = text.find("://");
  if (scheme_end == absl::string_view::npos) return absl::nullopt;
  const absl::string_view scheme = text.substr(0, scheme_end);
  uri.is_secure = absl::EqualsIgnoreCase(scheme, "msrps");
  if (!uri.is_secure && !absl::EqualsIgnoreCase(scheme, "msrp")) return absl::nullopt;
  text.remove_prefix(scheme_end + 3);

  // The authority has no "/" in it, and a ";" only in front of "@".
  const size_t slash = std::min(text.find('/'), text.size());
  const size_t at = text.substr(0, slash).find('@');
  const size_t semicolon = text.find(';', at == absl::string_view::npos ? 0 : at);
  if (semicolon == absl::string_view::npos) return absl::nullopt;
  if (!ParseAuthority(text.substr(0, std::min(slash, semicolon)), uri)) return absl::nullopt;
  if (slash < semicolon) {
    uri.session_id = std::string(text.substr(slash + 1, semicolon - slash - 1));
    // More than RFC 4975 allows: the identifier is opaque to us and kept as it is, never decoded.
    if (uri.session_id.empty() || !IsUriText(uri.session_id, "+=/:@!$&'()*,")) return absl::nullopt;
  }

  const std::vector<absl::string_view> parameters = absl::StrSplit(text.substr(semicolon + 1), ';');
  uri.transport = std::string(parameters[0]);
  if (uri.transport.empty() || !std::all_of(uri.transport.begin(), uri.transport.end(), IsAlnum)) {
    return absl::nullopt;
  }
  for (size_t i = 1; i < parameters.size(); ++i) {
    const size_t equals = parameters[i].find('=');
    if (!IsToken(parameters[i].substr(0, equals))) return absl::nullopt;
    if (equals != absl::string_view::npos && !IsToken(parameters[i].substr(equals + 1))) {
      return absl::nullopt;
    }
  }
  return uri;
}

absl::optional<std::vector<MsrpUri>> ParsePath(absl::string_view value) {
  value = absl::StripAsciiWhitespace(value);
  std::vector<MsrpUri> uris;
  for (absl::string_view word : absl::StrSplit(value, ' ')) {
    absl::optional<MsrpUri> uri = ParseMsrpUri(word);
    if (!uri.has_value()) return absl::nullopt;
    uris.push_back(*std::move(uri));
  }
  return uris;
}

E2aeIndicator ParseE2aeIndicator(absl::string_view value) {
  value = absl::StripAsciiWhitespace(value);
  if (absl::EqualsIgnoreCase(value, "requested")) return E2aeIndicator::kRequested;
  if (absl::EqualsIgnoreCase(value, "applied")) return E2aeIndicator::kApplied;
  return E2aeIndicator::kOther;
}

}  // namespace alg
