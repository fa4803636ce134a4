#include "alg-service/offer_answer/rewrite.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "alg-service/offer_answer/msrp_media.h"
#include "alg-service/sdp/attributes.h"
#include "alg-service/sdp/session_description.h"
#include "common/check.h"
#include "common/ip_address.h"

namespace alg {
namespace {

constexpr absl::string_view kE2aeAttribute = "3ge2ae";
constexpr absl::string_view kFingerprintAttribute = "fingerprint";
constexpr absl::string_view kSetupAttribute = "setup";
constexpr absl::string_view kFileTransferIdAttribute = "file-transfer-id";

void AppendAttribute(Section& section, absl::string_view name, absl::string_view value) {
  section.lines.push_back({'a', absl::StrCat(name, ":", value)});
}

void AppendFingerprints(Section& section, absl::Span<const Fingerprint> fingerprints) {
  for (const Fingerprint& fingerprint : fingerprints) {
    AppendAttribute(section, kFingerprintAttribute, ToString(fingerprint));
  }
}

void RemoveAttribute(Section& section, absl::string_view name) {
  auto& lines = section.lines;
  lines.erase(std::remove_if(lines.begin(), lines.end(),
                             [name](const Line& line) {
                               return line.type == 'a' &&
                                      absl::EqualsIgnoreCase(AttributeName(line.value), name);
                             }),
              lines.end());
}

// What secures the access side has no place on the core side, and what comes from there is not to
// be trusted (R-SEC-02).
void RemoveE2aeAttributes(Section& section) {
  RemoveAttribute(section, kE2aeAttribute);
  RemoveAttribute(section, kFingerprintAttribute);
}

void SetMediaField(Section& media, uint16_t port, absl::string_view transport) {
  MediaField field = *MediaFieldOf(media);
  field.port = port;
  field.port_count.clear();
  field.proto = std::string(transport);
  media.lines.front().value = ToString(field);
}

// Makes `section` say `setup` if neither it nor `session` says anything that counts; "holdconn"
// does not (RFC 6135 clause 4.2.1).
void MakeSetupExplicit(Section& section, const Section& session, Setup setup) {
  const auto own = std::find_if(section.lines.begin(), section.lines.end(), [](const Line& line) {
    return line.type == 'a' && absl::EqualsIgnoreCase(AttributeName(line.value), kSetupAttribute);
  });
  std::vector<absl::string_view> values = section.Attributes(kSetupAttribute);
  if (values.empty()) values = session.Attributes(kSetupAttribute);
  if (!values.empty() && ParseSetup(values[0]) != Setup::kHoldconn) return;
  if (own == section.lines.end()) {
    AppendAttribute(section, kSetupAttribute, ToString(setup));
  } else {
    own->value = absl::StrCat(kSetupAttribute, ":", ToString(setup));
  }
}

// An m-line that we reject: port 0 and nothing else. In an answer the identifier of an offered file
// stays (RFC 5547 clause 8.1), and "c=" stays where the session has none (RFC 8866 clause 5.7).
Section RejectedSection(const Section& offered, const Section& received, const Section& session) {
  Section section;
  section.lines.push_back(offered.lines.front());
  SetMediaField(section, 0, MediaFieldOf(offered)->proto);
  const Line* connection = received.Find('c');
  if (connection != nullptr && session.Find('c') == nullptr) section.lines.push_back(*connection);
  for (absl::string_view id : offered.Attributes(kFileTransferIdAttribute)) {
    AppendAttribute(section, kFileTransferIdAttribute, id);
  }
  return section;
}

Line ConnectionLine(const common::IpAddress& ip) {
  return {'c', ToString(ConnectionField{"IN", ip.is_ipv4() ? "IP4" : "IP6", ip.ToString()})};
}

void ReplaceConnectionLines(Section& section, const common::IpAddress& ip) {
  for (Line& line : section.lines) {
    if (line.type == 'c') line = ConnectionLine(ip);
  }
}

// Directly behind "m=" and "i=".
void InsertConnectionLine(Section& media, const common::IpAddress& ip) {
  auto place = media.lines.begin() + 1;
  if (place != media.lines.end() && place->type == 'i') ++place;
  media.lines.insert(place, ConnectionLine(ip));
}

// Puts our addresses in: `anchors` has one entry per media section, the address of those that are
// anchored.
//
// A "c=" of the section's own is rewritten. Else, if no active section belongs to somebody else,
// the session's is. Else the section gets one, unless it is at port 0, where no address matters.
void RewriteConnections(SessionDescription& description,
                        const std::vector<absl::optional<common::IpAddress>>& anchors) {
  bool has_foreign = false;
  for (size_t i = 0; i < anchors.size(); ++i) {
    has_foreign |= !anchors[i].has_value() && !IsAtPortZero(description.media[i]);
  }
  const bool has_session_line = description.session.Find('c') != nullptr;
  absl::optional<common::IpAddress> session_ip;  // What we wrote there.

  for (size_t i = 0; i < anchors.size(); ++i) {
    if (!anchors[i].has_value()) continue;
    Section& media = description.media[i];
    if (media.Find('c') != nullptr) {
      ReplaceConnectionLines(media, *anchors[i]);
      continue;
    }
    if (has_session_line && !has_foreign && !session_ip.has_value()) {
      session_ip = *anchors[i];
      ReplaceConnectionLines(description.session, *session_ip);
    }
    if (session_ip == anchors[i]) continue;
    if (!has_session_line || !IsAtPortZero(media)) InsertConnectionLine(media, *anchors[i]);
  }
}

// True if a section that is passed on relies on the session's fingerprints: it is secured by them
// (RFC 5763, RFC 8122) and has none of its own.
bool NeedsSessionFingerprint(const Section& media) {
  if (IsAtPortZero(media) || media.HasAttribute(kFingerprintAttribute)) return false;
  const absl::optional<MediaField> field = MediaFieldOf(media);
  if (!field.has_value()) return true;  // Who knows.
  for (absl::string_view part : absl::StrSplit(field->proto, '/')) {
    for (absl::string_view secured : {"TLS", "DTLS", "SAVP", "SAVPF"}) {
      if (absl::EqualsIgnoreCase(part, secured)) return true;
    }
  }
  return false;
}

// `is_passed` has one entry per media section.
void CleanSessionSection(SessionDescription& description, const std::vector<bool>& is_passed) {
  RemoveAttribute(description.session, kE2aeAttribute);
  for (size_t i = 0; i < is_passed.size(); ++i) {
    if (is_passed[i] && NeedsSessionFingerprint(description.media[i])) return;
  }
  RemoveAttribute(description.session, kFingerprintAttribute);
}

}  // namespace

std::string RewriteOffer(const SessionDescription& offer, const OfferPlan& plan,
                         absl::Span<const Reservation> reservations) {
  CHECK(plan.streams.size() == offer.media.size());
  const Side answerer = OtherSide(plan.offerer);
  SessionDescription result = offer;
  std::vector<absl::optional<common::IpAddress>> anchors(offer.media.size());
  std::vector<bool> is_passed(offer.media.size(), true);
  for (size_t i = 0; i < offer.media.size(); ++i) {
    if (!IsMsrp(offer.media[i])) continue;
    is_passed[i] = false;
    const OfferedStream& stream = plan.streams[i];
    Section& media = result.media[i];
    if (stream.handling == Handling::kRejected) {
      media = RejectedSection(offer.media[i], offer.media[i], offer.session);
      continue;
    }
    RemoveE2aeAttributes(media);
    if (stream.handling != Handling::kE2ae) continue;

    const Reservation& reservation = ReservationOf(stream.stream_id, reservations);
    anchors[i] = reservation.address(answerer).ip;
    SetMediaField(media, reservation.address(answerer).port, MsrpTransport(answerer));
    MakeSetupExplicit(media, offer.session, stream.setup);
    if (answerer == Side::kAccess) {
      AppendAttribute(media, kE2aeAttribute, "applied");
      AppendFingerprints(media, reservation.access_fingerprints);
    }
  }
  if (std::find(is_passed.begin(), is_passed.end(), false) != is_passed.end()) {
    CleanSessionSection(result, is_passed);
    RewriteConnections(result, anchors);
  }
  return WriteSessionDescription(result);
}

std::string RewriteAnswer(const SessionDescription& offer, const OfferPlan& offer_plan,
                          const SessionDescription& answer, const AnswerPlan& plan,
                          absl::Span<const Reservation> reservations) {
  CHECK(offer_plan.streams.size() == offer.media.size());
  CHECK(plan.streams.size() == offer.media.size());
  CHECK(answer.media.size() == offer.media.size());
  const Side offerer = offer_plan.offerer;
  SessionDescription result = answer;
  std::vector<absl::optional<common::IpAddress>> anchors(answer.media.size());
  std::vector<bool> is_passed(answer.media.size(), true);
  for (size_t i = 0; i < answer.media.size(); ++i) {
    if (!IsMsrp(offer.media[i])) continue;
    is_passed[i] = false;
    const AnsweredStream& stream = plan.streams[i];
    Section& media = result.media[i];
    if (stream.handling == Handling::kRejected) {
      media = RejectedSection(offer.media[i], answer.media[i], answer.session);
    } else {
      RemoveE2aeAttributes(media);
      SetMediaField(media, 0, MediaFieldOf(offer.media[i])->proto);
    }
    if (offer_plan.streams[i].handling != Handling::kE2ae) continue;

    const Reservation& reservation = ReservationOf(stream.stream_id, reservations);
    anchors[i] = reservation.address(offerer).ip;
    if (stream.handling != Handling::kE2ae) continue;
    SetMediaField(media, reservation.address(offerer).port, MsrpTransport(offerer));
    MakeSetupExplicit(media, answer.session, stream.roles.setup_to_offerer);
    // "a=3ge2ae:applied" is for offers.
    if (offerer == Side::kAccess) AppendFingerprints(media, reservation.access_fingerprints);
  }
  if (std::find(is_passed.begin(), is_passed.end(), false) != is_passed.end()) {
    CleanSessionSection(result, is_passed);
    RewriteConnections(result, anchors);
  }
  return WriteSessionDescription(result);
}

}  // namespace alg
