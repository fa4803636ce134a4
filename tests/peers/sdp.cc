#include "tests/peers/sdp.h"

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/status_macros.h"

namespace peers {
namespace {

std::string Describe(const MsrpMedia& media, absl::string_view transport,
                     absl::string_view origin) {
  const absl::string_view family = media.address.ip.is_ipv4() ? "IP4" : "IP6";
  const std::string ip = media.address.ip.ToString();
  std::string sdp = absl::StrCat("v=0\r\n",                                                   //
                                 "o=", origin, " 1700000001 1 IN ", family, " ", ip, "\r\n",  //
                                 "s=-\r\n",                                                   //
                                 "c=IN ", family, " ", ip, "\r\n",                            //
                                 "t=0 0\r\n");
  absl::StrAppend(&sdp, "m=message ", media.address.port, " ", transport, " *\r\n",  //
                  "a=accept-types:*\r\n",                                            //
                  "a=path:", media.path, "\r\n");
  if (!media.setup.empty()) absl::StrAppend(&sdp, "a=setup:", media.setup, "\r\n");
  absl::StrAppend(&sdp, "a=msrp-cema\r\n");
  if (!media.fingerprint.empty()) {
    absl::StrAppend(&sdp, "a=fingerprint:", media.fingerprint, "\r\n");
  }
  return sdp;
}

}  // namespace

std::string MakeOffer(const MsrpMedia& media) { return Describe(media, "TCP/MSRP", "alice"); }

std::string MakeAnswer(const MsrpMedia& media) { return Describe(media, "TCP/TLS/MSRP", "bob"); }

absl::StatusOr<ReceivedMedia> ReadMedia(absl::string_view sdp) {
  ReceivedMedia media;
  int media_count = 0;
  for (absl::string_view line : absl::StrSplit(sdp, "\r\n")) {
    if (absl::StartsWith(line, "m=") && ++media_count > 1) break;
    if (absl::ConsumePrefix(&line, "c=IN IP4 ") || absl::ConsumePrefix(&line, "c=IN IP6 ")) {
      ASSIGN_OR_RETURN(media.address.ip, common::IpAddress::Parse(line));
    } else if (absl::ConsumePrefix(&line, "m=message ")) {
      const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
      uint32_t port;
      if (words.size() != 3 || !absl::SimpleAtoi(words[0], &port)) {
        return absl::InvalidArgumentError("m-line");
      }
      media.address.port = static_cast<uint16_t>(port);
      media.transport = std::string(words[1]);
    } else if (absl::ConsumePrefix(&line, "a=path:")) {
      media.path = std::string(line);
    } else if (absl::ConsumePrefix(&line, "a=setup:")) {
      media.setup = std::string(line);
    } else if (absl::ConsumePrefix(&line, "a=fingerprint:")) {
      media.fingerprint = std::string(line);
      const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(line, ' ');
      media.digest = absl::HexStringToBytes(absl::StrReplaceAll(parts.second, {{":", ""}}));
    } else if (line == "a=3ge2ae:applied") {
      media.e2ae_applied = true;
    }
  }
  if (media_count == 0) return absl::InvalidArgumentError("no m-line");
  return media;
}

std::string MsrpUri(bool secure, const common::TransportAddress& address, absl::string_view name) {
  return absl::StrCat(secure ? "msrps" : "msrp", "://", address.ToString(), "/", name, ";tcp");
}

}  // namespace peers
