#include "agw-service/msrp/msrp_uri.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status_macros.h"

namespace agw {
namespace {

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("MSRP URI: ", what));
}

bool IsUnreserved(char c) {
  return absl::ascii_isalnum(c) || absl::string_view("-._~").find(c) != absl::string_view::npos;
}

bool IsIn(char c, absl::string_view set) { return set.find(c) != absl::string_view::npos; }

// RFC 4975 clause 9, "session-id".
bool IsSessionIdCharacter(char c) { return IsUnreserved(c) || IsIn(c, "+=/"); }

// RFC 3986 clause 3.2.1. Percent signs are taken as they come.
bool IsUserinfoCharacter(char c) { return IsUnreserved(c) || IsIn(c, "%!$&'()*+,;=:"); }

// A reg-name of RFC 3986 without what ends a host here.
bool IsHostCharacter(char c) { return IsUnreserved(c) || IsIn(c, "%!$&'()*+,="); }

// RFC 4975 clause 9, "token".
bool IsTokenCharacter(char c) { return absl::ascii_isgraph(c) && !IsIn(c, "\"(),/:;<=>?@[\\]"); }

bool IsParameter(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('=', 1));
  const auto is_token = [](absl::string_view token) {
    return !token.empty() && std::all_of(token.begin(), token.end(), IsTokenCharacter);
  };
  return is_token(parts.first) && (parts.first.size() == text.size() || is_token(parts.second));
}

}  // namespace

absl::StatusOr<MsrpUri> MsrpUri::Parse(absl::string_view text) {
  MsrpUri uri;
  const size_t scheme_size = text.find("://");
  if (scheme_size == absl::string_view::npos) return Malformed("no scheme");
  uri.is_msrps_ = absl::EqualsIgnoreCase(text.substr(0, scheme_size), "msrps");
  if (!uri.is_msrps_ && !absl::EqualsIgnoreCase(text.substr(0, scheme_size), "msrp")) {
    return Malformed("the scheme is neither msrp nor msrps");
  }
  text.remove_prefix(scheme_size + 3);

  const size_t at = text.substr(0, text.find('/')).find('@');
  if (at != absl::string_view::npos) {
    uri.userinfo_ = text.substr(0, at);
    if (!std::all_of(uri.userinfo_.begin(), uri.userinfo_.end(), IsUserinfoCharacter)) {
      return Malformed("userinfo");
    }
    text.remove_prefix(at + 1);
  }

  const size_t authority_size = text.find_first_of("/;");
  if (authority_size == absl::string_view::npos) return Malformed("no transport");
  absl::string_view authority = text.substr(0, authority_size);
  uri.behind_authority_ = text.substr(authority_size);
  bool numeric = false;
  if (absl::ConsumePrefix(&authority, "[")) {
    const size_t host_size = authority.find(']');
    if (host_size == absl::string_view::npos) return Malformed("no closing bracket");
    uri.host_ = authority.substr(0, host_size);
    authority.remove_prefix(host_size + 1);
    ASSIGN_OR_RETURN(const common::IpAddress ip, common::IpAddress::Parse(uri.host_));
    if (!ip.is_ipv6()) return Malformed("brackets around what is not an IPv6 address");
    numeric = true;
  } else {
    uri.host_ = authority.substr(0, authority.find(':'));
    authority.remove_prefix(uri.host_.size());
    if (uri.host_.empty() || !std::all_of(uri.host_.begin(), uri.host_.end(), IsHostCharacter)) {
      return Malformed("host");
    }
    numeric = common::IpAddress::Parse(uri.host_).ok();
  }
  if (absl::ConsumePrefix(&authority, ":")) {
    uint32_t port = 0;
    if (authority.size() > 5 ||
        !std::all_of(authority.begin(), authority.end(), absl::ascii_isdigit) ||
        !absl::SimpleAtoi(authority, &port) || port == 0 || port > 65535) {
      return Malformed("port");
    }
    uri.port_ = static_cast<uint16_t>(port);
  } else if (!authority.empty()) {
    return Malformed("authority");
  } else if (numeric) {
    return Malformed("a numeric host without a port");
  }

  absl::string_view rest = uri.behind_authority_;
  if (absl::ConsumePrefix(&rest, "/")) {
    uri.session_id_ = rest.substr(0, rest.find(';'));
    rest.remove_prefix(uri.session_id_.size());
    if (uri.session_id_.empty() ||
        !std::all_of(uri.session_id_.begin(), uri.session_id_.end(), IsSessionIdCharacter)) {
      return Malformed("session-id");
    }
  }
  if (!absl::ConsumePrefix(&rest, ";")) return Malformed("no transport");
  uri.transport_ = rest.substr(0, rest.find(';'));
  rest.remove_prefix(uri.transport_.size());
  if (uri.transport_.empty() ||
      !std::all_of(uri.transport_.begin(), uri.transport_.end(), absl::ascii_isalnum)) {
    return Malformed("transport");
  }
  while (absl::ConsumePrefix(&rest, ";")) {
    const absl::string_view parameter = rest.substr(0, rest.find(';'));
    if (!IsParameter(parameter)) return Malformed("parameter");
    rest.remove_prefix(parameter.size());
  }
  return uri;
}

bool MsrpUri::Matches(const MsrpUri& other) const {
  if (is_msrps_ != other.is_msrps_ || port_ != other.port_ || session_id_ != other.session_id_ ||
      !absl::EqualsIgnoreCase(transport_, other.transport_)) {
    return false;
  }
  if (absl::EqualsIgnoreCase(host_, other.host_)) return true;
  const absl::StatusOr<common::IpAddress> ip = common::IpAddress::Parse(host_);
  if (!ip.ok()) return false;
  const absl::StatusOr<common::IpAddress> other_ip = common::IpAddress::Parse(other.host_);
  return other_ip.ok() && *ip == *other_ip;
}

std::string MsrpUri::MovedTo(bool tls, const common::TransportAddress& authority) const {
  return absl::StrCat(tls ? "msrps://" : "msrp://", authority.ToString(), behind_authority_);
}

}  // namespace agw
