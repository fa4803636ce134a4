#include "alg-service/offer_answer/testing/descriptions.h"

#include "absl/strings/str_cat.h"
#include "alg-service/sdp/parser.h"
#include "common/check.h"

namespace alg {
namespace {

constexpr absl::string_view kOffer =
    "v=0\r\n"
    "o=alice 2890844526 2890844526 IN IP4 198.51.100.20\r\n"
    "s=-\r\n"
    "c=IN IP4 198.51.100.20\r\n"
    "t=0 0\r\n"
    "m=message 7654 TCP/MSRP *\r\n"
    "a=accept-types:message/cpim application/im-iscomposing+xml\r\n"
    "a=path:msrp://198.51.100.20:7654/jshA7weztas9vkq2;tcp\r\n"
    "a=setup:actpass\r\n"
    "a=msrp-cema\r\n";

constexpr absl::string_view kAnswerBeforeFingerprint =
    "v=0\r\n"
    "o=- 1700000001 1 IN IP4 10.45.0.7\r\n"
    "s=-\r\n"
    "c=IN IP4 10.45.0.7\r\n"
    "t=0 0\r\n"
    "m=message 2855 TCP/TLS/MSRP *\r\n"
    "a=accept-types:message/cpim application/im-iscomposing+xml\r\n"
    "a=path:msrps://10.45.0.7:2855/si438dsaodes77hq1;tcp\r\n"
    "a=setup:active\r\n"
    "a=msrp-cema\r\n";

std::string Apply(std::string text, const Changes& changes) {
  for (const auto& [from, to] : changes) {
    const size_t at = text.find(from);
    CHECK(at != std::string::npos);
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace

const char kAgwFingerprint[] =
    "sha-256 CF:84:59:15:44:0F:11:AE:12:99:CD:90:44:96:BD:85:DE:FA:97:97:E5:FB:D3:57:73:88:62:E0:"
    "C8:9B:D0:8B";
const char kUeFingerprint[] =
    "SHA-256 63:8F:BC:E2:38:C1:3F:C1:DE:CA:EC:C9:F7:24:91:BF:F2:B5:C3:BC:07:12:C0:67:AE:DD:A0:70:"
    "12:75:41:39";

std::string OfferText(const Changes& changes) { return Apply(std::string(kOffer), changes); }

std::string AnswerText(const Changes& changes) {
  return Apply(absl::StrCat(kAnswerBeforeFingerprint,
                            Attribute(absl::StrCat("fingerprint:", kUeFingerprint))),
               changes);
}

SessionDescription ParseOrDie(absl::string_view text) {
  absl::StatusOr<SessionDescription> description = ParseSessionDescription(text);
  CHECK(description.ok());
  return *std::move(description);
}

SessionDescription Offer(const Changes& changes) { return ParseOrDie(OfferText(changes)); }
SessionDescription Answer(const Changes& changes) { return ParseOrDie(AnswerText(changes)); }

SessionDescription UeOffer(const Changes& changes) {
  Changes all = {{"setup:active", "setup:actpass"},
                 {"a=msrp-cema\r\n", "a=msrp-cema\r\na=3ge2ae:requested\r\n"}};
  all.insert(all.end(), changes.begin(), changes.end());
  return ParseOrDie(AnswerText(all));
}

SessionDescription CoreAnswer(const Changes& changes) {
  Changes all = {{"setup:actpass", "setup:active"}};
  all.insert(all.end(), changes.begin(), changes.end());
  return ParseOrDie(OfferText(all));
}

OfferFacts BothHaveE2ae(Side offerer) {
  OfferFacts facts;
  facts.offerer = offerer;
  facts.ue_supports_e2ae = true;
  facts.p_cscf_supports_e2ae = true;
  return facts;
}

Reservation ReservationFor(uint32_t stream_id) {
  const uint16_t further = static_cast<uint16_t>(2 * (stream_id - 1));
  Reservation reservation;
  reservation.stream_id = stream_id;
  reservation.access =
      *common::TransportAddress::Parse(absl::StrCat("192.0.2.10:", 40002 + further));
  reservation.core =
      *common::TransportAddress::Parse(absl::StrCat("203.0.113.10:", 30002 + further));
  reservation.access_fingerprints = {*ParseFingerprint(kAgwFingerprint)};
  return reservation;
}

std::vector<Reservation> Reservations(uint32_t count) {
  std::vector<Reservation> reservations;
  for (uint32_t id = 1; id <= count; ++id) reservations.push_back(ReservationFor(id));
  return reservations;
}

std::string Attribute(absl::string_view rest) { return absl::StrCat("a=", rest, "\r\n"); }

}  // namespace alg
